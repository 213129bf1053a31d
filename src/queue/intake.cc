#include "queue/intake.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "quarantine/held_part.h"
#include "quarantine/tables.h"
#include "queue/content.h"
#include "queue/release.h"
#include "queue/tables.h"

namespace sekisho::queue {

namespace {

std::string_view word_of(Arrival::Origin origin) {
  switch (origin) {
    case Arrival::Origin::stranger:
      return "stranger";
    case Arrival::Origin::relay_host:
      return "relay-host";
    case Arrival::Origin::trusted:
      return "trusted";
    case Arrival::Origin::permitted:
      return "permitted";
    case Arrival::Origin::login:
      return "login";
    case Arrival::Origin::local:
      return "local";
  }
  return {};
}

// SIZE follows from the content, and what AUTH= says is not passed on.
std::vector<std::string> passed_on(std::vector<std::string> parameters) {
  std::erase_if(parameters, [](const std::string& each) {
    return ascii::istarts_with(each, "SIZE=") || ascii::istarts_with(each, "AUTH=");
  });
  return parameters;
}

Letter letter_of(const session::KeepRequest& request, const Arrival& arrival) {
  const auto& facts = request.outcome.facts;
  const auto& edits = request.outcome.verdict.edits;
  Letter letter;
  letter.id = facts.id;
  letter.sender = facts.mail_from.raw();
  letter.parameters = passed_on(request.mail_parameters);
  letter.arrived = facts.received;
  letter.origin = word_of(arrival.origin);
  letter.login = arrival.login;
  letter.client = policy::client_text(facts.client);
  letter.top = top_of(edits, top_of(arrival.edits));
  if (!request.received.empty())
    letter.top =
        top_of({{policy::Edit::Kind::insert, "Received", request.received, 0}}, letter.top);
  letter.removals = removals_of(edits);
  for (auto& edit : removals_of(arrival.edits)) letter.removals.push_back(std::move(edit));
  return letter;
}

std::string loop_of(const Arrival& arrival) {
  if (arrival.received_by_us >= loop_by_us)
    return "it was here " + std::to_string(arrival.received_by_us) + " times before";
  if (arrival.received >= loop_in_all)
    return "it has " + std::to_string(arrival.received) + " Received fields";
  return {};
}

session::HoldResult result_of(const spool::Outcome<spool::Stored>& stored) {
  using session::HoldCode;
  if (stored) return {HoldCode::held, ""};
  const bool full = stored.error().kind == spool::Failure::Kind::limit;
  return {full ? HoldCode::full : HoldCode::failed, stored.error().why};
}

// The final recipients of those whom a message was accepted for.
class Expanding {
 public:
  Expanding(const accounts::Directory* directory, const session::KeepRequest& request)
      : directory_(directory), request_(request) {}

  // False: there is a fault.
  bool add(const session::Recipient& recipient) {
    if (directory_ == nullptr) {
      take(recipient, {recipient.path, std::nullopt, false});
      return true;
    }
    const auto path = directory_->reversed(recipient.path).value_or(recipient.path);
    auto expansion = directory_->expand(request_.outcome.facts.mail_from, path);
    if (!expansion.fault.empty()) {
      fault = recipient.path.raw() + ": " + expansion.fault;
      return false;
    }
    const bool refused = is_refused_elsewhere(request_.outcome.facts);
    if (refused && std::any_of(expansion.recipients.begin(), expansion.recipients.end(),
                               [](const auto& each) { return each.forwarded; })) {
      forwarded.push_back(recipient);
      return true;
    }
    for (auto& each : expansion.recipients) take(recipient, std::move(each));
    return true;
  }

  std::vector<Recipient> recipients;
  std::vector<session::Recipient> forwarded;  // to be held
  std::string fault;

 private:
  void take(const session::Recipient& original, accounts::Expanded expanded) {
    Recipient to;
    to.address = expanded.path.raw();
    if (expanded.sender) to.sender = expanded.sender->raw();
    if (!seen_.insert({to.address, to.sender.value_or("")}).second) return;
    to.place = static_cast<std::uint32_t>(recipients.size());
    to.original = original.path.raw();
    to.parameters = original.parameters;
    to.progress = accepted(request_.outcome.facts.received);
    recipients.push_back(std::move(to));
  }

  const accounts::Directory* directory_;
  const session::KeepRequest& request_;
  std::set<std::pair<std::string, std::string>> seen_;
};

void hold_loop(Message& message, const std::string& why) {
  for (auto& to : message.recipients) {
    to.progress.state = State::held;
    to.progress.reason = Reason::loop;
    to.last.why = why;
    to.last.status = "5.4.6";
  }
}

}  // namespace

bool is_refused_elsewhere(const policy::Facts& facts) {
  return facts.dmarc.code == dmarc::Code::fail && facts.dmarc.policy != dmarc::Policy::none;
}

struct Intake::Prepared {
  Message message;  // for the queue; may have no recipients
  quarantine::HeldRow held;
  quarantine::Detail detail;
  std::vector<session::Recipient> held_for;
  spool::Draft draft;
  Done done;
  std::uint64_t max_held = 0;
};

class SessionKeeping final : public session::Keeping {
 public:
  SessionKeeping(Intake& intake, std::shared_ptr<const Arrival> arrival)
      : intake_(intake), arrival_(std::move(arrival)) {}

  bool keeps_accepted() const override { return true; }
  std::unique_ptr<session::Draft> begin() override {
    return std::make_unique<quarantine::KeptDraft>(intake_.needs_.spool->draft());
  }
  bool has(const std::string& id) const override { return intake_.needs_.spool->has_message(id); }
  void keep(session::KeepRequest message, std::function<void(session::HoldResult)> done) override {
    intake_.keep(std::move(message), *arrival_, std::move(done));
  }
  // Nothing that was released comes back: it goes on through the queue.
  void take_back(session::ReleaseProof /*proof*/,
                 std::function<void(session::TakenBack)> done) override {
    done(std::optional<session::Released>());
  }

 private:
  Intake& intake_;
  const std::shared_ptr<const Arrival> arrival_;
};

Intake::Intake(Needs needs) : needs_(std::move(needs)) {
  // Without its name, rows that are lost later are treated as those of another index: with care.
  auto named = needs_.spool->read([this](spool::Database& database) -> spool::Outcome<void> {
    auto name = index_name(database);
    if (!name) return spool::failed(name.error());
    index_ = std::move(*name);
    return {};
  });
  if (!named) index_ = "unknown";
}

std::unique_ptr<session::Keeping> Intake::for_session(std::shared_ptr<const Arrival> arrival) {
  return std::make_unique<SessionKeeping>(*this, std::move(arrival));
}

void Intake::keep(session::KeepRequest request, const Arrival& arrival, Done done) {
  const auto directory = needs_.directory ? needs_.directory() : nullptr;
  Expanding expanding(directory.get(), request);
  for (const auto& recipient : request.accepted) {
    if (!expanding.add(recipient)) return done({session::HoldCode::failed, expanding.fault});
  }
  const auto& facts = request.outcome.facts;
  const bool judged = !request.held.empty();
  const bool forwards = !judged && !expanding.forwarded.empty();
  auto& held = request.held;
  held.insert(held.end(), expanding.forwarded.begin(), expanding.forwarded.end());
  auto& content = static_cast<quarantine::KeptDraft&>(*request.content);
  auto prepared = std::make_shared<Prepared>(
      Prepared{{letter_of(request, arrival), std::move(expanding.recipients)},
               quarantine::row_of(request),
               quarantine::detail_of(request),
               held,
               content.take(),
               std::move(done),
               0});
  prepared->message.letter.size = prepared->draft.size();
  if (judged && needs_.max_held) prepared->max_held = needs_.max_held();
  if (forwards) {
    prepared->held.rule = "forward";
    prepared->held.reason = "it failed DMARC, and the recipient forwards it to another host";
  }
  if (auto loop = loop_of(arrival); !loop.empty()) hold_loop(prepared->message, loop);
  const auto bouncing = may_bounce(facts, arrival.origin);
  prepared->message.letter.may_bounce = bouncing == Bouncing::allowed;
  if (bouncing != Bouncing::ask_dns || !needs_.is_among) return put(prepared);
  needs_.is_among(facts.mail_from.mailbox()->domain.text(), *facts.client.address,
                  [this, prepared](bool among) {
                    prepared->message.letter.may_bounce = among;
                    put(prepared);
                  });
}

void Intake::put(const std::shared_ptr<Prepared>& prepared) {
  const auto& message = prepared->message;
  std::vector<spool::Part> parts;
  if (!prepared->held_for.empty()) {
    auto detail = prepared->detail;
    detail.envelope = with_letter(detail.envelope, message.letter);
    parts.push_back(quarantine::part_of(prepared->held, detail));
  }
  if (!message.recipients.empty())
    parts.push_back({std::string(tables_name), write_record(message, index_)});
  spool::Store::With with;
  if (prepared->max_held > 0) {
    with = [octets = message.letter.size, most = prepared->max_held](spool::Change& change) {
      return quarantine::has_room(change.database(), octets, most);
    };
  }
  needs_.spool->put_with(std::move(prepared->draft), message.letter.id, std::move(parts),
                         std::move(with),
                         [this, prepared](const spool::Outcome<spool::Stored>& outcome) {
                           stored(*prepared, outcome);
                         });
}

void Intake::stored(Prepared& prepared, const spool::Outcome<spool::Stored>& stored) {
  const bool queued = stored && !prepared.message.recipients.empty();
  if (queued && needs_.queued) {
    // What is not handed over now for want of memory is found in the index.
    contained([&] { needs_.queued(std::move(prepared.message)); });
  }
  session::HoldResult result{stored ? session::HoldCode::held : session::HoldCode::failed, ""};
  contained([&] { result = result_of(stored); });
  prepared.done(result);
}

}  // namespace sekisho::queue
