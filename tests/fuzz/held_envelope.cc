// What the store keeps of a held message, and what a release makes of it. First the input as a
// record, whatever wrote it. Then the input as a message that comes, in pieces between NULs:
// sender, recipient, parameter of MAIL, parameter of RCPT, the value of our Received field, the
// message. What was written is read as the same, and the message that goes out again is the one
// that came, octet by octet, without the fields that only claimed to be ours.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "authres/authentication_results.h"
#include "base/ascii.h"
#include "base/utf8.h"
#include "fuzz/require.h"
#include "mail/message.h"
#include "quarantine/envelope.h"
#include "quarantine/resend.h"
#include "quarantine/tables.h"
#include "session/edits.h"

namespace {

using namespace sekisho;
using fuzz::require;
using quarantine::Envelope;

constexpr std::string_view own_id = "mx.shop.test";
const std::string own_results = " mx.shop.test;\r\n\tdmarc=fail header.from=a.test";

bool same(const Envelope& a, const Envelope& b) {
  const auto equal = [](const session::Recipient& x, const session::Recipient& y) {
    return x.path == y.path && x.parameters == y.parameters;
  };
  return a.received == b.received && a.authentication_results == b.authentication_results &&
         a.mail_parameters == b.mail_parameters && a.removals == b.removals &&
         std::equal(a.recipients.begin(), a.recipients.end(), b.recipients.begin(),
                    b.recipients.end(), equal);
}

std::optional<Envelope> check_envelope(std::string_view text) {
  auto envelope = Envelope::parse(text);
  if (!envelope) return std::nullopt;
  const auto again = Envelope::parse(envelope->json());
  require(again && same(*again, *envelope));
  return envelope;
}

quarantine::Release release_of(const quarantine::HeldRow& held) {
  quarantine::Release release;
  release.id = held.id;
  release.token = std::string(32, 'f');
  release.recipients = held.recipients;
  release.held = held;
  return release;
}

// A failure later is told to nobody, unless that is what the admin said.
void check_letter(const quarantine::Release& release, const Envelope& envelope) {
  const auto letter = quarantine::letter_for(release, envelope, false, "");
  require(letter.mail_from == release.held.mail_from);
  require(letter.recipients.size() == release.recipients.size());
  for (std::size_t i = 0; i < letter.recipients.size(); ++i) {
    const auto& to = letter.recipients[i];
    require(to.address == release.recipients[i]);
    std::size_t notify = 0;
    for (const auto& one : to.parameters) notify += ascii::istarts_with(one, "NOTIFY=") ? 1 : 0;
    require(notify == 1 && to.parameters.back() == "NOTIFY=NEVER");
  }
}

void check_record(std::string_view octets) {
  const auto message = quarantine::read_record(octets);
  if (!message) return;
  const auto written = quarantine::record_of(message->held, message->detail);
  const auto again = quarantine::read_record(written);
  require(again && quarantine::record_of(again->held, again->detail) == written);
  const auto envelope = check_envelope(message->detail.envelope);
  if (!envelope) return;
  const auto release = release_of(message->held);
  check_letter(release, *envelope);
  const std::string sent = quarantine::resent(release, *envelope, octets);
  require(sent.starts_with("X-Sekisho-Release: " + release.id + " " + release.token + "\r\n"));
}

// The octets as a session keeps them, and what of them is to be removed.
std::string content_of(const mail::Message& message, std::vector<policy::Edit>& removals) {
  std::string content;
  session::ForgedFields forged{std::string(own_id), {}};
  for (const auto& field : message.header.fields()) {
    content += field.name + ":" + field.value + "\r\n";
    forged.see(field);
  }
  removals = forged.removals();
  return content + "\r\n" + message.body;
}

bool claims_to_be_ours(const mail::HeaderField& field) {
  if (field.is(session::disposition_field) || field.is(session::release_field)) return true;
  return field.is("Authentication-Results") && authres::could_be_from(field.value, own_id);
}

void check_resent(const quarantine::Release& release, const Envelope& envelope,
                  const mail::Message& came, const std::string& content) {
  const std::string sent = quarantine::resent(release, envelope, content);
  require(sent.ends_with("\r\n\r\n" + came.body));
  const auto goes = mail::parse_message(sent);
  const auto& fields = goes.header.fields();
  std::size_t at = 0;
  require(fields[at].is(session::release_field) &&
          fields[at].unfolded() == release.id + " " + release.token);
  require(fields[++at].value == own_results);
  if (!envelope.received.empty()) require(fields[++at].is("Received"));
  for (const auto& field : came.header.fields()) {
    if (!claims_to_be_ours(field)) require(++at < fields.size() && fields[at] == field);
  }
  require(at + 1 == fields.size());
}

void check_message(const std::vector<std::string_view>& pieces) {
  const mail::Message came = mail::parse_message(pieces[5]);
  if (came.header.truncated() || !came.malformed.empty()) return;
  Envelope envelope;
  const std::string content = content_of(came, envelope.removals);
  // A line end in what a session hands on is a fold.
  if (pieces[4].find_first_of("\r\n") == std::string_view::npos && !pieces[4].empty())
    envelope.received = " from " + std::string(pieces[4]) + "\r\n\tby mx.shop.test";
  envelope.authentication_results = own_results;
  envelope.mail_parameters = {std::string(pieces[2])};
  envelope.recipients = {{std::string(pieces[1]), {std::string(pieces[3])}}, {"b@shop.test", {}}};

  quarantine::HeldRow held;
  held.id = "K7Q2-4DMX";
  held.mail_from = pieces[0];
  held.recipients = {std::string(pieces[1]), "b@shop.test"};
  held.subject = pieces[5].substr(0, 100);
  const std::string record = quarantine::record_of(held, {envelope.json(), "{}"});
  const auto read = quarantine::read_record(record);
  require(read.has_value() && quarantine::record_of(read->held, read->detail) == record);
  require(read->held.mail_from == held.mail_from && read->held.recipients == held.recipients);
  const auto again = check_envelope(read->detail.envelope);
  require(again.has_value());
  const bool utf8 = std::all_of(pieces.begin(), pieces.begin() + 5, is_utf8);
  if (utf8) require(same(*again, envelope));
  const auto release = release_of(read->held);
  check_letter(release, *again);
  check_resent(release, *again, came, content);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets = fuzz::text_of(data, size);
  check_envelope(octets);
  check_record(octets);
  const auto pieces = fuzz::split(octets, '\0');
  if (pieces.size() == 6) check_message(pieces);
  return 0;
}
