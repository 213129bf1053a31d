#include "cli/user.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "accounts/password.h"
#include "accounts/random_octets.h"
#include "accounts/user_file.h"
#include "accounts/watched_file.h"
#include "base/ascii.h"
#include "base/encoding.h"
#include "base/read_file.h"
#include "cli/ask_password.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "cli/rewrite_file.h"

namespace sekisho::cli {

namespace {

constexpr std::size_t max_octets = std::size_t{32} * 1024 * 1024;  // what the daemon reads
constexpr std::size_t max_login = 254;                             // a mailbox in SMTP
constexpr mode_t users_mode = 0640;  // the daemon reads it by its group

struct Place {
  std::string path;
  NewFile fresh{.mode = users_mode};
};

// The group of the daemon, to which a new file belongs when root makes it.
std::optional<gid_t> daemon_group(const config::ProcessOptions& process) {
  if (::geteuid() != 0) return std::nullopt;
  if (!process.group.empty()) {
    const ::group* entry = ::getgrnam(process.group.c_str());
    return entry == nullptr ? std::nullopt : std::optional(entry->gr_gid);
  }
  const passwd* user = ::getpwnam(process.user.c_str());
  return user == nullptr ? std::nullopt : std::optional(user->pw_gid);
}

OrComplaint<Place> place_of(const UserRequest& request) {
  const auto loaded = load_configuration(request.config, config::ValueFiles::skip);
  if (!loaded) return complaint(ExitCode::config);
  Place place{.path = request.file};
  place.fresh.group = daemon_group(loaded->settings.process);
  const std::string& source = loaded->settings.users.source;
  if (place.path.empty()) place.path = accounts::path_of(source);
  if (!place.path.empty()) return place;
  if (source.empty()) {
    return complaint(ExitCode::config,
                     "users.source is not set: write source = \"file:/etc/sekisho/users\" into "
                     "[users], or name a file with --file");
  }
  return complaint(ExitCode::config, "users.source is " + escape_for_terminal(source) +
                                         ": its logins are managed there; or name a file with "
                                         "--file");
}

OrComplaint<void> check_login(const std::string& login) {
  const auto odd = [](char c) { return ascii::is_control(c) || c == ' ' || c == ':'; };
  const bool good = !login.empty() && login.size() <= max_login && login.front() != '#' &&
                    std::none_of(login.begin(), login.end(), odd);
  if (good) return {};
  return complaint(usage, escape_for_terminal(login) +
                              ": a login has 1 to 254 octets, no blanks and no colon, and does not "
                              "begin with #");
}

OrComplaint<std::string> password_for(const UserRequest& request) {
  return request.from_stdin ? read_password_line() : ask_new_password(request.login);
}

OrComplaint<std::string> line_of(const std::string& login, const std::string& password,
                                 bool scram) {
  const auto hash = accounts::hash_password(password);
  if (!hash) return complaint(data_error, hash.error());
  std::string line = login + ":" + *hash;
  if (scram) {
    const auto keys =
        accounts::scram_keys_of(password, accounts::random_octets(16), accounts::scram_iterations);
    line += ":" + accounts::to_text(keys);
  }
  return line;
}

// The login of a line as it is written; empty for a comment.
std::string_view login_of(std::string_view line) {
  line = ascii::trim(line);
  if (line.empty() || line.front() == '#') return {};
  return ascii::trim(line.substr(0, line.find(':')));
}

// The text with each line of this login replaced by what `change` makes of it; nullopt removes it.
using Change = std::function<std::optional<std::string>(std::string_view line)>;
std::string with_changed(std::string_view text, const std::string& login, const Change& change) {
  std::string out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    const auto whole = text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(whole.size());
    if (!ascii::iequals(login_of(line), login)) {
      out += whole;
    } else if (const auto changed = change(line)) {
      out += *changed + "\n";
    }
  }
  return out;
}

bool has_login(const std::string& text, const std::string& login) {
  bool found = false;
  with_changed(text, login, [&](std::string_view) -> std::optional<std::string> {
    found = true;
    return std::nullopt;
  });
  return found;
}

Complaint unknown_login(const Place& place, const std::string& login) {
  return {no_input, place.path + ": there is no login " + escape_for_terminal(login)};
}

int finish(const OrComplaint<void>& done, const std::string& text) {
  if (!done) return complain(done.error());
  std::printf("%s\n", text.c_str());
  return ok;
}

// What both need: a place and a valid login.
OrComplaint<Place> prepare(const UserRequest& request) {
  if (auto good = check_login(request.login); !good) return tl::unexpected(good.error());
  return place_of(request);
}

std::string text_of(const Place& place) {
  const auto text = read_file(place.path, max_octets);
  return text ? *text : std::string();  // a file that cannot be read is told when it is rewritten
}

// "yescrypt", "sha512crypt": by the letters between the first two "$" (crypt(5)).
std::string method_of(const std::string& hash) {
  if (hash.empty()) return "-";
  static constexpr std::pair<std::string_view, std::string_view> methods[] = {
      {"$y$", "yescrypt"},    {"$gy$", "gost-yescrypt"}, {"$7$", "scrypt"},
      {"$2b$", "bcrypt"},     {"$2a$", "bcrypt"},        {"$2y$", "bcrypt"},
      {"$6$", "sha512crypt"}, {"$5$", "sha256crypt"},    {"$1$", "md5crypt, weak"},
  };
  for (const auto& [prefix, name] : methods) {
    if (hash.starts_with(prefix)) return std::string(name);
  }
  return "old, weak";
}

void print_json(const std::vector<accounts::User>& users) {
  auto all = nlohmann::json::array();
  for (const auto& user : users) {
    all.push_back({{"login", user.login},
                   {"method", user.hash.empty() ? "" : method_of(user.hash)},
                   {"scram", user.scram.has_value()}});
  }
  std::printf("%s\n", all.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void print_table(const std::vector<accounts::User>& users) {
  for (const auto& user : users) {
    std::printf("%-32s %-14s %s\n", escape_for_terminal(user.login).c_str(),
                method_of(user.hash).c_str(), user.scram ? "SCRAM-SHA-256" : "-");
  }
}

}  // namespace

int user_add(const UserRequest& request) {
  const auto place = prepare(request);
  if (!place) return complain(place.error());
  const Complaint exists{data_error, place->path + ": " + escape_for_terminal(request.login) +
                                         " exists already; sekisho user passwd changes a password"};
  // Before somebody types a password for nothing.
  if (has_login(text_of(*place), request.login)) return complain(exists);
  const auto password = password_for(request);
  if (!password) return complain(password.error());
  const auto line = line_of(request.login, *password, request.scram);
  if (!line) return complain(line.error());
  const auto done = rewrite_file(
      place->path,
      [&](const std::string& before) -> OrComplaint<std::string> {
        if (has_login(before, request.login)) return tl::unexpected(exists);
        const bool ends = before.empty() || before.back() == '\n';
        return before + (ends ? "" : "\n") + *line + "\n";
      },
      place->fresh);
  return finish(done, place->path + ": " + escape_for_terminal(request.login) + " is added");
}

int user_passwd(const UserRequest& request) {
  const auto place = prepare(request);
  if (!place) return complain(place.error());
  if (!has_login(text_of(*place), request.login))
    return complain(unknown_login(*place, request.login));
  const auto password = password_for(request);
  if (!password) return complain(password.error());
  const auto done =
      rewrite_file(place->path, [&](const std::string& before) -> OrComplaint<std::string> {
        const auto file = accounts::UserFile::parse(before, place->path);
        const auto* user = file.find(request.login);
        // Keys of the old password must not stay.
        const bool scram = request.scram || (user != nullptr && user->scram);
        if (!has_login(before, request.login))
          return tl::unexpected(unknown_login(*place, request.login));
        auto line = line_of(user != nullptr ? user->login : request.login, *password, scram);
        if (!line) return line;
        bool written = false;
        return with_changed(before, request.login, [&](std::string_view) {
          return std::exchange(written, true) ? std::nullopt : std::optional(*line);
        });
      });
  return finish(done, place->path + ": the password of " + escape_for_terminal(request.login) +
                          " is changed");
}

int user_delete(const UserRequest& request) {
  const auto place = prepare(request);
  if (!place) return complain(place.error());
  const auto done =
      rewrite_file(place->path, [&](const std::string& before) -> OrComplaint<std::string> {
        if (!has_login(before, request.login))
          return tl::unexpected(unknown_login(*place, request.login));
        return with_changed(before, request.login,
                            [](std::string_view) { return std::optional<std::string>(); });
      });
  return finish(done, place->path + ": " + escape_for_terminal(request.login) + " is deleted");
}

int user_list(const UserRequest& request) {
  const auto place = place_of(request);
  if (!place) return complain(place.error());
  const auto text = read_file(place->path, max_octets);
  if (!text) return complain(no_input, place->path + ": " + text.error().what);
  const auto file = accounts::UserFile::parse(*text, place->path);
  request.json ? print_json(file.all()) : print_table(file.all());
  for (const auto& finding : file.findings()) warn(finding);
  return ok;
}

}  // namespace sekisho::cli
