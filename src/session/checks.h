// session/checks.h: starts the lookups of one message as soon as their names are known, and joins
// them. An evaluation is run again whenever the answers that it needs have arrived; hints are asked
// together with them, and nothing waits for them.
// Thread: one owner.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "client/iprev.h"
#include "dkim/verify.h"
#include "dmarc/delivered_author.h"
#include "dmarc/evaluate.h"
#include "dns/inquiry.h"
#include "mail/author.h"
#include "policy/facts.h"
#include "session/decided.h"
#include "session/engine.h"
#include "spf/check_host.h"

namespace sekisho::session {

// One evaluation: the questions that it still needs, and its result.
template <class Result>
class Pending {
 public:
  using Evaluate = std::function<dns::Evaluation<Result>(const dns::Answers&)>;

  // `name`: of the check in records (Refusal::check).
  explicit Pending(std::string_view name) : name_(name) {}

  std::string_view name() const { return name_; }
  // `share`: how much it may ask.
  void start(Evaluate evaluate, dns::Share share) {
    evaluate_ = std::move(evaluate);
    share_ = share;
    open_.clear();
    refused_.clear();
    result_.reset();
  }
  // Runs as far as the answers at hand allow; true when there is a result.
  bool advance(dns::Inquiry& inquiry) {
    while (evaluate_ && !result_ && !inquiry.awaits(open_)) {
      auto evaluation = evaluate(inquiry.answers());
      if (evaluation.result) {
        result_ = std::move(evaluation.result);
        const auto late = inquiry.late();
        refused_.insert(refused_.end(), late.begin(), late.end());
      } else {
        for (const auto& question : inquiry.ask(evaluation.needed, evaluation.hints, share_)) {
          refused_.emplace_back(question, dns::refused_answer());
        }
        open_ = std::move(evaluation.needed);
      }
    }
    return result_.has_value();
  }
  bool started() const { return static_cast<bool>(evaluate_); }
  bool complete() const { return !started() || result_.has_value(); }
  const std::optional<Result>& result() const { return result_; }
  // The questions that it waits for.
  const std::vector<dns::Question>& open() const { return open_; }
  // The answers that it lacked when it reached its result: refused by its share, or late.
  const std::vector<std::pair<dns::Question, dns::AnswerPtr>>& refused() const { return refused_; }

 private:
  // A question refused to this evaluation counts as refused for it alone.
  dns::Evaluation<Result> evaluate(const dns::Answers& answers) const {
    if (refused_.empty()) return evaluate_(answers);
    dns::Answers own = answers;
    for (const auto& [question, answer] : refused_) own.add(question, answer);
    return evaluate_(own);
  }

  std::string_view name_;
  Evaluate evaluate_;
  dns::Share share_;
  std::vector<dns::Question> open_;
  std::vector<std::pair<dns::Question, dns::AnswerPtr>> refused_;
  std::optional<Result> result_;
};

// The inputs of DMARC, from the results of SPF and DKIM. `spf`: nullptr if there was no identity to
// check.
dmarc::Inputs dmarc_inputs(const mail::DomainName& author, const spf::Result* spf,
                           const std::vector<dkim::SignatureResult>& signatures);

class Checks {
 public:
  // `notify` is called on the resolver's thread when answers have arrived: the owner then calls
  // advance(). `recorded`: the inputs of a replay, whose message has no body; must outlive this
  // object.
  Checks(std::shared_ptr<const Snapshot> snapshot, crypto::KeyCache& keys, WallTime now,
         std::function<void()> notify, const Inputs* recorded = nullptr);

  // The hard bound of one message: all shares together. Most mail asks about ten questions.
  static std::size_t most_questions(const dkim::Options& options);

  void client(const mail::IpAddress& address);
  bool knows_helo() const { return helo_.started(); }
  void helo(const mail::IpAddress& address, const std::string& helo, const std::string& receiver);
  // Lookups began before the message: its time budget begins now.
  void restart(WallTime now);
  void mail_from(const mail::IpAddress& address, const std::string& helo,
                 const mail::Path& mail_from, const std::string& receiver);
  // Names in a field that has just arrived: asked ahead.
  void header_field(const mail::HeaderField& field);
  void blanks_lost() { verification_.blanks_lost(); }
  // When the first of our relays received the message, according to that relay.
  void received(WallTime time) { verification_.received(time); }
  // `header` must outlive this object.
  // `rewritten`: the MTA may replace the domain of From, if it is an alias.
  void header_complete(const mail::Header& header, const mail::Author& author, bool rewritten);
  // For a replay with an incomplete header: the recorded results of its signatures.
  void signatures_known(std::vector<dkim::SignatureResult> results) { known_ = std::move(results); }
  // False if no signature needs more of the body.
  bool body(std::string_view octets);
  void end_of_body();

  void advance();
  bool complete() const;
  // The questions that complete() waits for.
  std::vector<dns::Question> needed() const;
  // At the deadline every open question fails, and complete() is true after it.
  SteadyTime deadline() const { return inquiry_.deadline(); }
  void expire();

  // Fills in the results; a check that was not evaluated keeps `none`.
  void report(policy::Facts& facts) const;
  // Moves out the DNS answers and body digests; afterwards this object must not be used.
  void give_up(Inputs& inputs);
  const std::optional<client::IprevResult>& iprev() const { return iprev_.result(); }
  const std::optional<spf::Result>& spf_helo() const { return helo_.result(); }
  const std::optional<spf::Result>& spf_mail_from() const { return mail_from_.result(); }
  // The d= of the signatures that are verified, once the header is complete.
  std::vector<mail::DomainName> signing_domains() const { return verification_.domains(); }

 private:
  // Starts the evaluation; in a replay with the refusals of the record.
  template <class Result>
  void start(Pending<Result>& pending, typename Pending<Result>::Evaluate evaluate,
             dns::Share share_of_check);
  // What is recorded and waited for, each once: an evaluation of its own is added here, started
  // where its names are known, and reported.
  template <class Visit>
  void for_each_recorded(const Visit& visit) const {
    visit(iprev_);
    visit(helo_);
    visit(mail_from_);
    visit(dkim_);
    visit(delivered_);
    visit(dmarc_);
  }
  dns::Share share(dns::Share of_check) const;
  void start_unaligned();
  void start_alias();
  void follow_alias();
  void start_dmarc();

  std::shared_ptr<const Snapshot> snapshot_;
  crypto::KeyCache& keys_;
  WallTime now_;
  const Inputs* recorded_;
  dns::Share guesses_;
  dns::Inquiry inquiry_;
  dkim::Verification verification_;
  Pending<client::IprevResult> iprev_{"iprev"};
  Pending<spf::Result> helo_{"helo"};
  Pending<spf::Result> mail_from_{"mail_from"};
  Pending<std::vector<dkim::SignatureResult>> dkim_{"dkim"};
  // The domain into which the MTA changes the Author Domain; not started if it changes nothing.
  Pending<dmarc::DeliveredAuthor> delivered_{"alias"};
  // DMARC as if nothing were aligned: asks early for the author's policy, which must be known even
  // if the sender's names answer too late.
  Pending<dmarc::Result> unaligned_{"unaligned"};
  Pending<dmarc::Result> dmarc_{"dmarc"};
  std::optional<mail::DomainName> author_;  // whose policy decides
  std::string alias_;                       // the alias whose target it is
  std::optional<std::vector<dkim::SignatureResult>> known_;
  std::size_t signatures_ = 0;  // DKIM-Signature fields seen
};

}  // namespace sekisho::session
