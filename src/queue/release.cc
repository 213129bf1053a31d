#include "queue/release.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "base/encoding.h"
#include "quarantine/acts.h"
#include "quarantine/envelope.h"
#include "quarantine/row.h"
#include "quarantine/tables.h"
#include "queue/tables.h"

namespace sekisho::queue {

namespace {

using quarantine::Envelope;
using quarantine::Found;

Outcome<Envelope> envelope_of(Database& database, std::int64_t number) {
  std::optional<Envelope> envelope;
  auto read = database.query("SELECT envelope FROM held_detail WHERE number = ?1", {number},
                             [&](const Row& row) {
                               envelope = Envelope::parse(row.text(0));
                               return true;
                             });
  if (!read) return failed(read.error());
  if (!envelope) return failed(Failure::Kind::refused, "its envelope cannot be read");
  return std::move(*envelope);
}

std::optional<Letter> letter_of(const Envelope& envelope) {
  const auto octets = base64_decode(envelope.queue);
  if (!octets || octets->empty()) return std::nullopt;
  return read_letter(*octets);
}

// A later failure must not bounce to a possibly forged sender: NOTIFY=NEVER, unless `notify`, or
// the sender has proved to be the sender. Such a failure ends a message, so somebody must be told.
std::vector<std::string> parameters_for(const Envelope& envelope, const std::string& address,
                                        bool notify) {
  std::vector<std::string> parameters;
  for (const auto& one : envelope.recipients) {
    if (one.path.raw() == address) parameters = one.parameters;
  }
  if (notify) return parameters;
  std::erase_if(parameters,
                [](const std::string& each) { return ascii::istarts_with(each, "NOTIFY="); });
  parameters.emplace_back("NOTIFY=NEVER");
  return parameters;
}

std::string in_brackets(const std::vector<std::string>& addresses) {
  std::string text;
  for (const auto& address : addresses) {
    text.append(text.empty() ? "<" : ", <").append(address).append(">");
  }
  return text;
}

// The row of the quarantine: who has it now.
Outcome<void> close_row(Change& change, Found row, const std::vector<std::string>& recipients,
                        const std::string& by, WallTime now) {
  auto& database = change.database();
  auto& has_it = row.held.delivered_to;
  has_it.insert(has_it.end(), recipients.begin(), recipients.end());
  auto noted = database.run("UPDATE held SET delivered_to = ?2 WHERE number = ?1",
                            {row.number, quarantine::join(has_it)});
  if (!noted) return failed(noted.error());
  const bool all = quarantine::still_waiting(row.held).empty();
  const auto state = all ? quarantine::State::delivered : quarantine::State::held;
  if (auto set = quarantine::set_state(database, row, state, "queued", now); !set) return set;
  if (all) change.drop(row.held.id);
  return quarantine::add_act(database, row.held.id, now, by,
                             "released to " + in_brackets(recipients) + ": queued");
}

Outcome<void> move(Change& change, const ReleaseHeld& request, WallTime now,
                   std::vector<std::string>& recipients) {
  auto& database = change.database();
  auto row = quarantine::find(database, request.id);
  if (!row) return failed(row.error());
  if (auto here = quarantine::is_here(row->held); !here) return here;
  if (row->held.state == quarantine::State::released) return failed(quarantine::under_way(*row));
  auto envelope = envelope_of(database, row->number);
  if (!envelope) return failed(envelope.error());
  auto letter = letter_of(*envelope);
  if (!letter) return failed(Failure::Kind::refused, "it came from an MTA, and goes back to it");
  letter->id = row->held.id;
  letter->size = row->held.size;
  recipients =
      request.recipients.empty() ? quarantine::still_waiting(row->held) : request.recipients;
  std::vector<Recipient> queued;
  for (const auto& address : recipients) {
    Recipient to;
    to.address = to.original = address;
    to.parameters = parameters_for(*envelope, address, request.notify || letter->may_bounce);
    to.expand = true;
    to.progress = accepted(now);
    queued.push_back(std::move(to));
  }
  auto done = add(database, *letter, std::move(queued));
  if (done) done = note_news(database, letter->id);
  return done ? close_row(change, std::move(*row), recipients, request.by, now) : done;
}

}  // namespace

std::string with_letter(std::string_view envelope, const Letter& letter) {
  auto parsed = Envelope::parse(envelope);
  if (!parsed) return std::string(envelope);
  parsed->queue = base64_encode(write_letter(letter));
  return parsed->json();
}

bool has_letter(std::string_view envelope) {
  const auto parsed = Envelope::parse(envelope);
  return parsed && letter_of(*parsed);
}

Outcome<std::vector<std::string>> release_held(spool::Store& spool, const ReleaseHeld& request,
                                               WallTime now) {
  if (quarantine::has_line_end(request.recipients))
    return failed(Failure::Kind::refused, "a recipient with a line end");
  std::vector<std::string> recipients;
  auto moved = spool.change([&](Change& change) { return move(change, request, now, recipients); });
  if (!moved) return failed(moved.error());
  return recipients;
}

}  // namespace sekisho::queue
