// RFC 7208 §8.
#include "policy/rule.h"

namespace sekisho::policy {

namespace {

using mail::SmtpReply;

std::optional<Decision> by_spf(const Case& asked) {
  const auto& [facts, rules, override_rule, allowed] = asked;
  if (allowed.spf) return std::nullopt;
  const auto& result = facts.spf_mail_from;
  if (result.code == spf::Code::temperror) {
    switch (rules.spf.temperror) {
      case OnTemperror::accept:
        return std::nullopt;
      // RFC 7208 §8.6, RFC 7372 §3.2. It ends with a tag: a forger who wants to avoid an SPF fail
      // can use another domain.
      case OnTemperror::tempfail: {
        const std::string reason = "SPF of " + result.domain + " cannot be evaluated now";
        return defer(facts, rules.dmarc, SmtpReply(451, "4.7.24", cannot_be_known(reason, facts)),
                     rule_name::spf, reason, Action::tag);
      }
    }
  }
  if (result.code != spf::Code::fail) return std::nullopt;
  const std::string reason = "SPF fail for " + result.domain;
  switch (rules.spf.fail) {
    case OnSpfFail::tag:
      return make(Action::tag, rule_name::spf, reason);
    case OnSpfFail::quarantine:
      return make(Action::quarantine, rule_name::spf, reason);
    case OnSpfFail::reject: {
      std::string text = "SPF fail: " + result.domain + " does not permit this client";
      // RFC 7208 §6.2: the reply must say that the explanation is the sender's.
      if (!result.explanation.empty()) {
        text += "; " + result.domain + " explained: " + result.explanation;
      }
      return refuse(SmtpReply(550, "5.7.23", with_id(std::move(text), facts)), rule_name::spf,
                    reason);
    }
  }
  return std::nullopt;
}

std::string silence_of_spf(const Case& asked) {
  if (asked.allowed.spf) return "an entry of the allowlist skips this rule";
  const auto& result = asked.facts.spf_mail_from;
  const std::string text = "spf=" + std::string(to_string(result.code));
  if (result.code == spf::Code::temperror) return text + ", which is accepted here";
  if (result.code == spf::Code::pass) return text + " for " + result.domain;
  return text + ": only a fail leads to anything";
}

std::string key_of_spf(const Case& asked, const Decision& /*decision*/) {
  const auto code = asked.facts.spf_mail_from.code;
  if (code == spf::Code::temperror) return "spf.temperror";
  return code == spf::Code::fail ? "spf.fail" : "";
}

}  // namespace

const Rule spf_rule = {.name = rule_name::spf,
                       .ask = by_spf,
                       .silence = silence_of_spf,
                       .key = key_of_spf,
                       .monitor = [](const Rules& rules) { return rules.spf.monitor; },
                       .monitor_key = "spf.monitor",
                       .not_at_rcpt = "not asked before the message has come"};

}  // namespace sekisho::policy
