#include "accounts/live_directory.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/ascii.h"

namespace sekisho::accounts {

namespace {

using Kind = relay::Recipients::Kind;
using Secrecy = WatchedFile::Secrecy;
using Watched = std::map<std::string, WatchedFile>;

// The default of `aliases.files`, on a host that has none.
bool is_excused(const WatchedFile& file) {
  if (file.path() != AliasOptions().files.front()) return false;
  const auto text = read_file(file.path(), 0);
  return !text && text.error().code == FileError::Code::absent;
}

std::set<std::string> wanted_files(const DirectoryOptions& options) {
  std::set<std::string> paths(options.aliases.files.begin(), options.aliases.files.end());
  paths.insert(path_of(options.users.senders));
  for (const auto& route : options.routes->options().routes) {
    if (route.recipients) paths.insert(route.recipients->path);
  }
  paths.erase("");
  return paths;
}

// The defaults of `aliases.domains`.
std::set<std::string> alias_domains(const DirectoryOptions& options) {
  const auto& map = options.routes->options();
  std::set<std::string> domains;
  const auto add = [&](const std::string& domain) {
    const bool single = !domain.empty() && domain.front() != '.' && domain != "*";
    if (single) domains.insert(ascii::lower(domain));
  };
  if (!options.aliases.domains.empty()) {
    for (const auto& domain : options.aliases.domains) add(domain);
    return domains;
  }
  for (const auto& domain : {map.hostname, std::string("localhost"), options.origin}) add(domain);
  for (const auto& route : map.routes) {
    const auto via = route.via.kind;
    const bool lmtp = via == relay::Via::Kind::lmtp || via == relay::Via::Kind::lmtp_unix;
    const bool users = route.recipients && route.recipients->kind == Kind::users;
    if (!lmtp && !users) continue;
    for (const auto& domain : route.domain) add(domain);
  }
  return domains;
}

void append(std::vector<std::string>& all, const std::vector<std::string>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

// Watched files, and the new ones that the aliases include.
Expected<std::string, FileError> read_included(Watched& watched, const std::string& path) {
  auto [entry, added] = watched.try_emplace(path, path);
  if (added) entry->second.look();
  if (entry->second.ever_read()) return entry->second.text();
  return tl::unexpected(FileError{FileError::Code::failed, entry->second.fault()});
}

}  // namespace

LiveDirectory::LiveDirectory(DirectoryOptions options) { configure(std::move(options)); }

void LiveDirectory::take_options(Files& files, DirectoryOptions options) {
  files.options = std::move(options);
  Watched watched;
  for (const auto& path : wanted_files(files.options)) {
    auto before = files.watched.extract(path);
    if (before.empty()) {
      watched.emplace(path, WatchedFile(path));
    } else {
      watched.insert(std::move(before));
    }
  }
  const std::string users = path_of(files.options.users.source);
  if (!users.empty()) watched.insert_or_assign(users, WatchedFile(users, Secrecy::not_for_others));
  files.watched.swap(watched);
  files.srs_fault.clear();
  auto secrets = srs_secrets(files.options.aliases.srs_secret_file);
  if (secrets) {
    files.srs_secrets = std::move(*secrets);
  } else {
    files.srs_fault = secrets.error();
  }
}

void LiveDirectory::configure(DirectoryOptions options) {
  // The files are read without the lock.
  auto files = state_.with([](const State& state) { return state.files; });
  take_options(files, std::move(options));
  read_all(files);
  auto made = build(files);
  state_.with([&](State& state) {
    ++state.generation;
    std::swap(state.files, files);
    std::swap(state.result, made);
  });
}

bool LiveDirectory::read_all(Files& files) {
  bool changed = false;
  for (auto& [path, file] : files.watched) changed = file.look() || changed;
  return changed;
}

bool LiveDirectory::look() {
  auto [files, generation] =
      state_.with([](const State& state) { return std::pair(state.files, state.generation); });
  if (!read_all(files)) return false;
  auto made = build(files);
  return state_.with([&files = files, &made, generation = generation](State& state) {
    // Options that came meanwhile have read the files too.
    if (state.generation != generation) return false;
    std::swap(state.files, files);
    std::swap(state.result, made);
    return true;
  });
}

std::shared_ptr<const Directory> LiveDirectory::now() const {
  return state_.with([](const State& state) { return state.result.directory; });
}

std::vector<std::string> LiveDirectory::findings() const {
  return state_.with([](const State& state) { return state.result.findings; });
}

LiveDirectory::Result LiveDirectory::build(Files& files) {
  const auto& options = files.options;
  const auto& aliases = options.aliases;
  Result result;
  const std::string srs_domain = aliases.srs_domain.empty() ? options.origin : aliases.srs_domain;
  HouseDirectory::Parts parts{
      .routes = options.routes,
      .origin = options.origin,
      .delimiter = aliases.delimiter,
      .alias_domains = alias_domains(options),
      .aliases = {},
      .aliases_fault = {},
      .senders = Senders({options.routes->options().identity_domains, aliases.delimiter}),
      .users = nullptr,
      .recipients = {},
      .srs = Srs(files.srs_secrets, ascii::lower(srs_domain))};
  if (!files.srs_fault.empty()) result.findings.push_back(files.srs_fault);
  for (auto& [path, file] : files.watched) {
    if (!file.fault().empty() && !is_excused(file)) result.findings.push_back(file.fault());
  }
  for (const auto& path : aliases.files) {
    const WatchedFile& file = files.watched.at(path);
    parts.aliases.add(file.text(), path,
                      [&](const std::string& name) { return read_included(files.watched, name); });
    if (!file.ever_read() && !is_excused(file)) parts.aliases_fault = file.fault();
  }
  append(result.findings, parts.aliases.findings());
  const std::string senders = path_of(options.users.senders);
  if (!senders.empty()) parts.senders.add(files.watched.at(senders).text(), senders);
  append(result.findings, parts.senders.findings());
  const std::string users = path_of(options.users.source);
  if (!users.empty() && files.watched.at(users).current())
    parts.users =
        std::make_shared<UserFile>(UserFile::parse(files.watched.at(users).text(), users));
  for (const auto& route : options.routes->options().routes) {
    if (!route.recipients || route.recipients->kind != Kind::file) continue;
    const std::string& path = route.recipients->path;
    const WatchedFile& file = files.watched.at(path);
    auto& list = parts.recipients[path];
    if (!file.current() || list) continue;
    auto parsed = std::make_shared<RecipientsFile>(RecipientsFile::parse(file.text(), path));
    append(result.findings, parsed->findings());
    list = std::move(parsed);
  }
  result.directory = std::make_shared<HouseDirectory>(std::move(parts));
  return result;
}

}  // namespace sekisho::accounts
