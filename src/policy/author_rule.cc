#include "policy/rule.h"

namespace sekisho::policy {

using mail::SmtpReply;

std::optional<Decision> malformed_author(const Facts& facts, const AuthorRule& rule) {
  if (facts.author.well_formed()) return std::nullopt;
  const std::string reason = "malformed author: " + facts.author.reason;
  using Result = mail::Author::Result;
  const bool nobody =
      facts.author.result == Result::missing || facts.author.result == Result::no_domain;
  // Old MTAs send bounces without a From, or with one that has no domain.
  if (nobody && facts.mail_from.empty()) return make(Action::tag, "author", reason);
  switch (rule.malformed) {
    case OnMalformedAuthor::reject:
      return refuse(SmtpReply(550, "5.7.1",
                              with_id("the From field must name one author domain: " +
                                          std::string(mail::to_string(facts.author.result)),
                                      facts)),
                    "author", reason);
    case OnMalformedAuthor::quarantine:
      return make(Action::quarantine, "author", reason);
    case OnMalformedAuthor::tag:
      return make(Action::tag, "author", reason);
  }
  return std::nullopt;
}

std::string silence_of_author(const Case& asked) {
  return "From names one author domain, " + asked.facts.author.domain().text();
}

}  // namespace sekisho::policy
