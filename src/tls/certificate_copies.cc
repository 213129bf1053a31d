#include "tls/certificate_copies.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_handle.h"
#include "tls/certificate.h"

namespace sekisho::tls {

namespace {

constexpr const char* folder_name = "certificates";
constexpr const char* fresh_name = ".new";  // one writer at a time, by a lock on the folder
constexpr std::string_view first_words = "sekisho-pair 1 ";
constexpr std::size_t max_copy = std::size_t{3} * 1024 * 1024;  // of two files of 1 MB

tl::unexpected<std::string> failed(const std::string& path, const std::string& what) {
  return tl::unexpected(path + ": " + what + ": " + std::strerror(errno));
}

// The path in one word. Whatever stands for something else is escaped, so no two are the same.
std::string name_of(const KeyPair& files) {
  static constexpr char digits[] = "0123456789abcdef";
  static constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._";
  std::string name;
  for (const char c : files.certificate) {
    if (c == '/') {
      if (!name.empty()) name += '-';
    } else if (plain.find(c) != std::string_view::npos && !(c == '.' && name.empty())) {
      name += c;
    } else {
      const auto octet = static_cast<unsigned char>(c);
      name.append("%").append(1, digits[octet >> 4]).append(1, digits[octet & 0xf]);
    }
  }
  return name;
}

// A line with both lengths, the certificate, the key.
std::string copy_of(const PairText& pair) {
  return std::string(first_words) + std::to_string(pair.certificate.text.size()) + " " +
         std::to_string(pair.key.text.size()) + "\n" + pair.certificate.text + pair.key.text;
}

// A whole number and the octet behind it.
std::optional<std::size_t> take_number(std::string_view& text, char end) {
  std::size_t number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || stop == text.data() + text.size() || *stop != end)
    return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  return number;
}

std::optional<PairText> parse_copy(std::string_view text, const KeyPair& files) {
  if (!text.starts_with(first_words)) return std::nullopt;
  text.remove_prefix(first_words.size());
  const auto certificate = take_number(text, ' ');
  const auto key = certificate ? take_number(text, '\n') : std::nullopt;
  if (!key || *certificate > text.size() || text.size() - *certificate != *key) return std::nullopt;
  return PairText{{files.certificate, std::string(text.substr(0, *certificate))},
                  {files.key, std::string(text.substr(*certificate))}};
}

// Our folder, locked. A link or a folder of somebody else's is an error: we may be root.
Expected<UniqueFd, std::string> open_folder(const std::string& parent) {
  const std::string path = parent + "/" + folder_name;
  const UniqueFd above(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!above) return failed(parent, "cannot be opened");
  if (::mkdirat(above.get(), folder_name, 0700) != 0 && errno != EEXIST)
    return failed(path, "cannot be made");
  UniqueFd folder(::openat(above.get(), folder_name,
                           O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!folder || ::fstat(folder.get(), &status) != 0) return failed(path, "cannot be opened");
  if (status.st_uid != ::geteuid()) {
    return tl::unexpected(path +
                          ": belongs to another user, who could replace what is in it: "
                          "remove it, and try again");
  }
  // The reader knows the names; nobody needs to list them.
  if (::fchmod(folder.get(), 0711) != 0) return failed(path, "its mode cannot be set");
  while (::flock(folder.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return failed(path, "cannot be locked");
  }
  return folder;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno != EINTR) return false;
    if (wrote > 0) text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return true;
}

// Whether the file is there as it should be. It is the reader's, who might have changed it.
bool is_same(int folder, const std::string& name, const std::string& text, uid_t reader) {
  const UniqueFd file(
      ::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return false;
  if (status.st_uid != reader || (status.st_mode & 07777) != 0400) return false;
  const auto now = read_to_end(file.get(), max_copy);
  return now && *now == text;
}

// The owner comes last: afterwards the file is not ours to change.
bool make_file(int folder, const std::string& text, uid_t reader) {
  ::unlinkat(folder, fresh_name, 0);
  const UniqueFd file(
      ::openat(folder, fresh_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  return file && write_all(file.get(), text) && ::fchmod(file.get(), 0400) == 0 &&
         ::fchown(file.get(), reader, static_cast<gid_t>(-1)) == 0 && ::fsync(file.get()) == 0;
}

Expected<void, std::string> replace(int folder, const std::string& path, const std::string& name,
                                    const std::string& text, uid_t reader) {
  if (make_file(folder, text, reader) &&
      ::renameat(folder, fresh_name, folder, name.c_str()) == 0) {
    return {};
  }
  const int error = errno;
  ::unlinkat(folder, fresh_name, 0);
  errno = error;
  return failed(path + "/" + name, "cannot be written");
}

std::vector<std::string> names_in(int folder) {
  std::vector<std::string> names;
  UniqueFd again(::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  DIR* open = again ? ::fdopendir(again.get()) : nullptr;
  if (open == nullptr) return names;
  (void)again.release();  // closedir() closes it
  while (const dirent* entry = ::readdir(open)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  ::closedir(open);
  return names;
}

}  // namespace

Expected<bool, std::string> CertificateCopies::write(const KeyPair& files, uid_t reader) const {
  const auto pair = read_pair(files);
  if (!pair) return tl::unexpected(pair.error().what);
  if (auto parsed = Certificate::parse(pair->certificate, pair->key); !parsed)
    return tl::unexpected(std::move(parsed.error()));
  const auto folder = open_folder(parent_);
  if (!folder) return tl::unexpected(folder.error());
  const std::string text = copy_of(*pair);
  const std::string name = name_of(files);
  if (is_same(folder->get(), name, text, reader)) return false;
  auto replaced = replace(folder->get(), parent_ + "/" + folder_name, name, text, reader);
  if (!replaced) return tl::unexpected(std::move(replaced.error()));
  return true;
}

Expected<void, std::string> CertificateCopies::keep_only(const std::vector<KeyPair>& pairs) const {
  const auto folder = open_folder(parent_);
  if (!folder) return tl::unexpected(folder.error());
  for (const auto& name : names_in(folder->get())) {
    const bool wanted = std::any_of(pairs.begin(), pairs.end(),
                                    [&](const KeyPair& pair) { return name_of(pair) == name; });
    if (!wanted && ::unlinkat(folder->get(), name.c_str(), 0) != 0)
      return failed(parent_ + "/" + folder_name + "/" + name, "cannot be removed");
  }
  return {};
}

bool CertificateCopies::exist() const {
  return ::access((parent_ + "/" + folder_name).c_str(), F_OK) == 0;
}

Expected<PairText, std::string> CertificateCopies::read(const KeyPair& files) const {
  const std::string path = parent_ + "/" + folder_name + "/" + name_of(files);
  const auto text = read_file(path, max_copy);
  if (!text) return tl::unexpected(path + ": " + text.error().what);
  auto pair = parse_copy(*text, files);
  if (!pair) return tl::unexpected(path + ": not a copy of a certificate and its key");
  return std::move(*pair);
}

CertificateFiles::Read CertificateCopies::reader() const {
  return [copies = *this](const KeyPair& files) -> Expected<PairText, PairFault> {
    auto pair = read_pair(files);
    if (pair || pair.error().code != FileError::Code::failed) return pair;
    auto copy = copies.read(files);
    if (copy) return std::move(*copy);
    return pair;
  };
}

}  // namespace sekisho::tls
