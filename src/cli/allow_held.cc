// `sekisho allow add --from-quarantine`, and the first step of `sekisho quarantine release
// --allow`.
#include <algorithm>
#include <cstdio>
#include <memory>

#include "base/encoding.h"
#include "cli/allow.h"
#include "cli/ask.h"
#include "cli/complain.h"
#include "policy/access_list.h"
#include "policy/proofs.h"
#include "setup/access_files.h"

namespace sekisho::cli {

namespace {

using policy::AccessEntry;
using policy::AccessKind;
using policy::AccessList;
using policy::AccessMatch;

using Matches = std::vector<AccessMatch>;

// Whether `effect` permits everything that `wanted` does.
bool covers(const policy::AccessEffect& effect, const policy::AccessEffect& wanted) {
  const auto mild = [](std::optional<policy::Action> has, std::optional<policy::Action> wants) {
    return !wants || (has && *has <= *wants);
  };
  return effect.skip_lists.holds_all_of(wanted.skip_lists) &&
         effect.skip_author >= wanted.skip_author && effect.skip_smtp >= wanted.skip_smtp &&
         mild(effect.dmarc, wanted.dmarc) && mild(effect.spf, wanted.spf);
}

// The entry as it would be read from the file: the text comes from a stranger's message, and must
// not become more than one entry.
Expected<AccessEntry, std::string> written(AccessEntry entry, const AddRequest& request,
                                           const std::string& id) {
  entry.note = request.note.empty() ? "held message " + id : request.note;
  std::string text = entry.text(AccessKind::allow);
  if (!request.until.empty()) text += " until=" + request.until;
  auto read = AccessEntry::parse(text, AccessKind::allow);
  if (!read) return tl::unexpected<std::string>(read.error().what);
  const bool same = read->identity() == entry.identity() && read->proof == entry.proof &&
                    read->proof_of == entry.proof_of && read->effect == entry.effect;
  if (!same)
    return tl::unexpected<std::string>(entry.identity() + " cannot be written as an entry");
  if (read->expired(wall_now())) {
    return tl::unexpected<std::string>("until=" + read->until_text() + " is over already");
  }
  return std::move(*read);
}

// The effect of the allowlist on the message now, and with one more entry.
struct Prospect {
  Matches now;
  Matches then;
};

std::optional<Prospect> look_ahead(const config::Settings& settings, policy::Facts facts,
                                   const AccessEntry& entry) {
  policy::RuleSet rules;
  if (auto read = setup::read_access_files(settings.access_files, rules); !read) {
    warn(read.error());
    return std::nullopt;
  }
  facts.received = wall_now();  // an entry that has expired since has no effect on the next message
  auto files = rules.allowlist->files();
  files.push_back(std::make_shared<const policy::AccessFile>(policy::parse_access_file(
      entry.text(AccessKind::allow), "the new entry", AccessKind::allow)));
  const AccessList extended(AccessKind::allow, std::move(files));
  return Prospect{match_allowlist(*rules.allowlist, facts), match_allowlist(extended, facts)};
}

const AccessMatch* same_identity(const Matches& matches, const AccessEntry& entry) {
  const auto same = std::find_if(matches.begin(), matches.end(), [&](const AccessMatch& match) {
    return match.entry == entry.identity() && match.proof == entry.proof &&
           match.proof_of == entry.proof_of;
  });
  return same == matches.end() ? nullptr : &*same;
}

// Warns of entries that hold for the message now, and would be displaced by a more specific one.
void tell_displaced(const Prospect& prospect) {
  for (const auto& match : prospect.now) {
    const bool stays =
        std::any_of(prospect.then.begin(), prospect.then.end(), [&](const AccessMatch& other) {
          return other.entry == match.entry && other.place == match.place;
        });
    if (stays || !match.holds) continue;
    std::printf("%-10s but it is more specific than %s (%s): for it, %s ends\n", "",
                escape_for_terminal(match.entry).c_str(), match.place.c_str(),
                to_text(match.effect).c_str());
  }
}

// A held message has no configuration, and so does not know our domains.
bool is_ours(const config::Settings& settings, const policy::Facts& facts) {
  if (!facts.author.well_formed()) return false;
  const auto& ours = settings.session.identity.domains;
  const auto author = policy::judged_author(facts);
  return std::any_of(ours.begin(), ours.end(),
                     [&](const mail::DomainName& domain) { return author.is_or_is_below(domain); });
}

void tell(const HeldDecision& held, const policy::Proposal& proposal, const Prospect& prospect) {
  std::printf("%-10s %s  rule=%s  (%s)\n", held.facts.id.c_str(),
              std::string(to_string(held.decision.action)).c_str(), held.decision.rule.c_str(),
              escape_for_log(held.decision.reason, 400).c_str());
  print_proposal(proposal);
  tell_displaced(prospect);
}

// Adds a proposal that would help.
Allowing add_proposal(const config::Settings& settings, const std::string& id,
                      const AccessEntry& entry, const AddRequest& request) {
  if (request.dry_run) return {false, ok};
  switch (request.yes ? Answer::yes : ask("Add it?")) {
    case Answer::yes:
      break;
    case Answer::no:
      std::printf("nothing is added\n");
      return {false, ok};
    case Answer::nobody_there:
      return {false, complain(usage, id + ": nothing is added: nobody can be asked here, and --yes "
                                          "was not given (--dry-run only prints the entry)")};
  }
  const int code = add_entries(settings, AccessKind::allow, request.file, {entry});
  std::fflush(stdout);
  return {code == ok, code, entry.text(AccessKind::allow)};
}

}  // namespace

Allowing allow_held(const config::Settings& settings, HeldDecision held,
                    const AddRequest& request) {
  const std::string id = held.facts.id;
  held.facts.author_is_ours = is_ours(settings, held.facts);
  auto proposal = policy::propose(held.facts, held.decision);
  if (!proposal) return {false, complain(data_error, id + ": no entry: " + proposal.error())};
  const auto entry = written(proposal->entry, request, id);
  if (!entry) return {false, complain(data_error, id + ": no entry: " + entry.error())};
  const auto prospect = look_ahead(settings, held.facts, *entry);
  if (!prospect) return {false, config};
  if (const auto* known = same_identity(prospect->now, *entry)) {
    const bool enough = known->holds && covers(known->effect, entry->effect);
    return {enough, complain(data_error, id + ": " + known->entry + " stands in " + known->place +
                                             " already" + (enough ? "" : ": edit it there"))};
  }
  if (!covers(effect_of(prospect->then), entry->effect)) {
    return {false,
            complain(data_error, id + ": " + entry->identity() +
                                     " would do nothing: the list has a more specific entry")};
  }
  proposal->entry = *entry;
  tell(held, *proposal, *prospect);
  return add_proposal(settings, id, *entry, request);
}

}  // namespace sekisho::cli
