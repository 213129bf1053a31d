#include "setup/access_files.h"

#include <algorithm>
#include <iterator>

#include <sys/stat.h>

#include "base/read_file.h"

namespace sekisho::setup {

namespace {

using policy::AccessFile;
using policy::AccessKind;
using policy::AccessList;

// 100,000 entries with notes are 10 MB; a larger file is not an access list.
constexpr std::size_t max_octets = std::size_t{32} * 1024 * 1024;
// At most this many lines about one list at once.
constexpr std::size_t max_told = 10;

bool is_default(const std::string& path) {
  return path == default_allowlist || path == default_denylist;
}

std::shared_ptr<const AccessFile> absent_file(const std::string& path) {
  auto file = std::make_shared<AccessFile>();
  file->path = path;
  return file;
}

Expected<AccessList::Files, std::string> read_all(const std::vector<std::string>& paths,
                                                  AccessKind kind) {
  AccessList::Files files;
  for (const auto& path : paths) {
    const auto text = read_file(path, max_octets);
    const bool absent = !text && text.error().code == FileError::Code::absent;
    if (text) {
      files.push_back(
          std::make_shared<const AccessFile>(policy::parse_access_file(*text, path, kind)));
    } else if (absent && is_default(path)) {
      files.push_back(absent_file(path));
    } else {
      return tl::unexpected<std::string>(
          std::string(to_string(kind)) + ".files: " + path + ": " + text.error().what +
          (absent ? ": make the file, if only an empty one, or take it out of the list"
                  : ": check that the daemon's user may read it"));
    }
  }
  return files;
}

config::Finding warning(const std::string& file, std::size_t line, std::string message) {
  return {config::Finding::Level::warning, {file, line, 0}, std::move(message)};
}

std::string count(std::size_t number, const std::string& of_what) {
  const bool entry = of_what == "entry";
  return std::to_string(number) + " " +
         (number == 1 ? of_what
          : entry     ? std::string("entries")
                      : of_what + "s");
}

// "reject", "reject (monitor)", "skip=dnsbl,rhsbl".
std::string effect_of(const policy::DnsListRule& rule) {
  if (!vouches(rule.kind)) {
    return std::string(to_string(rule.action)) + (rule.monitor ? " (monitor)" : "");
  }
  return "skip=" + (rule.skip.empty() ? "nothing" : joined_words(rule.skip));
}

std::vector<std::string> texts_of(const AccessList& list) {
  std::vector<std::string> texts;
  texts.reserve(list.size());
  for (const auto& file : list.files()) {
    for (const auto& entry : file->entries) texts.push_back(entry.text(list.kind()));
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

std::size_t only_in_first(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<std::string> difference;
  std::set_difference(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(difference));
  return difference.size();
}

std::string expired_text(const policy::AccessEntry& entry) {
  return entry.identity() + " has expired (until=" + entry.until_text() +
         ") and does nothing: remove it, or give it another date";
}

// RFC 5321 §3.3: once RCPT is answered, only the reply to the end of DATA can refuse.
void add_moved_to_dot(const AccessList& list, WallTime now,
                      std::vector<config::Finding>& findings) {
  std::size_t others = 0;
  const policy::AccessEntry* first = nullptr;
  for (const auto& file : list.files()) {
    for (const auto& entry : file->entries) {
      const bool late =
          entry.kind == policy::IdentityKind::from || entry.kind == policy::IdentityKind::dkim;
      if (!late || entry.effect.skip_lists.empty() || entry.expired(now)) continue;
      if (first == nullptr) {
        first = &entry;
      } else {
        ++others;
      }
    }
  }
  if (first == nullptr) return;
  findings.push_back(warning(
      *first->file, first->line,
      first->identity() + (others == 0 ? "" : " and " + count(others, "entry") + " more") +
          ": from: and dkim: entries that skip lists move all refusals by these lists from RCPT to "
          "the end of DATA"));
}

// Such an entry names only the sending service, and so lets all its customers write under any name.
void add_too_wide(const AccessList& list, WallTime now, std::vector<config::Finding>& findings) {
  std::size_t others = 0;
  std::optional<config::Finding> first;
  for (const auto& file : list.files()) {
    for (const auto& entry : file->entries) {
      auto wide = policy::lets_others_in(entry.kind, entry.identity(), entry.effect);
      if (wide.empty() || entry.expired(now)) continue;
      if (first) {
        ++others;
      } else {
        first = warning(*entry.file, entry.line, std::move(wide));
      }
    }
  }
  if (!first) return;
  if (others > 0) {
    first->message += " (so " + std::string(others == 1 ? "does " : "do ") +
                      count(others, "entry") + " more: sekisho allow list)";
  }
  findings.push_back(std::move(*first));
}

void add_denied(const AccessList& allowlist, const AccessList& denylist, WallTime now,
                std::vector<config::Finding>& findings) {
  for (const auto& file : allowlist.files()) {
    for (const auto& entry : file->entries) {
      const auto* denied = entry.expired(now) ? nullptr : denylist.always_before(entry, now);
      if (denied == nullptr) continue;
      findings.push_back(warning(*entry.file, entry.line,
                                 entry.identity() +
                                     " never does anything: the denylist comes first, and has " +
                                     denied->identity() + " (" + denied->place() + ")"));
    }
  }
}

void add_findings(const AccessList* list, WallTime now, std::vector<config::Finding>& findings) {
  if (list == nullptr) return;
  for (const auto& finding : list->findings()) {
    findings.push_back(warning(finding.file, finding.line, finding.message));
  }
  for (const auto* entry : list->expired_between(WallTime::min(), now)) {
    findings.push_back(warning(*entry->file, entry->line, expired_text(*entry)));
  }
  if (list->kind() == AccessKind::deny) return;
  add_moved_to_dot(*list, now, findings);
  add_too_wide(*list, now, findings);
}

}  // namespace

Expected<void, std::string> read_access_files(const AccessFileOptions& options,
                                              policy::RuleSet& rules) {
  auto allow = read_all(options.allowlist, AccessKind::allow);
  if (!allow) return tl::unexpected<std::string>(allow.error());
  auto deny = read_all(options.denylist, AccessKind::deny);
  if (!deny) return tl::unexpected<std::string>(deny.error());
  rules.allowlist = std::make_shared<const AccessList>(AccessKind::allow, std::move(*allow));
  rules.denylist = std::make_shared<const AccessList>(AccessKind::deny, std::move(*deny));
  return {};
}

std::vector<config::Finding> access_findings(const policy::RuleSet& rules, WallTime now) {
  std::vector<config::Finding> findings;
  add_findings(rules.allowlist.get(), now, findings);
  add_findings(rules.denylist.get(), now, findings);
  if (rules.allowlist && rules.denylist) {
    add_denied(*rules.allowlist, *rules.denylist, now, findings);
  }
  return findings;
}

std::string access_in_force(const policy::RuleSet& rules) {
  LogLine line("lists in force:");
  const auto tell = [&line](const AccessList& list) {
    for (const auto& file : list.files()) {
      std::string text = file->path + ": ";
      text += file->present ? count(file->entries.size(), "entry") : "absent";
      if (file->bad_lines > 0) text += ", " + count(file->bad_lines, "bad line");
      line.field(std::string(to_string(list.kind())), text);
    }
  };
  if (rules.denylist) tell(*rules.denylist);
  if (rules.allowlist) tell(*rules.allowlist);
  if (rules.denylist && rules.denylist->size() > 0) {
    line.field("order", "denylist before allowlist");
  }
  for (const auto& rule : rules.defaults.lists.rules) {
    line.field(to_string(rule.kind), rule.name + " " + effect_of(rule));
  }
  return line.text();
}

void AccessFiles::loaded(const policy::RuleSet& rules, WallTime now) {
  kept_.clear();
  for (const auto* list : {rules.allowlist.get(), rules.denylist.get()}) {
    if (list == nullptr) continue;
    const auto findings = list->findings();
    for (std::size_t i = 0; i < std::min(findings.size(), max_told); ++i) {
      log_.warning(findings[i].text());
    }
    if (list->bad_lines() > 0) {
      log_.warning(std::string(to_string(list->kind())) + ": " + count(list->size(), "entry") +
                   ", " + count(list->bad_lines(), "bad line"));
    }
    tell_expired(list, WallTime::min(), now);
  }
  looked_ = now;
}

std::optional<AccessFiles::Stamp> AccessFiles::stamp_of(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  const auto nanoseconds = [](const timespec& time) {
    return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  return Stamp{status.st_dev, status.st_ino, status.st_size, nanoseconds(status.st_mtim),
               nanoseconds(status.st_ctim)};
}

void AccessFiles::look(const AccessFileOptions& options, const session::Snapshot& current,
                       WallTime now, const Replace& replace) {
  const auto& rules = current.rules;
  const auto allow = look_at(AccessKind::allow, options.allowlist, rules.allowlist.get(), now);
  const auto deny = look_at(AccessKind::deny, options.denylist, rules.denylist.get(), now);
  if (allow || deny) {
    // The copy points into the suffix list that both share.
    auto next = std::make_shared<session::Snapshot>(current);
    if (allow) next->rules.allowlist = allow;
    if (deny) next->rules.denylist = deny;
    replace(std::move(next));
  }
  tell_change(rules.allowlist.get(), allow.get());
  tell_change(rules.denylist.get(), deny.get());
  // A list that was read again may bring entries that expired long ago.
  tell_expired(allow ? allow.get() : rules.allowlist.get(), allow ? WallTime::min() : looked_, now);
  tell_expired(deny ? deny.get() : rules.denylist.get(), deny ? WallTime::min() : looked_, now);
  looked_ = now;
}

std::shared_ptr<const AccessList> AccessFiles::look_at(AccessKind kind,
                                                       const std::vector<std::string>& paths,
                                                       const AccessList* held, WallTime now) {
  Files files;
  bool changed = false;
  for (const auto& path : paths) {
    std::shared_ptr<const AccessFile> before;
    if (held != nullptr) {
      for (const auto& file : held->files()) {
        if (file->path == path) before = file;
      }
    }
    if (!before) before = absent_file(path);
    files.push_back(look_at_file(kind, path, before, now));
    changed |= files.back() != before;
  }
  if (!changed) return nullptr;
  return std::make_shared<const AccessList>(kind, std::move(files));
}

std::shared_ptr<const AccessFile> AccessFiles::look_at_file(
    AccessKind kind, const std::string& path, const std::shared_ptr<const AccessFile>& held,
    WallTime now) {
  const auto stamp = stamp_of(path);
  const auto known = stamps_.find(path);
  if (stamp && known != stamps_.end() && known->second == *stamp) return held;
  stamps_.erase(path);
  const auto text = read_file(path, max_octets);
  if (!text) {
    const bool never_was = text.error().code == FileError::Code::absent && !held->present;
    if (!never_was) keep(path, *held, text.error().what);
    return held;
  }
  kept_.erase(path);
  // A file that was just written could change again within the same tick of the clock, without a
  // new stamp: it is read again until it has been quiet for a while.
  const std::int64_t quiet_since = now.time_since_epoch().count() - look_every.count();
  if (stamp && stamp->modified / 1'000'000'000 < quiet_since) stamps_[path] = *stamp;
  if (held->present && held->digest == policy::digest_of(*text)) return held;
  return std::make_shared<const AccessFile>(policy::parse_access_file(*text, path, kind));
}

void AccessFiles::keep(const std::string& path, const AccessFile& held, const std::string& why) {
  // Reported once for each reason, and not at the first look, which may fall between the two
  // renames of an editor.
  auto& kept = kept_[path];
  if (++kept.looks < 2 || !kept.told.insert(why).second) return;
  log_.warning(path + ": " + why + ": what it held (" + count(held.entries.size(), "entry") +
               ") stays in force; to drop it, write an empty file");
}

void AccessFiles::tell_change(const AccessList* before, const AccessList* after) {
  if (after == nullptr) return;
  const auto old_texts = before == nullptr ? std::vector<std::string>{} : texts_of(*before);
  const auto new_texts = texts_of(*after);
  std::string line = std::string(to_string(after->kind())) + ": " + count(after->size(), "entry") +
                     " (" + std::to_string(only_in_first(new_texts, old_texts)) + " added, " +
                     std::to_string(only_in_first(old_texts, new_texts)) + " removed)";
  const auto findings = after->findings();
  if (after->bad_lines() == 0) {
    log_.info(line);
  } else {
    const auto bad = std::find_if(findings.begin(), findings.end(),
                                  [](const auto& finding) { return finding.bad_line; });
    line += ", " + count(after->bad_lines(), "bad line");
    if (bad != findings.end()) line += ": " + bad->text();
    log_.warning(line);
  }
  // The first bad line has been reported already.
  for (std::size_t i = 0; i < std::min(findings.size(), max_told); ++i) {
    if (after->bad_lines() != 1 || !findings[i].bad_line) log_.warning(findings[i].text());
  }
}

void AccessFiles::tell_expired(const AccessList* list, WallTime after, WallTime now) {
  if (list == nullptr) return;
  std::size_t told = 0;
  for (const auto* entry : list->expired_between(after, now)) {
    const std::string kind(to_string(list->kind()));
    if (!expired_.insert(kind + " " + entry->text(list->kind())).second) continue;
    if (++told > max_told) continue;
    log_.warning(entry->place() + ": " + expired_text(*entry));
  }
  if (told > max_told) {
    log_.warning(std::string(to_string(list->kind())) + ": " + count(told - max_told, "entry") +
                 " more expired: sekisho allow list shows them");
  }
}

}  // namespace sekisho::setup
