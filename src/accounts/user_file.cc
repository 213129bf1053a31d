#include "accounts/user_file.h"

#include "accounts/password.h"
#include "accounts/random_octets.h"
#include "base/ascii.h"
#include "base/encoding.h"

namespace sekisho::accounts {

namespace {

// Of Dovecot; those whose hashes are crypt(5)'s.
constexpr std::string_view crypt_schemes[] = {"{CRYPT}",        "{BLF-CRYPT}", "{SHA256-CRYPT}",
                                              "{SHA512-CRYPT}", "{MD5-CRYPT}", "{DES-CRYPT}"};

// More lines than this are one mistake in the whole file.
constexpr std::size_t most_findings = 20;

std::string_view without_scheme(std::string_view field) {
  for (const auto scheme : crypt_schemes) {
    if (ascii::istarts_with(field, scheme)) return field.substr(scheme.size());
  }
  return field;
}

// Empty: taken over into the user; else what is wrong.
std::string take_field(std::string_view field, User& user) {
  if (field.empty()) return {};
  if (field.starts_with("{SCRAM-SHA-256}")) {
    if (user.scram) return "two keys for SCRAM-SHA-256";
    user.scram = parse_scram_keys(field);
    return user.scram ? "" : "{SCRAM-SHA-256} is followed by ITERATIONS,SALT,STORED,SERVER";
  }
  const std::string hash(without_scheme(field));
  if (hash.starts_with('{'))
    return "only hashes of crypt(5) and {SCRAM-SHA-256} are known; set the password again with "
           "sekisho user passwd";
  if (!user.hash.empty()) return "two hashes";
  if (!is_hash(hash))
    return "no hash of crypt(5) stands behind the login; set the password with sekisho user passwd";
  user.hash = hash;
  return {};
}

std::string read_fields(std::string_view rest, User& user) {
  for (;;) {
    const auto colon = rest.find(':');
    if (auto wrong = take_field(ascii::trim(rest.substr(0, colon)), user); !wrong.empty())
      return wrong;
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  if (user.hash.empty() && !user.scram) return "no hash of a password";
  return {};
}

}  // namespace

void UserFile::read_line(std::string_view line, const std::string& where) {
  const auto found = [&](const std::string& what) {
    if (findings_.size() < most_findings) findings_.push_back(where + ": " + what);
  };
  const auto colon = line.find(':');
  User user{.login = std::string(ascii::trim(line.substr(0, colon))), .hash = {}, .scram = {}};
  if (colon == std::string_view::npos || user.login.empty()) return found("a line is LOGIN:HASH");
  if (user.login.find_first_of(" \t") != std::string::npos) return found("a login has no blanks");
  if (const auto wrong = read_fields(line.substr(colon + 1), user); !wrong.empty())
    return found(escape_for_log(user.login) + ": " + wrong);
  const bool has_scram = user.scram.has_value();
  const std::string key = ascii::lower(user.login);
  if (!users_.emplace(key, std::move(user)).second)
    return found(escape_for_log(key) + " stands in an earlier line too, which counts");
  if (has_scram) ++with_scram_;
}

UserFile UserFile::parse(std::string_view text, const std::string& path) {
  UserFile file;
  std::size_t number = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = ascii::trim(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.empty() || line.front() == '#') continue;
    file.read_line(line, path + ":" + std::to_string(number));
  }
  for (const auto& [key, user] : file.users_) {
    if (!user.hash.empty()) file.nobody_.hash = user.hash;
  }
  if (file.nobody_.hash.empty()) {
    file.nobody_.scram = scram_keys_of(random_octets(16), random_octets(16), scram_iterations);
  }
  return file;
}

const User* UserFile::find(std::string_view login) const {
  const auto found = users_.find(ascii::lower(login));
  return found == users_.end() ? nullptr : &found->second;
}

std::vector<User> UserFile::all() const {
  std::vector<User> users;
  users.reserve(users_.size());
  for (const auto& [key, user] : users_) users.push_back(user);
  return users;
}

bool UserFile::verify(const std::string& login, const std::string& password) const {
  const User* found = find(login);
  const User& user = found == nullptr ? nobody_ : *found;
  const bool fits = user.hash.empty() ? user.scram && fits_keys(password, *user.scram)
                                      : fits_hash(password, user.hash);
  return fits && found != nullptr;
}

}  // namespace sekisho::accounts
