#include "spool/message_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>

#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sekisho::spool {

namespace {

constexpr std::string_view magic = "sekisho-spool ";
constexpr unsigned newest_version = 2;

// A record holds the facts and the verdict of one message: some KB. A trailer with a larger number
// is damaged.
constexpr std::uint32_t max_record_octets = 16 * 1024 * 1024;

// Lower-case hexadecimal digits, all of `text`.
template <class Number>
bool read_hex(std::string_view text, Number& number) {
  const bool lower =
      std::none_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  return lower && error == std::errc{} && end == text.data() + text.size();
}

Failure damaged(std::string why) { return {Failure::Kind::damaged, std::move(why)}; }

// `count` octets from `offset`, or fewer at the end of the file.
Outcome<std::string> read_at(int fd, std::uint64_t offset, std::size_t count) {
  std::string octets(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const auto got =
        ::pread(fd, octets.data() + have, count - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(failure_of_errno(errno, "read the message file"));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  octets.resize(have);
  return octets;
}

}  // namespace

std::string Trailer::text() const {
  std::array<char, octets + 1> line{};
  std::snprintf(line.data(), line.size(), "%s%1u %016llx %08x %08x\n", magic.data(), version % 10,
                static_cast<unsigned long long>(message_octets), record_octets, checksum);
  return std::string(line.data(), octets);
}

std::optional<Trailer> Trailer::parse(std::string_view text) {
  if (text.size() != octets || !text.starts_with(magic) || text[15] != ' ' || text[32] != ' ' ||
      text[41] != ' ' || text[50] != '\n') {
    return std::nullopt;
  }
  Trailer trailer;
  if (!read_hex(text.substr(14, 1), trailer.version) || trailer.version == 0 ||
      trailer.version > newest_version || !read_hex(text.substr(16, 16), trailer.message_octets) ||
      !read_hex(text.substr(33, 8), trailer.record_octets) ||
      !read_hex(text.substr(42, 8), trailer.checksum)) {
    return std::nullopt;
  }
  return trailer;
}

Draft& Draft::operator=(Draft&& other) noexcept {
  if (this != &other) {
    drop();
    folder_ = std::move(other.folder_);
    share_ = std::move(other.share_);
    memory_ = std::move(other.memory_);
    fd_ = std::move(other.fd_);
    temporary_ = std::exchange(other.temporary_, {});
    size_ = other.size_;
    checksum_ = other.checksum_;
    failure_ = std::move(other.failure_);
  }
  return *this;
}

void Draft::drop() noexcept {
  if (!temporary_.empty()) folder_->remove_temporary(temporary_);
  temporary_.clear();
  fd_.reset();
}

void Draft::append(std::string_view octets) {
  size_ += octets.size();
  if (failure_) return;
  checksum_.update(octets);
  memory_ += octets;
  share_.set(memory_.capacity());
  if (memory_.size() > (share_.is_full() ? least_octets : memory_octets)) flush();
}

void Draft::flush() {
  if (!fd_ && !failure_) {
    auto made = folder_->make_temporary(temporary_);
    if (made) {
      fd_ = std::move(*made);
    } else {
      failure_ = made.error();
    }
  }
  std::string_view rest = memory_;
  while (!failure_ && !rest.empty()) {
    const auto written = ::write(fd_.get(), rest.data(), rest.size());
    if (written >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {
      failure_ = failure_of_errno(errno, "write the message file");
    }
  }
  memory_.clear();
  if (!share_.is_full()) return;
  memory_ = std::string();
  share_.set(0);
}

Outcome<void> Draft::finish(std::string_view record, unsigned version) {
  if (record.size() > max_record_octets)
    return failed(Failure::Kind::refused, "the record is larger than 16 MB");
  checksum_.update(record);
  memory_ += record;
  memory_ +=
      Trailer{size_, static_cast<std::uint32_t>(record.size()), checksum_.value(), version}.text();
  flush();
  memory_ = std::string();
  share_.set(0);
  if (!failure_ && ::fsync(fd_.get()) != 0) {
    failure_ =
        Failure{Failure::Kind::not_synced, failure_of_errno(errno, "fsync the message file").why};
  }
  // Closed at once: a result of fsync on this descriptor is final.
  fd_.reset();
  if (failure_) return failed(*failure_);
  return {};
}

Outcome<void> Draft::publish(const std::string& key) {
  auto published = folder_->publish(temporary_, key);
  if (published) temporary_.clear();
  return published;
}

Outcome<MessageFile> MessageFile::open(const Folder& folder, const std::string& key) {
  auto fd = folder.open_message(key);
  if (!fd) return failed(fd.error());
  struct stat status {};
  if (::fstat(fd->get(), &status) != 0)
    return failed(failure_of_errno(errno, "look at the message file " + key));
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < Trailer::octets) return failed(damaged("the message file " + key + " is cut off"));
  const auto last = read_at(fd->get(), size - Trailer::octets, Trailer::octets);
  if (!last) return failed(last.error());
  const auto trailer = Trailer::parse(*last);
  if (!trailer) return failed(damaged("the message file " + key + " has no trailer"));
  const std::uint64_t rest = size - Trailer::octets;
  if (trailer->record_octets > max_record_octets || trailer->record_octets > rest ||
      trailer->message_octets != rest - trailer->record_octets) {
    return failed(damaged("the message file " + key + " is not as long as its trailer says"));
  }
  auto record = read_at(fd->get(), trailer->message_octets, trailer->record_octets);
  if (!record) return failed(record.error());
  return MessageFile(std::move(*fd), *trailer, FileRecord{trailer->version, std::move(*record)});
}

Outcome<std::string> MessageFile::read(std::uint64_t offset, std::size_t count) const {
  if (offset >= size()) return std::string();
  return read_at(fd_.get(), offset,
                 static_cast<std::size_t>(std::min<std::uint64_t>(count, size() - offset)));
}

Outcome<void> MessageFile::compare(const Crc32& of_message) const {
  Crc32 checksum = of_message;
  checksum.update(record_.octets);
  if (checksum.value() == trailer_.checksum) return {};
  return failed(damaged("the message file is not what was written: its checksum differs"));
}

Outcome<bool> MessageFile::lock() {
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  return failed(failure_of_errno(errno, "lock the message file"));
}

void MessageFile::unlock() const { ::flock(fd_.get(), LOCK_UN); }

Outcome<std::string> MessageFile::read_all() const {
  auto message = read(0, static_cast<std::size_t>(size()));
  if (!message) return message;
  Crc32 checksum;
  checksum.update(*message);
  if (auto same = compare(checksum); !same) return failed(same.error());
  return message;
}

Outcome<void> MessageFile::verify() const {
  constexpr std::size_t piece = 64 * 1024;
  Crc32 checksum;
  for (std::uint64_t offset = 0; offset < size(); offset += piece) {
    const auto octets = read(offset, piece);
    if (!octets) return failed(octets.error());
    checksum.update(*octets);
  }
  return compare(checksum);
}

}  // namespace sekisho::spool
