#include "quarantine/held_part.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/memory.h"
#include "mail/encoded_word.h"
#include "quarantine/envelope.h"
#include "quarantine/tables.h"
#include "record/held.h"

namespace sekisho::quarantine {

namespace {

// Octets of a sender's text in a row. RFC 5322 §2.1.1 asks for lines of 78; nobody reads more than
// this in a list.
constexpr std::size_t text_octets = 512;

// Cuts, but not within a character of UTF-8.
std::string cut(std::string text) {
  if (text.size() <= text_octets) return text;
  std::size_t end = text_octets;
  const auto continues = [&] { return (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U; };
  while (end > text_octets - 4 && continues()) --end;
  text.resize(end);
  return text;
}

}  // namespace

HeldRow row_of(const session::KeepRequest& message) {
  const auto& facts = message.outcome.facts;
  HeldRow held;
  held.id = facts.id;
  held.queue_id = facts.queue_id;
  held.time = facts.received;
  held.mail_from = facts.mail_from.raw();
  for (const auto& to : message.held) held.recipients.push_back(to.path.raw());
  held.author = facts.author.mailboxes.empty() ? "" : facts.author.mailboxes.front().text();
  held.subject = mail::decode_encoded_words(message.subject);
  held.message_id = message.message_id;
  held.client = policy::client_text(facts.client);
  // If the recipients differ, the decision for the held ones.
  const policy::Decision* decision = &message.outcome.verdict.message;
  for (const auto& [to, one] : message.outcome.verdict.recipients) {
    if (one.action == policy::Action::quarantine) decision = &one;
  }
  held.rule = decision->rule;
  held.reason = decision->reason;
  held.header_hash = hex_encode(message.header_sha256);
  held.body_hash = hex_encode(message.body_sha256);
  held.alone =
      !message.dated ||
      std::any_of(message.removals.begin(), message.removals.end(), [](const policy::Edit& edit) {
        return ascii::iequals(edit.name, session::release_field);
      });
  return held;
}

Detail detail_of(const session::KeepRequest& message) {
  const Envelope envelope{message.received, message.outcome.authentication_results,
                          message.mail_parameters, message.held, message.removals};
  return {envelope.json(), record::write_held(message.outcome)};
}

spool::Part part_of(HeldRow held, const Detail& detail) {
  held.author = cut(std::move(held.author));
  held.subject = cut(std::move(held.subject));
  held.message_id = cut(std::move(held.message_id));
  return {std::string(tables_name), record_of(held, detail)};
}

}  // namespace sekisho::quarantine
