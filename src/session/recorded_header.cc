#include "session/recorded_header.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::session {

namespace {

constexpr std::array<std::string_view, 12> telling_names = {
    "From",         "Sender",
    "Subject",      "Date",
    "Message-ID",   "DKIM-Signature",
    "Received",     "Authentication-Results",
    "Delivered-To", "To",
    "Reply-To",     "Return-Path"};
constexpr std::array<std::string_view, 5> telling_prefixes = {"List-", "ARC-", "Resent-",
                                                              "X-Forwarded-", "X-Sekisho-"};

// The share for these fields; the rest is left to the others.
constexpr std::size_t for_telling = recorded_header_octets * 3 / 4;

bool is_telling(const mail::HeaderField& field) {
  const auto named = [&](std::string_view name) { return field.is(name); };
  const auto begins = [&](std::string_view prefix) { return name_starts_with(field, prefix); };
  return std::any_of(telling_names.begin(), telling_names.end(), named) ||
         std::any_of(telling_prefixes.begin(), telling_prefixes.end(), begins);
}

}  // namespace

std::size_t cut_for_record(mail::Header& header) {
  if (header.octets() <= recorded_header_octets) return 0;
  const auto& fields = header.fields();
  std::vector<bool> kept(fields.size(), false);
  std::size_t octets = 0;
  const auto keep = [&](bool telling, std::size_t limit) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (kept[i] || is_telling(fields[i]) != telling) continue;
      if (octets + fields[i].octets() > limit) continue;
      kept[i] = true;
      octets += fields[i].octets();
    }
  };
  keep(true, for_telling);
  keep(false, recorded_header_octets);
  mail::Header part;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    if (kept[i]) part.add(fields[i]);
  }
  if (header.truncated()) part.mark_truncated();
  const std::size_t left_out = header.octets() - octets;
  header = std::move(part);
  return left_out;
}

}  // namespace sekisho::session
