// A header that is released and one that comes back with its token, cut at a NUL; before them,
// behind another NUL, the reverse-path. The header itself comes back as it went, however it is
// folded. Where another one is taken for it, a reader sees the author and the subject that were
// released, or a name that the MTA has completed.
#include <algorithm>
#include <string>

#include "base/ascii.h"
#include "fuzz/require.h"
#include "mail/author.h"
#include "mail/message.h"
#include "quarantine/bound_header.h"

namespace {

using namespace sekisho;
using fuzz::require;

const std::string own_domain = "shop.test";

session::ReleaseProof proof_of(std::string header, std::string_view mail_from) {
  session::ReleaseProof proof;
  proof.header = std::move(header);
  proof.mail_from = mail_from;
  proof.own_domains = {own_domain};
  return proof;
}

// As a session keeps it: fields, each with its line end.
std::string header_of(const mail::Message& message) {
  std::string text;
  for (const auto& field : message.header.fields()) text += field.name + ":" + field.value + "\r\n";
  return text;
}

std::string folded(const mail::Message& message) {
  std::string text;
  for (const auto& field : message.header.fields()) {
    text += field.name + ":";
    for (const char c : field.value) {
      // A second fold at the same place would be an empty line, which ends the header.
      if (c == ' ' && !text.ends_with('\n')) text += "\r\n";
      text += c;
    }
    text += "\r\n";
  }
  return text;
}

std::string without_blanks(const mail::HeaderField* field) {
  std::string out;
  if (field == nullptr) return out;
  for (const char c : field->value) {
    if (!ascii::is_blank(c)) out += c;
  }
  return out;
}

void check_reading(const mail::Message& released, const mail::Message& came,
                   std::string_view mail_from) {
  require(without_blanks(came.header.first("Subject")) ==
          without_blanks(released.header.first("Subject")));
  const auto seen = mail::find_author(came.header);
  if (!seen.well_formed()) return;
  const auto meant = mail::find_author(released.header);
  const auto sender = mail::Mailbox::parse(mail_from);
  const bool same = meant.well_formed() && meant.domain() == seen.domain();
  const bool supplied = !released.header.has("From") && sender && sender->domain == seen.domain();
  require(same || supplied || seen.domain().text() == own_domain);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pieces = fuzz::split(fuzz::text_of(data, size), '\0');
  if (pieces.size() != 3) return 0;
  const auto released = mail::parse_message(pieces[1]);
  const auto came = mail::parse_message(pieces[2]);
  const std::string header = header_of(released);
  const std::string bound = quarantine::bound_header(header, "");
  require(bound == quarantine::bound_header(header, ""));
  require(quarantine::header_difference(bound, proof_of(header, pieces[0])).empty());
  require(quarantine::header_difference(bound, proof_of(folded(released), pieces[0])).empty());
  const auto why = quarantine::header_difference(bound, proof_of(header_of(came), pieces[0]));
  if (why.empty()) check_reading(released, came, pieces[0]);
  return 0;
}
