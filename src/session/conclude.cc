#include <algorithm>
#include <utility>

#include "authres/compose.h"
#include "policy/decide.h"
#include "session/hop.h"
#include "session/message.h"
#include "session/own_fields.h"
#include "session/recorded_header.h"
#include "session/traces.h"

namespace sekisho::session {

namespace {

// The store answers within seconds: two for a locked index, and what a disk takes. After this long
// the message is the sender's again; should it be stored all the same, the store knows it when it
// comes again.
constexpr std::chrono::seconds storing_time(60);

// The decision whose disposition the fields of a delivered copy tell: with some recipients held in
// our store, the hardest one of the others.
const policy::Decision& delivered_as(const Outcome& outcome) {
  if (outcome.held != Outcome::Held::some) return outcome.verdict.message;
  const policy::Decision* hardest = nullptr;
  for (const auto& [to, decision] : outcome.verdict.recipients) {
    if (decision.action == policy::Action::quarantine) continue;
    if (hardest == nullptr || decision.action > hardest->action) hardest = &decision;
  }
  return *hardest;
}

std::string digest_of(const mail::Header& header) {
  crypto::Sha256 digest;
  for (const auto& field : header.fields()) {
    digest.update(field.name);
    digest.update(":");
    digest.update(field.value);
    digest.update("\r\n");
  }
  return std::string(digest.finish().view());
}

}  // namespace

void Session::judge_failure(Outcome& outcome, const std::string& what) {
  const bool ours = !what.starts_with(put_off);
  outcome.verdict = {};
  auto& decision = outcome.verdict.message;
  decision.action = policy::Action::tempfail;
  decision.rule = ours ? "internal" : "release";
  decision.reason = (ours ? "internal error: " : "") + what;
  const std::string told = ours ? "internal error" : "not now";
  decision.reply =
      mail::SmtpReply(451, "4.3.0", told + ", try again later (id=" + outcome.facts.id + ")");
  for (const auto& to : outcome.facts.recipients)
    outcome.verdict.recipients.push_back({to, decision});
}

// All that can be said without memory; a front has a word of its own for it.
void Session::put_off_without_words(Outcome& outcome) noexcept {
  outcome.verdict = {};
  outcome.verdict.message.rule = "internal";
  outcome.held = Outcome::Held::no;
  outcome.recipients_held.clear();
  outcome.verdict.message.action = policy::Action::tempfail;
}

void Session::finish() noexcept {
  // The callback may begin the next message: this one must be gone before.
  auto message = std::move(message_);
  Outcome outcome;
  outcome.facts = std::move(message->facts);
  if (!message->failure) {
    try {
      conclude(*message, outcome);
    } catch (const std::exception& error) {
      message->failure = what_of(error);
    }
  }
  if (message->failure) {
    if (!message->failure->starts_with(put_off)) ++engine_.counters().internal_errors;
    Outcome failed;
    failed.facts = std::move(outcome.facts);
    outcome = std::move(failed);
    const bool judged = until_memory([&] { judge_failure(outcome, *message->failure); });
    if (!judged) put_off_without_words(outcome);
  }
  outcome.verdict.refused = std::move(message->refused);
  if (outcome.held == Outcome::Held::some || outcome.held == Outcome::Held::whole) {
    hold(std::move(message), std::move(outcome));
  } else {
    deliver(*message, std::move(outcome));
  }
}

// An outcome that cannot be recorded is an outcome all the same.
void Session::deliver(Message& message, Outcome outcome) noexcept {
  std::shared_ptr<const Decided> decided;
  if (!contained([&] { decided = record(message, std::move(outcome)); })) {
    ++engine_.counters().internal_errors;
  }
  contained([&] { message.done(decided ? decided->outcome : outcome); });
}

// The answer waits until the store has made the message durable.
void Session::hold(std::unique_ptr<Message> message, Outcome outcome) noexcept {
  if (!until_memory([&] { storing_ = std::make_unique<Storing>(); })) {
    put_off_without_words(outcome);
    return deliver(*message, std::move(outcome));
  }
  storing_->message = std::move(message);
  storing_->outcome = std::move(outcome);
  storing_->deadline = steady_now() + storing_time;
  try {
    engine_.quarantine()->hold(
        held_message(*storing_), [weak = weak_from_this(), owner = owner_,
                                  id = storing_->outcome.facts.id](const HoldResult& result) {
          const auto tell = [weak, id, result] {
            const auto self = weak.lock();
            if (self && self->storing_ && self->storing_->outcome.facts.id == id)
              self->held(result);
          };
          until_memory([&] { owner->post(tell); });
        });
  } catch (const std::exception& error) {
    held({HoldCode::failed, what_of(error)});
  }
}

HoldRequest Session::held_message(Storing& kept) const {
  const auto& message_kept = *kept.message;
  HoldRequest to_hold{
      .outcome = kept.outcome,
      .received = received_field(kept.outcome.facts, client_, own_name(*message_kept.snapshot)),
      .subject = first_field(message_kept.header, "Subject"),
      .message_id = first_field(message_kept.header, "Message-ID"),
      .dated = message_kept.header.first("Date") != nullptr ||
               message_kept.header.first("Message-ID") != nullptr,
      .mail_parameters = message_kept.mail_parameters,
      .recipients = {},
      .content = nullptr,
      .header_sha256 = digest_of(message_kept.header),
      .body_sha256 = std::string(message_kept.body_digest->so_far().view()),
      .removals = removals(message_kept)};
  for (const auto& recipient : kept.message->envelope) {
    const auto& all = kept.outcome.recipients_held;
    if (std::find(all.begin(), all.end(), recipient.address) != all.end()) {
      to_hold.recipients.push_back(recipient);
    }
  }
  to_hold.content = std::move(kept.message->draft);
  return to_hold;
}

// A message that must be held and is not gets no acceptance: that is the promise of the quarantine.
void Session::held(const HoldResult& result) noexcept {
  const auto storing = std::move(storing_);
  if (!contained([&] { apply(result, *storing); })) put_off_without_words(storing->outcome);
  deliver(*storing->message, std::move(storing->outcome));
}

void Session::apply(const HoldResult& result, Storing& storing) {
  storing.message->hold_result = result;
  auto& outcome = storing.outcome;
  const auto when_full = storing.message->snapshot->options.quarantine.when_full;
  const std::string id = " (id=" + outcome.facts.id + ")";
  const auto refuse = [&](mail::SmtpReply reply, std::string reason) {
    auto decision = outcome.verdict.message;
    decision.action = reply.permanent() ? policy::Action::reject : policy::Action::tempfail;
    decision.reason += "; " + std::move(reason);
    decision.reply = std::move(reply);
    outcome.verdict.message = decision;
    for (auto& recipient : outcome.verdict.recipients) recipient.decision = decision;
    outcome.verdict.edits.clear();
    outcome.held = Outcome::Held::no;
    outcome.recipients_held.clear();
  };
  switch (result.code) {
    case HoldCode::held:
      break;
    case HoldCode::failed:
      ++engine_.counters().not_held;
      refuse(mail::SmtpReply(451, "4.3.0", "cannot be kept now, try again later" + id),
             "the quarantine could not store it: " + result.reason);
      break;
    case HoldCode::full:
      ++engine_.counters().not_held;
      // A relay of ours is never answered 5xx: it would bounce.
      if (when_full == WhenFull::tempfail ||
          (when_full == WhenFull::reject && outcome.facts.relay)) {
        refuse(mail::SmtpReply(452, "4.3.1", "cannot be kept now, try again later" + id),
               "the quarantine is full");
      } else if (when_full == WhenFull::reject) {
        refuse(mail::SmtpReply(550, "5.7.1", "rejected by local policy" + id),
               "the quarantine is full");
      } else {
        outcome.held = Outcome::Held::by_mta;
        outcome.recipients_held.clear();
      }
      break;
  }
}

// The message has its outcome, and gives up what it was made from.
std::shared_ptr<const Decided> Session::record(Message& message, Outcome&& outcome) {
  const auto decided = std::make_shared<Decided>();
  decided->outcome = std::move(outcome);
  decided->configuration = message.snapshot->digest;
  decided->failure = message.failure.value_or("");
  const auto& verdict = decided->outcome.verdict;
  if (message.ended) {
    decided->outcome.facts.decided_in =
        std::chrono::duration_cast<std::chrono::microseconds>(steady_now() - *message.ended);
    engine_.counters().count(decided->outcome.facts, verdict);
  } else {
    engine_.counters().count(verdict.message);
  }
  try {
    decided->inputs = inputs_of(message);
    engine_.journal().decided(decided);
  } catch (const std::exception&) {
    // A verdict that cannot be recorded is a verdict all the same.
    ++engine_.counters().internal_errors;
  }
  return decided;
}

Inputs Session::inputs_of(Message& message) const {
  Inputs inputs;
  inputs.mta_name = mta_name_;
  inputs.hostname = message.snapshot->options.identity.hostname;
  inputs.connected = message.connected;
  inputs.authenticated = message.authenticated;
  inputs.blanks_lost = blanks_lost_;
  inputs.at_rcpt = message.at_refusal && !message.done;
  message.checks.give_up(inputs);
  inputs.header = std::move(message.header);
  inputs.left_out =
      recorded_ != nullptr ? recorded_->inputs.left_out : cut_for_record(inputs.header);
  inputs.malformed_lines = std::move(message.malformed_lines);
  inputs.hold_result = std::move(message.hold_result);
  if (message.release) inputs.released = std::move(message.release->results);
  return inputs;
}

std::vector<policy::Edit> Session::removals(const Message& message) const {
  const bool incomplete =
      recorded_ != nullptr && (recorded_->outcome.facts.header_over_limits || recorded_in_part());
  if (!incomplete) return message.forged->removals();
  // The fields beyond the limits are not recorded: what was removed is.
  auto edits = recorded_->outcome.verdict.edits;
  std::erase_if(edits,
                [](const policy::Edit& edit) { return edit.kind != policy::Edit::Kind::remove; });
  return edits;
}

// Those that we wrote stay. What proves them is a secret, which a replay has not: what was done is
// recorded.
std::vector<policy::Edit> Session::removals_of_trusted(const Message& message,
                                                       policy::Facts& facts) const {
  if (recorded_ != nullptr) {
    const auto& then = recorded_->outcome;
    facts.own_fields = then.facts.own_fields;
    if (then.facts.exemption == facts.exemption) {
      auto edits = then.verdict.edits;
      std::erase_if(edits,
                    [](const auto& edit) { return edit.kind != policy::Edit::Kind::remove; });
      return edits;
    }
  }
  const auto kept =
      fields_to_keep(message.forged->claims(), message.header, engine_.seal(), facts.received);
  facts.own_fields = kept.own;
  return message.forged->removals_but(kept.keep);
}

std::vector<policy::Edit> Session::own_insertions(const Message& message,
                                                  const Outcome& outcome) const {
  const auto& results = outcome.authentication_results;
  WriteSeal seal;
  if (recorded_ != nullptr) {
    seal = [&](const std::string& /*disposition*/) {
      const auto& then = recorded_->outcome.verdict.edits;
      const auto edit = std::find_if(then.begin(), then.end(), [](const auto& one) {
        return one.kind == policy::Edit::Kind::insert && one.name == seal_field;
      });
      return edit == then.end() ? std::string() : edit->value;
    };
  } else if (engine_.seal() != nullptr) {
    seal = [&](const std::string& disposition) {
      return engine_.seal()->write(outcome.facts.id, outcome.facts.received, message.header,
                                   {results, disposition});
    };
  }
  return insertions(outcome.facts, delivered_as(outcome), results, seal);
}

// `outcome` has the facts that were known so far.
void Session::conclude(Message& message, Outcome& outcome) {
  auto& facts = outcome.facts;
  const auto& options = message.snapshot->options;
  auto& counters = engine_.counters();
  ++counters.messages;
  if (facts.exemption != policy::Exemption::none) ++counters.exempt;
  // What a released message's checks had come to by now is a matter of chance, and of nobody's
  // interest.
  if (facts.exemption == policy::Exemption::none) {
    message.checks.report(facts);
    if (message.lists) facts.lists = message.lists->results();
    facts.traces = recorded_in_part()
                       ? recorded_->outcome.facts.traces
                       : find_traces(message.header, facts.recipients, options.identity.domains);
    if (facts.author.well_formed()) {
      const auto author = policy::judged_author(facts);
      facts.traces.author_signature =
          has_author_signature(facts.dkim, author, facts.dmarc.org_domain);
      facts.author_is_ours =
          std::any_of(options.identity.domains.begin(), options.identity.domains.end(),
                      [&](const mail::DomainName& ours) { return author.is_or_is_below(ours); });
    } else {
      facts.dmarc.code = dmarc::Code::permerror;
      facts.dmarc.reason = facts.author.reason;
    }
  }
  facts.elapsed =
      std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - message.began);
  facts.deferred_for = recorded_ != nullptr ? recorded_->outcome.facts.deferred_for
                                            : engine_.deferrals().deferred_for(facts, steady_now());
  reach_verdict(message, outcome);
}

void Session::reach_verdict(Message& message, Outcome& outcome) {
  const auto& snapshot = *message.snapshot;
  auto& facts = outcome.facts;
  auto& verdict = outcome.verdict;
  if (facts.exemption == policy::Exemption::none) match_entries(message, facts);
  verdict = policy::decide(facts, snapshot.rules);
  const auto action = verdict.message.action;
  if (action == policy::Action::tempfail)
    engine_.deferrals().deferred(facts, steady_now(), engine_.now());
  write_results(message, outcome);
  if (action == policy::Action::reject || action == policy::Action::tempfail) return;

  place_held(message, outcome);
  const bool trusted = facts.exemption == policy::Exemption::trusted_network ||
                       facts.exemption == policy::Exemption::unix_socket;
  verdict.edits = trusted ? removals_of_trusted(message, facts) : removals(message);
  auto inserted = own_insertions(message, outcome);
  verdict.edits.insert(verdict.edits.end(), std::make_move_iterator(inserted.begin()),
                       std::make_move_iterator(inserted.end()));
}

// The entries of the allowlist and the denylist. Their files may have changed since a decision was
// recorded: under the same configuration it is made again with what they said then.
void Session::match_entries(const Message& message, policy::Facts& facts) const {
  const auto& snapshot = *message.snapshot;
  if (recorded_ != nullptr && recorded_->configuration == snapshot.digest) {
    facts.allowlist = recorded_->outcome.facts.allowlist;
    facts.denylist = recorded_->outcome.facts.denylist;
    return;
  }
  // Whoever some reader may see must not slip past the denylist, where malformed authors are only
  // tagged.
  std::vector<mail::Mailbox> readable;
  if (facts.author.result != mail::Author::Result::one && snapshot.rules.denylist &&
      snapshot.rules.denylist->size() > 0) {
    readable = mail::readable_authors(message.header, message.malformed_lines);
  }
  policy::match_access_lists(facts, snapshot.rules, readable);
}

void Session::write_results(const Message& message, Outcome& outcome) const {
  const auto& facts = outcome.facts;
  if (facts.exemption == policy::Exemption::released) {
    outcome.authentication_results = *message.release->results;
    return;
  }
  if (facts.exemption != policy::Exemption::none) return;
  authres::Inputs inputs;
  inputs.authserv_id = own_name(*message.snapshot);
  inputs.decision_id = facts.id;
  if (facts.client.address) inputs.client_address = facts.client.address->text();
  if (facts.iprev.code != client::IprevCode::none) inputs.iprev = &facts.iprev;
  if (facts.client.address) {
    inputs.helo = &facts.spf_helo;
    inputs.mail_from = &facts.spf_mail_from;
  }
  inputs.mail_from_address = facts.mail_from;
  inputs.dkim = &facts.dkim;
  inputs.dmarc = &facts.dmarc;
  inputs.author_malformed = !facts.author.well_formed();
  inputs.author_sloppy = facts.author.readable();
  outcome.authentication_results = authres::write(authres::compose(inputs));
}

// Where what is quarantined goes.
void Session::place_held(const Message& message, Outcome& outcome) const {
  const auto& verdict = outcome.verdict;
  if (verdict.message.action != policy::Action::quarantine) return;
  switch (message.snapshot->options.quarantine.where) {
    case QuarantineWhere::junk:
      return;
    case QuarantineWhere::mta:
      outcome.held = Outcome::Held::by_mta;
      break;
    case QuarantineWhere::store: {
      if (!message.draft) throw std::runtime_error("the quarantine store is not open");
      for (const auto& [to, decision] : verdict.recipients) {
        if (decision.action == policy::Action::quarantine) outcome.recipients_held.push_back(to);
      }
      outcome.held = outcome.recipients_held.size() == verdict.recipients.size()
                         ? Outcome::Held::whole
                         : Outcome::Held::some;
      break;
    }
  }
  outcome.hold_reason =
      verdict.message.rule + ": " + verdict.message.reason + " (id=" + outcome.facts.id + ")";
}

}  // namespace sekisho::session
