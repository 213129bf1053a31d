#include "session/checks.h"

#include <algorithm>

namespace sekisho::session {

namespace {

// How many of a message's 60 questions each check leaves to those below it. What a sender makes us
// ask about names of his own choice must not use up the questions about the author whom he forges:
// DMARC would be temperror, and no obstacle for long.
constexpr std::size_t left_by_client = 40;  // PTR and HELO
constexpr std::size_t left_by_mail_from = 22;
constexpr std::size_t left_by_dkim = 12;  // 8 of the walk, 3 for the author's existence

}  // namespace

Checks::Checks(std::shared_ptr<const Snapshot> snapshot, crypto::KeyCache& keys, WallTime now,
               std::function<void()> notify, const Inputs* recorded)
    : snapshot_(std::move(snapshot)),
      keys_(keys),
      now_(now),
      recorded_(recorded),
      inquiry_(*snapshot_->resolver, snapshot_->dns, std::move(notify)),
      verification_(snapshot_->dkim) {}

// In a replay: with the answers that were refused to this check, though another had them later.
template <class Result>
typename Pending<Result>::Evaluate Checks::as_recorded(
    std::string_view check, typename Pending<Result>::Evaluate evaluate) const {
  std::vector<Refusal> refusals;
  if (recorded_ != nullptr) {
    for (const auto& each : recorded_->refusals) {
      if (each.check == check) refusals.push_back(each);
    }
  }
  if (refusals.empty()) return evaluate;
  return [evaluate = std::move(evaluate),
          refusals = std::move(refusals)](const dns::Answers& answers) {
    dns::Answers then = answers;
    for (const auto& each : refusals) then.add(each.question, each.answer);
    return evaluate(then);
  };
}

void Checks::client(const mail::IpAddress& address) {
  iprev_.start(as_recorded<client::IprevResult>("iprev",
                                                [address](const dns::Answers& answers) {
                                                  return client::iprev(address, answers);
                                                }),
               left_by_client);
  iprev_.advance(inquiry_);
}

void Checks::helo(const mail::IpAddress& address, const std::string& helo,
                  const std::string& receiver) {
  const auto query = spf::helo_query(address, helo, receiver, now_);
  helo_.start(as_recorded<spf::Result>("helo",
                                       [this, query](const dns::Answers& answers) {
                                         return check_host(query, answers, snapshot_->spf);
                                       }),
              left_by_client);
  helo_.advance(inquiry_);
}

void Checks::restart(WallTime now) {
  now_ = now;
  inquiry_.restart_clock();
}

void Checks::mail_from(const mail::IpAddress& address, const std::string& helo,
                       const std::string& mail_from, const std::string& receiver) {
  const auto query = spf::mail_from_query(address, helo, mail_from, receiver, now_);
  mail_from_.start(as_recorded<spf::Result>("mail_from",
                                            [this, query](const dns::Answers& answers) {
                                              return check_host(query, answers, snapshot_->spf);
                                            }),
                   left_by_mail_from);
  mail_from_.advance(inquiry_);
  // Most authors write under the domain of their envelope: its walk is a good guess.
  if (const auto domain = mail::DomainName::parse(query.domain)) {
    inquiry_.ask({}, dmarc::walk_questions(*domain, snapshot_->dmarc));
  }
}

void Checks::header_field(const mail::HeaderField& field) {
  if (!field.is("DKIM-Signature")) return;
  // Those after the last one that will be verified have no need of a key.
  if (++signatures_ > snapshot_->dkim.max_signatures) return;
  if (const auto question = verification_.key_question(field.value)) inquiry_.ask({}, {*question});
}

void Checks::header_complete(const mail::Header& header, const mail::Author& author,
                             bool rewritten) {
  inquiry_.restart_clock();  // the header may come minutes after MAIL FROM
  verification_.start(header);
  inquiry_.ask(verification_.questions(), {}, left_by_dkim);
  if (author.well_formed()) {
    author_ = author.domain();
    inquiry_.ask(dmarc::walk_questions(*author_, snapshot_->dmarc), {});
    start_unaligned();
    if (!rewritten) return;
    // Asked beside the walk, so that only an alias costs another round trip.
    delivered_.start(as_recorded<dmarc::DeliveredAuthor>(
        "alias", [author = *author_](const dns::Answers& answers) {
          return dmarc::delivered_author(author, answers);
        }));
    follow_alias();
  }
}

void Checks::start_unaligned() {
  unaligned_.start([this](const dns::Answers& answers) {
    return dmarc::evaluate({*author_, std::nullopt, {}}, answers, snapshot_->dmarc);
  });
  unaligned_.advance(inquiry_);
}

// From now on the domain that will be delivered is the author's: its policy decides, and a pass must be for it.
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
  dkim_.start(as_recorded<std::vector<dkim::SignatureResult>>("dkim",
                                                              [this](const dns::Answers& answers) {
                                                                return verification_.evaluate(
                                                                    answers, now_, keys_);
                                                              }),
              left_by_dkim);
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
  for (const auto* open : {&iprev_.open(), &helo_.open(), &mail_from_.open(), &dkim_.open(),
                           &delivered_.open(), &dmarc_.open()}) {
    for (const auto& question : *open) {
      const bool listed = std::find(all.begin(), all.end(), question) != all.end();
      if (!listed && inquiry_.answers().find(question) == nullptr) all.push_back(question);
    }
  }
  return all;
}

void Checks::give_up(Inputs& inputs) {
  inputs.bodies = verification_.digests();
  inputs.answers = inquiry_.take_answers();
  const auto add = [&](const char* check, const auto& pending) {
    for (const auto& [question, answer] : pending.refused()) {
      if (inputs.answers.find(question) != answer.get()) {
        inputs.refusals.push_back({check, question, answer});
      }
    }
  };
  add("iprev", iprev_);
  add("helo", helo_);
  add("mail_from", mail_from_);
  add("dkim", dkim_);
  add("alias", delivered_);
  add("dmarc", dmarc_);
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
  dmarc_.start(as_recorded<dmarc::Result>(
      "dmarc",
      [this, inputs = dmarc_inputs(*author_, spf, *dkim_.result())](const dns::Answers& answers) {
        return dmarc::evaluate(inputs, answers, snapshot_->dmarc);
      }));
}

void Checks::report(policy::Facts& facts) const {
  if (iprev_.result()) facts.iprev = *iprev_.result();
  if (helo_.result()) facts.spf_helo = *helo_.result();
  if (mail_from_.result()) facts.spf_mail_from = *mail_from_.result();
  if (dkim_.result()) facts.dkim = *dkim_.result();
  if (dmarc_.result()) facts.dmarc = *dmarc_.result();
  facts.dmarc.alias = alias_;
  // sendmail puts the delivery off and asks again: what it makes of the name then, nobody knows now.
  if (delivered_.result() && !delivered_.result()->failure.empty()) {
    facts.dmarc.code = dmarc::Code::temperror;
    facts.dmarc.requested = dmarc::Policy::none;
    facts.dmarc.reason = "the Author Domain may be an alias: " + delivered_.result()->failure;
  }
  const auto cost = inquiry_.cost();
  facts.dns_questions = cost.questions;
  facts.dns_waited = cost.waited;
}

}  // namespace sekisho::session
