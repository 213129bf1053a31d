#include "dns/zone_resolver.h"

namespace sekisho::dns {

AnswerPtr ZoneResolver::at_hand(const Question& question) {
  AnswerPtr answer = zone_.answer(question);
  ++(!answer->is_error() ? answered_ : answer->error == "timeout" ? timeouts_ : failures_);
  return answer;
}

Resolver::Ticket ZoneResolver::ask(const Question& question, Callback done) {
  done(at_hand(question));
  return 0;
}

ResolverStatus ZoneResolver::status() const {
  ResolverStatus status;
  status.answered = answered_;
  status.timeouts = timeouts_;
  status.failures = failures_;
  status.questions = status.answered + status.timeouts + status.failures;
  status.servers = {source_};
  return status;
}

}  // namespace sekisho::dns
