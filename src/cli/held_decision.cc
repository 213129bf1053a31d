#include "cli/held_decision.h"

#include <optional>

#include "cli/quarantine_store.h"
#include "history/archive.h"
#include "quarantine/store.h"
#include "record/held.h"

namespace sekisho::cli {

namespace {

// If the recipients differ, the decision for the held ones.
policy::Decision holding_decision(const policy::Verdict& verdict) {
  for (const auto& [to, decision] : verdict.recipients) {
    if (decision.action == policy::Action::quarantine) return decision;
  }
  return verdict.message;
}

// From the text stored by a version before 0.2: "mail.example.com[192.0.2.1]".
void read_client(const std::string& text, policy::Client& client) {
  const auto bracket = text.rfind('[');
  if (bracket == std::string::npos || !text.ends_with(']')) return;
  const auto address = mail::IpAddress::parse(text.substr(bracket + 1, text.size() - bracket - 2));
  if (address) client.address = *address;
  if (const auto name = text.substr(0, bracket); name != "unknown") client.name = name;
}

// nullopt: our store does not know that id; it may be one of the MTA, which the history knows.
std::optional<OrComplaint<HeldDecision>> from_store(const config::Settings& settings,
                                                    const std::string& id) {
  if (settings.session.quarantine.where != session::QuarantineWhere::store) return std::nullopt;
  const auto& folder = folder_of_held(settings);
  const auto held = open_held(settings, [](const std::string&) {});
  if (!held) return complaint(unavailable, folder + ": " + held.error().why);
  const auto message = held->store->get(id);
  if (!message) {
    using Kind = spool::Failure::Kind;
    const auto kind = message.error().kind;
    if (kind == Kind::not_found || kind == Kind::refused) return std::nullopt;
    return complaint(exit_code_of(kind), folder + ": " + message.error().why);
  }
  auto decision = decision_of(*message);
  // Stored by an older version; the history may have more.
  if (!decision && decision.error().code == data_error) return std::nullopt;
  return decision;
}

OrComplaint<HeldDecision> from_history(const config::Settings& settings, const std::string& id) {
  if (settings.history.dir.empty()) return complaint(no_input, "there is no history");
  auto archive = history::Archive::open(settings.history.dir);
  if (!archive) return complaint(no_input, "the history: " + archive.error().why);
  const auto number = archive->find(id);
  if (!number) return complaint(no_input, "the history: " + number.error().why);
  if (!*number) return complaint(no_input, "neither the quarantine nor the history knows that id");
  auto read = archive->read(**number);
  if (!read) return complaint(no_input, "the history: " + read.error().why);
  if (!*read) return complaint(data_error, "the history: " + (*read).error().what);
  auto& outcome = (*read)->outcome;
  return HeldDecision{std::move(outcome.facts), holding_decision(outcome.verdict)};
}

}  // namespace

OrComplaint<HeldDecision> decision_of(const quarantine::HeldMessage& message) {
  auto read = record::read_held(message.detail.decision);
  if (!read) return complaint(data_error, "its decision cannot be read: " + read.error());
  auto& [outcome, complete] = *read;
  HeldDecision held{std::move(outcome.facts), holding_decision(outcome.verdict)};
  if (complete) return held;
  held.facts.queue_id = message.held.queue_id;
  held.facts.received = message.held.time;
  held.facts.mail_from = message.held.mail_from;
  held.facts.recipients.assign(message.held.recipients.begin(), message.held.recipients.end());
  read_client(message.held.client, held.facts.client);
  return held;
}

OrComplaint<HeldDecision> find_held_decision(const config::Settings& settings,
                                             const std::string& id) {
  if (auto held = from_store(settings, id)) return std::move(*held);
  return from_history(settings, id);
}

}  // namespace sekisho::cli
