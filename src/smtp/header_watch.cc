#include "smtp/header_watch.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "mail/received.h"

namespace sekisho::smtp {

namespace {

// Nobody but the sender may know of Bcc; Return-Path is written by the last host alone.
constexpr std::array<std::string_view, 3> removed_fields = {"Bcc", "Resent-Bcc", "Return-Path"};

// Whether some readers may see another field in this one (mail::find_author): real ones have none
// of these octets.
bool may_hide_another(const mail::HeaderField& field) {
  const auto odd_in_name = [](char c) { return c <= ' ' || c > '~'; };
  const auto odd_in_value = [](char c) {
    return ascii::is_control(c) && c != '\t' && c != '\r' && c != '\n';
  };
  return std::any_of(field.name.begin(), field.name.end(), odd_in_name) ||
         std::any_of(field.value.begin(), field.value.end(), odd_in_value);
}

}  // namespace

void HeaderWatch::see(const mail::HeaderField& field) {
  if (field.is("Received")) {
    ++received_;
    const auto read = mail::parse_received(field.value);
    if (read && ascii::iequals(read->by, own_name_)) ++received_by_us_;
  } else if (field.is("From")) {
    from_.add(field);
  } else if (field.is("Date")) {
    dated_ = true;
  } else if (field.is("Message-ID")) {
    named_ = true;
  }
  if (!field.is("From") && may_hide_another(field)) from_.add(field);
  for (const auto name : removed_fields) {
    if (!field.is(name)) continue;
    removals_.push_back({policy::Edit::Kind::remove, std::string(name), "", ++seen_[name]});
  }
}

void HeaderWatch::malformed_line(const std::string& line) {
  constexpr std::size_t most = 100;
  if (malformed_.size() < most) {
    malformed_.push_back(line);
  } else {
    from_.mark_truncated();  // nobody knows what the rest of them says
  }
}

std::vector<policy::Edit> HeaderWatch::completion(const std::string& id, WallTime now) const {
  using Kind = policy::Edit::Kind;
  std::vector<policy::Edit> edits(removals_.rbegin(), removals_.rend());
  if (!named_) {
    const auto seconds = std::to_string(now.time_since_epoch().count());
    std::string value = " <" + id;
    value.append(".").append(seconds).append("@").append(own_name_).append(">");
    edits.push_back({Kind::insert, "Message-ID", std::move(value), 0});
  }
  if (!dated_) edits.push_back({Kind::insert, "Date", " " + to_rfc5322(now), 0});
  return edits;
}

bool author_belongs(const mail::Author& author,
                    const std::function<bool(const mail::Mailbox&)>& owns) {
  using Result = mail::Author::Result;
  const bool readable = author.well_formed() || author.result == Result::many;
  return readable && !author.mailboxes.empty() &&
         std::all_of(author.mailboxes.begin(), author.mailboxes.end(), owns);
}

}  // namespace sekisho::smtp
