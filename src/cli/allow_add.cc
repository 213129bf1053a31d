#include <algorithm>
#include <cstdio>
#include <unordered_map>

#include "base/encoding.h"
#include "cli/allow.h"
#include "cli/append_lines.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "cli/person.h"
#include "policy/access_list.h"
#include "setup/access_files.h"

namespace sekisho::cli {

namespace {

using policy::AccessEntry;
using policy::AccessKind;
using policy::Proof;

// The shell has removed the quotes that a value needs.
std::string option_text(const std::string& word) {
  const auto equals = word.find('=');
  const bool plain = word.find_first_of(" \t\"\\") == std::string::npos;
  if (plain || equals == std::string::npos || word[equals + 1] == '"') return word;
  std::string text = word.substr(0, equals + 1) + "\"";
  for (const char c : word.substr(equals + 1)) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}

// A word that begins like an entry is one; the words behind it are its options.
std::vector<std::string> entry_texts(const AddRequest& request) {
  std::vector<std::string> texts;
  for (const auto& word : request.words) {
    if (texts.empty() || policy::begins_entry(word)) {
      texts.push_back(word);
    } else {
      texts.back() += " " + option_text(word);
    }
  }
  for (auto& text : texts) {
    if (!request.until.empty()) text += " until=" + request.until;
    if (!request.note.empty()) text += " " + option_text("note=" + request.note);
  }
  return texts;
}

OrComplaint<std::vector<AccessEntry>> parse_entries(const AddRequest& request, AccessKind kind) {
  std::vector<AccessEntry> entries;
  for (const auto& text : entry_texts(request)) {
    auto entry = AccessEntry::parse(text, kind);
    if (!entry) {
      return complaint(data_error, escape_for_log(text, 200) + ": " + entry.error().what);
    }
    if (entry->expired(wall_now())) {
      return complaint(data_error,
                       entry->identity() + ": until=" + entry->until_text() + " is over already");
    }
    entries.push_back(std::move(*entry));
  }
  return entries;
}

// Two entries are the same if they have the same identity and, in the allowlist, the same proof.
std::string same_text(const AccessEntry& entry, AccessKind kind) {
  std::string text = entry.identity();
  if (kind == AccessKind::allow) {
    text.append(" proof=").append(proof_text(entry.proof, entry.proof_of));
  }
  return text;
}

OrComplaint<void> check_duplicates(const std::vector<AccessEntry>& entries, AccessKind kind,
                                   const policy::AccessList::Files& files) {
  std::unordered_map<std::string, std::string> places;
  for (const auto& file : files) {
    for (const auto& entry : file->entries) {
      if (!entry.expired(wall_now())) places.emplace(same_text(entry, kind), entry.place());
    }
  }
  for (const auto& entry : entries) {
    const auto [known, fresh] = places.emplace(same_text(entry, kind), "this command line");
    if (fresh) continue;
    return complaint(data_error,
                     entry.identity() + " stands in " + known->second + " already: edit it there");
  }
  return {};
}

void tell_doubts(const AccessEntry& entry, AccessKind kind) {
  if (kind != AccessKind::allow) return;
  if (entry.proof == Proof::none) {
    warn(entry.identity() +
         " proof=none: it holds for everybody who writes that address; each use is logged");
  }
  if (auto dead = policy::never_does_anything(entry); !dead.empty()) warn(dead);
  if (auto wide = policy::lets_others_in(entry.kind, entry.identity(), entry.effect);
      !wide.empty()) {
    warn(wide);
  }
}

// The list's other files, for duplicates; the file to be written is read under the lock.
policy::AccessList::Files other_files(const config::Settings& settings, AccessKind kind,
                                      const std::string& written) {
  policy::RuleSet rules;
  policy::AccessList::Files others;
  if (!setup::read_access_files(settings.access_files, rules)) return others;
  for (const auto& file : (kind == AccessKind::allow ? rules.allowlist : rules.denylist)->files()) {
    if (file->path != written) others.push_back(file);
  }
  return others;
}

}  // namespace

int add_entries(const config::Settings& settings, AccessKind kind, const std::string& file,
                const std::vector<AccessEntry>& entries) {
  const auto& configured =
      kind == AccessKind::deny ? settings.access_files.denylist : settings.access_files.allowlist;
  if (file.empty() && configured.empty()) {
    return complain(config, "the configuration names no file for it: give --file");
  }
  const std::string path = file.empty() ? configured.front() : file;
  const auto others = other_files(settings, kind, path);
  const auto done =
      append_lines(path, [&](const std::string& text) -> OrComplaint<std::vector<std::string>> {
        auto files = others;
        files.push_back(std::make_shared<const policy::AccessFile>(
            policy::parse_access_file(text, path, kind)));
        if (auto checked = check_duplicates(entries, kind, files); !checked) {
          return tl::unexpected(checked.error());
        }
        std::vector<std::string> lines;
        for (const auto& entry : entries) lines.push_back(entry.text(kind));
        return lines;
      });
  if (!done) return complain(done.error());
  ActLog log(settings);
  for (const auto& entry : entries) {
    tell_doubts(entry, kind);
    std::printf("%s: added %s\n", path.c_str(), entry.text(kind).c_str());
    log.tell(kind == AccessKind::deny ? "allow add --deny" : "allow add", "",
             path + ": " + entry.text(kind));
  }
  const bool named = std::find(configured.begin(), configured.end(), path) != configured.end();
  if (!named) {
    warn(path + " is not among the files of the configuration");
  }
  return ok;
}

int allow_add(const AddRequest& request) {
  if (request.words.empty() == request.from_quarantine.empty()) {
    return complain(usage, "give an entry, or --from-quarantine and the id of a held message");
  }
  const bool held = !request.from_quarantine.empty();
  if (held && request.deny) {
    return complain(usage, "--from-quarantine proposes what to allow, not what to deny");
  }
  if (!held && (request.yes || request.dry_run)) {
    return complain(usage, "--yes and --dry-run are for --from-quarantine");
  }
  const AccessKind kind = request.deny ? AccessKind::deny : AccessKind::allow;
  const auto entries = parse_entries(request, kind);
  if (!entries) return complain(entries.error());
  const auto loaded = load_configuration(request.config);
  if (!loaded) return config;
  if (!held) return add_entries(loaded->settings, kind, request.file, *entries);
  const auto decision = find_held_decision(loaded->settings, request.from_quarantine);
  if (!decision) {
    return complain(decision.error().code, request.from_quarantine + ": " + decision.error().what);
  }
  return allow_held(loaded->settings, *decision, request).code;
}

}  // namespace sekisho::cli
