#include "cli/allow.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/utf8.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "cli/terminal.h"
#include "mail/mailbox.h"
#include "policy/access_list.h"
#include "policy/allow_proposal.h"
#include "record/json.h"
#include "setup/access_files.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;
using policy::AccessEntry;
using policy::AccessKind;
using policy::AccessList;
using policy::IdentityKind;
using policy::Proof;

std::string safe(std::string_view text) { return escape_for_log(text, 400); }

// --- columns -------------------------------------------------------------------------------------

struct Column {
  std::string_view title;
  std::size_t width;
};

// 80 columns with the blanks between them.
constexpr Column columns[] = {{"ENTRY", 34}, {"PROOF", 10}, {"ALLOWS", 23}, {"UNTIL", 10}};

// Characters of East Asia are two columns wide; a few narrower ones are counted so too.
std::size_t width_of(char32_t c) { return c >= 0x1100 ? 2 : 1; }

std::size_t text_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto character = first_utf8_character(text);
    width += character ? width_of(character->code_point) : 1;
    text.remove_prefix(character ? character->octets : 1);
  }
  return width;
}

// The length of the longest prefix that fits, cut at a blank if there is one.
std::size_t fitting(std::string_view text, std::size_t width) {
  std::size_t at = 0;
  std::size_t used = 0;
  std::size_t gap = 0;
  while (at < text.size()) {
    const auto character = first_utf8_character(text.substr(at));
    const std::size_t octets = character ? character->octets : 1;
    used += character ? width_of(character->code_point) : 1;
    if (used > width) return gap > 0 ? gap : std::max<std::size_t>(at, 1);
    at += octets;
    if (text[at - octets] == ' ') gap = at;
  }
  return text.size();
}

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t octets = fitting(text, width);
    lines.emplace_back(text.substr(0, octets));
    while (lines.back().ends_with(' ')) lines.back().pop_back();
    text.remove_prefix(octets);
  }
  return lines;
}

// `uncut`: one line of any width.
void print_row(const std::vector<std::string>& cells, bool uncut) {
  std::vector<std::vector<std::string>> lines;
  std::size_t height = 1;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    lines.push_back(uncut ? std::vector<std::string>{cells[i]}
                          : wrapped(cells[i], columns[i].width));
    height = std::max(height, lines.back().size());
  }
  for (std::size_t y = 0; y < height; ++y) {
    std::string out;
    std::size_t column = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const std::size_t used = text_width(out);
      out.append(column > used ? column - used : 0, ' ');
      if (y < lines[i].size()) out += lines[i][y];
      column = std::max(column + columns[i].width, uncut ? text_width(out) : 0) + 1;
    }
    std::printf("%s\n", out.c_str());
  }
}

// --- list ----------------------------------------------------------------------------------------

std::string allows_text(const AccessEntry& entry, AccessKind kind) {
  return kind == AccessKind::allow ? to_text(entry.effect) : std::string(to_string(entry.deny));
}

std::string proof_text(const AccessEntry& entry, AccessKind kind) {
  return kind == AccessKind::allow ? std::string(to_string(entry.proof)) : "-";
}

void print_list(const AccessList& list, WallTime now) {
  std::printf("%s: %zu %s\n", std::string(to_string(list.kind())).c_str(), list.size(),
              list.size() == 1 ? "entry" : "entries");
  if (list.size() == 0) return;
  const bool allow = list.kind() == AccessKind::allow;
  const bool uncut = standard_output().columns == uncut_columns;
  print_row({"ENTRY", "PROOF", allow ? "ALLOWS" : "ACTION", "UNTIL"}, uncut);
  for (const auto& file : list.files()) {
    for (const auto& entry : file->entries) {
      std::string identity = entry.identity();
      if (!entry.proof_of.empty()) identity += " proof=" + proof_text(entry.proof, entry.proof_of);
      print_row({safe(identity), proof_text(entry, list.kind()), allows_text(entry, list.kind()),
                 entry.until ? entry.until_text() : "-"},
                uncut);
      std::string more = entry.expired(now) ? "expired, does nothing" : "";
      if (!entry.note.empty()) more += (more.empty() ? "" : "; ") + safe(entry.note);
      for (const auto& line : wrapped(more, uncut ? uncut_columns : 76))
        std::printf("    %s\n", line.c_str());
    }
  }
}

json list_json(const AccessList& list, WallTime now) {
  const bool allow = list.kind() == AccessKind::allow;
  json all = json::array();
  for (const auto& file : list.files()) {
    for (const auto& entry : file->entries) {
      json object = {{"entry", entry.identity()},     {"until", entry.until_text()},
                     {"expired", entry.expired(now)}, {"note", entry.note},
                     {"file", *entry.file},           {"line", entry.line}};
      if (allow) {
        object["proof"] = policy::proof_text(entry.proof, entry.proof_of);
        object["allows"] = to_text(entry.effect);
      } else {
        object["action"] = to_string(entry.deny);
      }
      all.push_back(std::move(object));
    }
  }
  return all;
}

std::optional<policy::RuleSet> load_lists(const std::string& path) {
  const auto loaded = load_configuration(path);
  if (!loaded) return std::nullopt;
  policy::RuleSet rules;
  if (auto read = setup::read_access_files(loaded->settings.access_files, rules); !read) {
    warn(read.error());
    return std::nullopt;
  }
  return rules;
}

// --- check ---------------------------------------------------------------------------------------

// The proof that an entry needs.
std::string condition(const AccessEntry& entry, AccessKind kind) {
  if (kind == AccessKind::deny) return "always";
  const std::string& who = entry.proof_of;
  switch (entry.proof) {
    case Proof::dmarc:
      return "when dmarc=pass";
    case Proof::dkim:
      if (!who.empty()) return "when a signature with d=" + who + " passes";
      return entry.kind == IdentityKind::dkim ? "when a signature of it passes"
                                              : "when a signature of the author passes";
    case Proof::spf:
      return who.empty() ? "when spf=pass" : "when spf=pass for a MAIL FROM in " + who;
    case Proof::fcrdns:
      return "when the client's name leads back to its address";
    case Proof::connection:
      return who.empty() ? "always: it is the address of the connection"
                         : "when the client's address is " + who;
    case Proof::none:
      return "always, without proof";
  }
  return "";
}

// Warns of others whom the entry lets in.
void tell_width(IdentityKind kind, const std::string& identity,
                const policy::AccessEffect& effect) {
  const auto wide = policy::lets_others_in(kind, identity, effect);
  if (!wide.empty()) std::printf("%-10s but %s\n", "", escape_for_log(wide, 600).c_str());
}

// Prints the entries; returns how many.
std::size_t print_entries(const AccessList::Entries& entries, AccessKind kind, WallTime now) {
  for (const auto* entry : entries) {
    const std::string what = entry->expired(now)
                                 ? "never: it has expired"
                                 : condition(*entry, kind) + ": " + allows_text(*entry, kind);
    std::printf("%-10s %s  (%s)\n%-10s %s\n", std::string(to_string(kind)).c_str(),
                safe(entry->identity()).c_str(), safe(entry->place()).c_str(), "", what.c_str());
    const std::string dead = kind == AccessKind::allow ? policy::never_does_anything(*entry) : "";
    if (!dead.empty()) std::printf("%-10s but %s\n", "", safe(dead).c_str());
    if (kind == AccessKind::allow && !entry->expired(now)) {
      tell_width(entry->kind, entry->identity(), entry->effect);
    }
  }
  return entries.size();
}

// The entries in force, and matching ones that have expired.
AccessList::Entries with_expired(AccessList::Entries live, const AccessList::Entries& all,
                                 WallTime now) {
  std::copy_if(all.begin(), all.end(), std::back_inserter(live),
               [now](const AccessEntry* entry) { return entry->expired(now); });
  return live;
}

std::size_t print_matches_of_address(const AccessList& list, const mail::IpAddress& address,
                                     WallTime now) {
  return print_entries(
      with_expired(list.find(address, now), list.find(address, WallTime::min()), now), list.kind(),
      now);
}

std::size_t print_matches_of_name(const AccessList& list, const std::string& local_part,
                                  const std::string& domain, WallTime now) {
  std::vector<IdentityKind> kinds = {IdentityKind::from, IdentityKind::mfrom};
  if (local_part.empty()) {
    kinds.insert(kinds.end(), {IdentityKind::dkim, IdentityKind::ptr, IdentityKind::helo});
  }
  std::size_t printed = 0;
  for (const IdentityKind kind : kinds) {
    printed +=
        print_entries(with_expired(list.find(kind, local_part, domain, now),
                                   list.find(kind, local_part, domain, WallTime::min()), now),
                      list.kind(), now);
  }
  return printed;
}

int check_identity(const std::string& text, const std::string& config_path) {
  const auto address = mail::IpAddress::parse(text);
  const auto mailbox = mail::Mailbox::parse(text);
  const auto domain = mail::DomainName::parse(text);
  if (!address && !mailbox && !domain) {
    return complain(no_input, text + ": no such file, and no address, domain or IP address");
  }
  const auto rules = load_lists(config_path);
  if (!rules) return config;
  const WallTime now = wall_now();
  std::size_t printed = 0;
  for (const auto* list : {rules->denylist.get(), rules->allowlist.get()}) {
    if (address) {
      printed += print_matches_of_address(*list, *address, now);
    } else if (mailbox) {
      printed += print_matches_of_name(*list, mailbox->local_part, mailbox->domain.text(), now);
    } else {
      printed += print_matches_of_name(*list, "", domain->text(), now);
    }
  }
  if (printed == 0) std::printf("no entry names %s\n", safe(text).c_str());
  return ok;
}

void print_match(const policy::AccessMatch& match, AccessKind kind) {
  std::string what = match.holds ? to_text(match.effect) : "does nothing";
  if (match.deny) what = to_string(*match.deny);
  std::string entry = match.entry;
  if (!match.proof_of.empty()) entry += " proof=" + proof_text(match.proof, match.proof_of);
  std::printf("%-10s %s  %s  (%s)\n%-10s %s  (%s)\n", std::string(to_string(kind)).c_str(),
              safe(entry).c_str(), std::string(standing(match)).c_str(), safe(match.reason).c_str(),
              "", what.c_str(), safe(match.place).c_str());
  if (match.holds && !match.deny) tell_width(match.kind, match.entry, match.effect);
}

void tell_proposal(const policy::Facts& facts, const policy::Decision& decision) {
  if (decision.monitored.value_or(decision.action) == policy::Action::accept) return;
  const auto proposal = policy::propose(facts, decision);
  if (proposal) {
    print_proposal(*proposal);
  } else {
    std::printf("%-10s none: %s\n", "entry", safe(proposal.error()).c_str());
  }
}

int check_message(const CheckRequest& request) {
  const auto outcome = judge(request);
  if (!outcome) return complain(outcome.error());
  const auto& facts = outcome->facts;
  if (request.json) {
    const auto record = record::to_json(*outcome);
    const json object = {{"allowlist", record["allowlist"]},
                         {"denylist", record["denylist"]},
                         {"verdict", record["verdict"]}};
    std::printf("%s\n", object.dump(2, ' ', true, json::error_handler_t::replace).c_str());
    return ok;
  }
  for (const auto& match : facts.denylist) print_match(match, AccessKind::deny);
  for (const auto& match : facts.allowlist) print_match(match, AccessKind::allow);
  if (facts.denylist.empty() && facts.allowlist.empty()) std::printf("no entry names it\n");
  const auto& decision = outcome->verdict.message;
  std::printf("%-10s %s  rule=%s  (%s)\n", "verdict",
              std::string(to_string(decision.action)).c_str(), safe(decision.rule).c_str(),
              safe(decision.reason).c_str());
  tell_proposal(facts, decision);
  return ok;
}

}  // namespace

void print_proposal(const policy::Proposal& proposal) {
  std::printf("%-10s %s\n%-10s would let it through, proven by %s\n", "entry",
              escape_for_terminal(proposal.entry.text(AccessKind::allow)).c_str(), "",
              safe(proposal.reason).c_str());
  if (!proposal.caution.empty()) std::printf("%-10s but %s\n", "", safe(proposal.caution).c_str());
  if (!proposal.other.empty()) {
    std::printf("%-10s %s\n", "", escape_for_log(proposal.other, 800).c_str());
  }
}

int allow_list(const std::string& config_path, bool as_json) {
  const auto rules = load_lists(config_path);
  if (!rules) return config;
  const WallTime now = wall_now();
  const auto findings = setup::access_findings(*rules, now);
  if (as_json) {
    json object = {{"allowlist", list_json(*rules->allowlist, now)},
                   {"denylist", list_json(*rules->denylist, now)},
                   {"findings", json::array()}};
    for (const auto& finding : findings) {
      object["findings"].push_back({{"file", finding.place.file},
                                    {"line", finding.place.line},
                                    {"message", finding.message}});
    }
    std::printf("%s\n", object.dump(2, ' ', true, json::error_handler_t::replace).c_str());
    return ok;
  }
  print_list(*rules->allowlist, now);
  print_list(*rules->denylist, now);
  print(findings);
  return ok;
}

int allow_check(const CheckRequest& request) {
  std::error_code ignored;
  const bool message =
      request.file == "-" || !request.ip.empty() || std::filesystem::exists(request.file, ignored);
  if (!message && request.json) {
    return complain(usage, "--json is for a stored message");
  }
  if (!message) return check_identity(request.file, request.config);
  if (request.ip.empty()) {
    return complain(usage, "a stored message needs --ip, --helo and --mail-from");
  }
  return check_message(request);
}

}  // namespace sekisho::cli
