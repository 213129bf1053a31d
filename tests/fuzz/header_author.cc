// Any octets as a message: header, From parser, author. What is well formed is one domain that
// reads back as itself, and every mailbox survives being written and read.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mail/address_list.h"
#include "mail/author.h"
#include "mail/message.h"

namespace {

using namespace sekisho;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_mailbox(const mail::Mailbox& mailbox) {
  const auto again = mail::Mailbox::parse(mailbox.text());
  require(again.has_value() && *again == mailbox);
}

void check_author(const mail::Message& message) {
  const mail::Author author = mail::find_author(message.header, message.malformed);
  require((author.result == mail::Author::Result::one) == author.reason.empty());
  if (author.well_formed()) {
    require(author.domains.size() == 1 && !author.mailboxes.empty());
    const auto again = mail::DomainName::parse(author.domain().text());
    require(again.has_value() && *again == author.domain());
  }
  for (const auto& mailbox : author.mailboxes) check_mailbox(mailbox);
  // Whom the strict parser names, the lenient scan finds.
  const auto readable = mail::readable_authors(message.header, message.malformed);
  for (const auto& mailbox : author.mailboxes) {
    require(std::any_of(readable.begin(), readable.end(),
                        [&](const auto& each) { return each.domain == mailbox.domain; }));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  const mail::Message message = mail::parse_message(octets);
  check_author(message);
  for (const auto& field : message.header.fields())
    require(field.unfolded().size() <= field.value.size());

  if (const auto list = mail::parse_address_list(octets)) {
    for (const auto& [name, mailbox] : list->mailboxes) check_mailbox(mailbox);
  }
  if (const auto path = mail::ReversePath::parse(octets); path && !path->is_null()) {
    check_mailbox(*path->mailbox());
  }
  return 0;
}
