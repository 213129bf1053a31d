// policy/verdict.h: the action for a message, and why. Plain values: the log line, the record and
// the tests print these.
// Thread: immutable values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/words.h"
#include "mail/smtp_reply.h"
#include "policy/rule_names.h"

namespace sekisho::policy {

// From the mildest to the most severe. `tag`: delivered with the finding in X-Sekisho-Disposition.
enum class Action { accept, tag, quarantine, tempfail, reject };
constexpr auto words_of(Action) {
  return words<Action>({{Action::accept, "accept"},
                        {Action::tag, "tag"},
                        {Action::quarantine, "quarantine"},
                        {Action::tempfail, "tempfail"},
                        {Action::reject, "reject"}});
}

// The conclusion of one rule for one recipient.
struct Decision {
  Action action = Action::accept;
  std::string rule{rule_name::by_default};  // rule_names.h
  std::string reason;                       // for people; never text of the sender's
  std::optional<mail::SmtpReply> reply;     // when the action is tempfail or reject
  // evidence for a reject, or why one became a quarantine
  std::vector<std::string> evidence;
  // In monitor mode: the action that would have been taken, and its rule. Another rule may have
  // decided after it.
  std::optional<Action> monitored;
  std::string monitored_rule{};
  // The domain owner requested more than was done (RFC 9990 policy_override): "local_policy", …
  std::vector<std::pair<std::string, std::string>> overrides;  // type, comment

  bool operator==(const Decision&) const = default;
};

struct RecipientDecision {
  std::string to;
  Decision decision;
  bool operator==(const RecipientDecision&) const = default;
};

// A change to the header of the message, applied by the front.
struct Edit {
  enum class Kind {
    remove,  // the `index`-th field of that name, counted from 1, top to bottom
    insert,  // at the top
  };
  Kind kind = Kind::insert;
  std::string name;
  std::string value;  // insert: with its leading blank, folds as CRLF + blank
  std::size_t index = 0;
  bool operator==(const Edit&) const = default;
};
constexpr auto words_of(Edit::Kind) {
  return words<Edit::Kind>({{Edit::Kind::remove, "remove"}, {Edit::Kind::insert, "insert"}});
}

struct Verdict {
  // The answer to the end of DATA: reject or tempfail only if all recipients have it, else the most
  // severe action that can be applied to the whole message.
  Decision message;
  std::vector<RecipientDecision> recipients;
  // The recipients refused at RCPT while others were not. They are separate, because they do not
  // affect what is done with the message.
  std::vector<RecipientDecision> refused;
  // Removals from the last to the first, then insertions.
  std::vector<Edit> edits;
  bool operator==(const Verdict&) const = default;
};

}  // namespace sekisho::policy
