#include "session/checks.h"

#include <algorithm>

namespace sekisho::session {

namespace {

// How much each identity may ask, independent of the others: docs/deferral.md has the same table.
// Only the share of HELO can be smaller than the standards allow: its SPF result is informational.
constexpr dns::Share client_share{11, 0};  // the names of the address, and the addresses of ten
constexpr dns::Share helo_share{20, 10};
// RFC 7208 §4.6.4 allows 10 terms, of 10 names each at most: 1 + 10 * (1 + 10), an explanation, and
// the names of the client for a %{p} in that. Hints that are not needed in the end come on top.
constexpr std::size_t most_of_spf = 1 + 10 * (1 + 10) + 1 + 11;
constexpr dns::Share mail_from_share{most_of_spf + 20, most_of_spf};
constexpr dns::Share author_share{8 + 3, 0};  // the walk, and whether the author exists
// The questions that sendmail asks for a name and the targets of three aliases: servers may answer
// each type differently.
constexpr dns::Share alias_share{4 * 3, 0};
constexpr std::size_t most_of_walks =
    3 * 7;  // dmarc/alignment.cc: three domains beside the author's
constexpr dns::Share dmarc_share{8 + 3 + 2 * most_of_walks, most_of_walks};

dns::Share keys_share(const dkim::Options& options) { return {options.max_signatures, 0}; }

// Keys while the header arrives, and the walk of the MAIL FROM domain.
dns::Share guesses_share(const dkim::Options& options) {
  return {options.max_signatures + 8, options.max_signatures + 8};
}

}  // namespace

Checks::Checks(std::shared_ptr<const Snapshot> snapshot, crypto::KeyCache& keys, WallTime now,
               std::function<void()> notify, const Inputs* recorded)
    : snapshot_(std::move(snapshot)),
      keys_(keys),
      now_(now),
      recorded_(recorded),
      guesses_(guesses_share(snapshot_->dkim)),
      inquiry_(*snapshot_->resolver, snapshot_->dns, std::move(notify)),
      verification_(snapshot_->dkim) {}

std::size_t Checks::most_questions(const dkim::Options& options) {
  return client_share.most + helo_share.most + mail_from_share.most + 2 * author_share.most +
         alias_share.most + dmarc_share.most + 2 * keys_share(options).most +
         guesses_share(options).most;
}

// A replay has only the recorded answers, and the record says what was refused.
dns::Share Checks::share(dns::Share of_check) const {
  constexpr std::size_t any = 1'000'000;
  return recorded_ != nullptr ? dns::Share{any, any} : of_check;
}

// In a replay: with the answers that were refused to this check, although another check got them
// later.
template <class Result>
void Checks::start(Pending<Result>& pending, typename Pending<Result>::Evaluate evaluate,
                   dns::Share share_of_check) {
  std::vector<Refusal> refusals;
  if (recorded_ != nullptr) {
    for (const auto& each : recorded_->refusals) {
      if (each.check == pending.name()) refusals.push_back(each);
    }
  }
  if (refusals.empty()) return pending.start(std::move(evaluate), share(share_of_check));
  const auto as_then = [evaluate = std::move(evaluate),
                        refusals = std::move(refusals)](const dns::Answers& answers) {
    dns::Answers then = answers;
    for (const auto& each : refusals) then.add(each.question, each.answer);
    return evaluate(then);
  };
  pending.start(as_then, share(share_of_check));
}

void Checks::client(const mail::IpAddress& address) {
  start(
      iprev_, [address](const dns::Answers& answers) { return client::iprev(address, answers); },
      client_share);
  iprev_.advance(inquiry_);
}

void Checks::helo(const mail::IpAddress& address, const std::string& helo,
                  const std::string& receiver) {
  const auto query = spf::helo_query(address, helo, receiver, now_);
  start(
      helo_,
      [this, query](const dns::Answers& answers) {
        return check_host(query, answers, snapshot_->spf);
      },
      helo_share);
  helo_.advance(inquiry_);
}

void Checks::restart(WallTime now) {
  now_ = now;
  inquiry_.restart_clock();
}

void Checks::mail_from(const mail::IpAddress& address, const std::string& helo,
                       const mail::Path& mail_from, const std::string& receiver) {
  const auto query = spf::mail_from_query(address, helo, mail_from, receiver, now_);
  start(
      mail_from_,
      [this, query](const dns::Answers& answers) {
        return check_host(query, answers, snapshot_->spf);
      },
      mail_from_share);
  mail_from_.advance(inquiry_);
  // Most authors write under the domain of their envelope: its walk is a good guess.
  if (const auto domain = mail::DomainName::parse(query.domain)) {
    inquiry_.ask({}, dmarc::walk_questions(*domain, snapshot_->dmarc), guesses_);
  }
}

void Checks::header_field(const mail::HeaderField& field) {
  if (!field.is("DKIM-Signature")) return;
  // Signatures beyond those that will be verified need no key.
  if (++signatures_ > snapshot_->dkim.max_signatures) return;
  if (const auto question = verification_.key_question(field.value))
    inquiry_.ask({}, {*question}, guesses_);
}

void Checks::header_complete(const mail::Header& header, const mail::Author& author,
                             bool rewritten) {
  inquiry_.restart_clock();  // the header may come minutes after MAIL FROM
  if (author.well_formed()) {
    author_ = author.domain();
    start_unaligned();
    if (rewritten) start_alias();
  }
  verification_.start(header, author_ ? &*author_ : nullptr);
  // Asked once, and answered before dkim_ begins at the end of the body; its own share is for keys
  // that are still missing.
  auto keys = share(keys_share(snapshot_->dkim));
  inquiry_.ask(verification_.questions(), {}, keys);
}

void Checks::start_unaligned() {
  unaligned_.start(
      [this](const dns::Answers& answers) {
        return dmarc::evaluate({*author_, std::nullopt, {}}, answers, snapshot_->dmarc);
      },
      share(author_share));
  unaligned_.advance(inquiry_);
}

// Asked together with the walk, so that only an alias costs another round trip.
void Checks::start_alias() {
  start(
      delivered_,
      [author = *author_](const dns::Answers& answers) {
        return dmarc::delivered_author(author, answers);
      },
      alias_share);
  follow_alias();
}

// From now on the domain that will be delivered is the Author Domain: its policy decides, and only
// a pass for it counts.
void Checks::follow_alias() {
  if (!delivered_.advance(inquiry_) || delivered_.result()->domain == *author_) return;
  if (alias_.empty()) alias_ = author_->text();
  author_ = delivered_.result()->domain;
  start_unaligned();
}

bool Checks::body(std::string_view octets) {
  if (!verification_.wants_body()) return false;
  verification_.body(octets);
  return true;
}

void Checks::end_of_body() {
  inquiry_.restart_clock();  // and the end of a long body minutes after the header
  if (recorded_ != nullptr) {
    verification_.end_of_body(recorded_->bodies);
  } else {
    verification_.end_of_body();
  }
  if (known_) {
    const auto as_then = [this](const dns::Answers&) {
      dns::Evaluation<std::vector<dkim::SignatureResult>> known;
      known.result = known_;
      return known;
    };
    return dkim_.start(as_then, {});
  }
  start(
      dkim_,
      [this](const dns::Answers& answers) { return verification_.evaluate(answers, now_, keys_); },
      keys_share(snapshot_->dkim));
}

void Checks::advance() {
  inquiry_.collect();
  iprev_.advance(inquiry_);
  helo_.advance(inquiry_);
  follow_alias();
  unaligned_.advance(inquiry_);
  const bool spf = mail_from_.advance(inquiry_) || !mail_from_.started();
  const bool dkim = dkim_.advance(inquiry_);
  const bool author = author_ && delivered_.complete();
  if (spf && dkim && author && !dmarc_.started()) start_dmarc();
  dmarc_.advance(inquiry_);
}

bool Checks::complete() const {
  const bool judged = dkim_.result().has_value() && (!author_ || dmarc_.result().has_value());
  return judged && iprev_.complete() && helo_.complete() && mail_from_.complete();
}

std::vector<dns::Question> Checks::needed() const {
  std::vector<dns::Question> all;
  for_each_recorded([&](const auto& pending) {
    for (const auto& question : pending.open()) {
      const bool listed = std::find(all.begin(), all.end(), question) != all.end();
      if (!listed && inquiry_.answers().find(question) == nullptr) all.push_back(question);
    }
  });
  return all;
}

void Checks::give_up(Inputs& inputs) {
  inputs.bodies = verification_.digests();
  inputs.answers = inquiry_.take_answers();
  for_each_recorded([&](const auto& pending) {
    for (const auto& [question, answer] : pending.refused()) {
      if (inputs.answers.find(question) != answer.get()) {
        inputs.refusals.push_back({std::string(pending.name()), question, answer});
      }
    }
  });
}

void Checks::expire() {
  inquiry_.expire();
  advance();
}

dmarc::Inputs dmarc_inputs(const mail::DomainName& author, const spf::Result* spf,
                           const std::vector<dkim::SignatureResult>& signatures) {
  using State = dmarc::Identifier::State;
  dmarc::Inputs inputs{author, std::nullopt, {}};
  if (spf != nullptr) {
    if (auto domain = mail::DomainName::parse(spf->domain)) {
      const State state = spf->code == spf::Code::pass        ? State::pass
                          : spf->code == spf::Code::temperror ? State::temperror
                                                              : State::other;
      inputs.spf = dmarc::Identifier{std::move(*domain), state};
    }
  }
  for (const auto& signature : signatures) {
    auto domain = mail::DomainName::parse(signature.domain);
    if (!domain) continue;
    const State state = signature.code == dkim::Code::pass        ? State::pass
                        : signature.code == dkim::Code::temperror ? State::temperror
                                                                  : State::other;
    inputs.dkim.push_back({std::move(*domain), state});
  }
  return inputs;
}

void Checks::start_dmarc() {
  const spf::Result* spf = mail_from_.result() ? &*mail_from_.result() : nullptr;
  start(
      dmarc_,
      [this, inputs = dmarc_inputs(*author_, spf, *dkim_.result())](const dns::Answers& answers) {
        return dmarc::evaluate(inputs, answers, snapshot_->dmarc);
      },
      dmarc_share);
}

void Checks::report(policy::Facts& facts) const {
  if (iprev_.result()) facts.iprev = *iprev_.result();
  if (helo_.result()) facts.spf_helo = *helo_.result();
  if (mail_from_.result()) facts.spf_mail_from = *mail_from_.result();
  if (dkim_.result()) facts.dkim = *dkim_.result();
  if (dmarc_.result()) facts.dmarc = *dmarc_.result();
  facts.dmarc.alias = alias_;
  // sendmail will defer the delivery and ask again; the name that it will deliver is unknown now.
  if (delivered_.result() && !delivered_.result()->failure.empty()) {
    facts.dmarc.code = dmarc::Code::temperror;
    facts.dmarc.aligned_spf = facts.dmarc.aligned_dkim = false;
    facts.dmarc.requested = dmarc::Policy::none;
    // The owner of the unknown name could request any policy, and the sender chose the name whose
    // DNS fails.
    facts.dmarc.could_ask = dmarc::Policy::reject;
    facts.dmarc.asks_anyway = dmarc::Policy::quarantine;
    facts.dmarc.reason = "the Author Domain may be an alias: " + delivered_.result()->failure;
  }
  const auto cost = inquiry_.cost();
  facts.dns_questions = cost.questions;
  facts.dns_waited = cost.waited;
}

}  // namespace sekisho::session
