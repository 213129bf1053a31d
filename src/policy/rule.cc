#include "policy/rule.h"

namespace sekisho::policy {

using mail::SmtpReply;

Decision accept(std::string_view rule, std::string reason) {
  Decision decision;
  decision.rule = rule;
  decision.reason = std::move(reason);
  return decision;
}

Decision make(Action action, std::string_view rule, std::string reason) {
  Decision decision = accept(rule, std::move(reason));
  decision.action = action;
  return decision;
}

Decision refuse(SmtpReply reply, std::string_view rule, std::string reason) {
  auto decision =
      make(reply.permanent() ? Action::reject : Action::tempfail, rule, std::move(reason));
  decision.reply = std::move(reply);
  return decision;
}

std::string with_id(std::string text, const Facts& facts) {
  constexpr std::size_t most = 470;
  if (text.size() > most) text.resize(most);
  return std::move(text) + " (id=" + facts.id + ")";
}

std::string cannot_be_known(const std::string& reason, const Facts& facts) {
  return with_id("temporary failure: " + reason, facts);
}

Decision defer(const Facts& facts, const DmarcRule& rule, SmtpReply reply, std::string_view name,
               const std::string& reason, Action end) {
  if (facts.deferred_for && *facts.deferred_for >= rule.defer_for) {
    return make(end, name, reason + "; deferred long enough");
  }
  return refuse(std::move(reply), name, reason);
}

}  // namespace sekisho::policy
