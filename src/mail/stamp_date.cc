#include "mail/stamp_date.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/ascii.h"

namespace sekisho::mail {

namespace {

std::optional<int> number(std::string_view text, std::size_t least, std::size_t most) {
  if (text.size() < least || text.size() > most ||
      !std::all_of(text.begin(), text.end(), ascii::is_digit)) {
    return std::nullopt;
  }
  int value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// "Nov", "November". Returns the place among the names, from 1 on.
template <std::size_t Count>
std::optional<int> named(std::string_view word, const std::array<std::string_view, Count>& names) {
  if (word.size() < 3 || !std::all_of(word.begin(), word.end(), ascii::is_alpha))
    return std::nullopt;
  const auto found = std::find_if(names.begin(), names.end(), [&](std::string_view name) {
    return ascii::iequals(name.substr(0, 3), word) || ascii::iequals(name, word);
  });
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin()) + 1;
}

std::optional<int> month_of(std::string_view word) {
  static constexpr std::array<std::string_view, 12> months{
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  return named(word, months);
}

bool is_weekday(std::string_view word) {
  static constexpr std::array<std::string_view, 7> days{
      "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
  return named(word, days).has_value();
}

// h:mm[:ss[.fff]], hh:mm[:ss[.fff]]
std::optional<std::chrono::seconds> time_of_day(std::string_view text) {
  text = text.substr(0, text.find('.'));
  const auto hour_end = text.find(':');
  if (hour_end == std::string_view::npos) return std::nullopt;
  const auto hour = number(text.substr(0, hour_end), 1, 2);
  std::string_view rest = text.substr(hour_end + 1);
  const auto minute = number(rest.substr(0, 2), 2, 2);
  std::optional<int> second = 0;
  if (rest.size() > 2) second = rest[2] == ':' ? number(rest.substr(3), 1, 2) : std::nullopt;
  if (!hour || !minute || !second || *hour > 23 || *minute > 59 || *second > 60) {
    return std::nullopt;
  }
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

// RFC 5322 §4.3: the alphabetic zones that have a meaning; the RFC counts the others as UTC.
std::optional<std::chrono::minutes> offset_of_name(std::string_view zone) {
  static constexpr std::array<std::pair<std::string_view, int>, 8> american{{{"EDT", -4},
                                                                             {"EST", -5},
                                                                             {"CDT", -5},
                                                                             {"CST", -6},
                                                                             {"MDT", -6},
                                                                             {"MST", -7},
                                                                             {"PDT", -7},
                                                                             {"PST", -8}}};
  const bool letters =
      !zone.empty() && zone.size() <= 5 && std::all_of(zone.begin(), zone.end(), ascii::is_alpha);
  if (!letters) return std::nullopt;
  const auto* const found = std::find_if(american.begin(), american.end(), [&](const auto& each) {
    return ascii::iequals(each.first, zone);
  });
  return std::chrono::hours(found == american.end() ? 0 : found->second);
}

// "+0900", "+09:00", "GMT", "GMT+0900".
std::optional<std::chrono::minutes> offset_of(std::string_view zone) {
  for (const std::string_view prefix : {"GMT", "UTC"}) {
    if (zone.size() > 3 && ascii::istarts_with(zone, prefix)) zone.remove_prefix(3);
  }
  if (zone.empty() || (zone[0] != '+' && zone[0] != '-')) return offset_of_name(zone);
  const bool colon = zone.size() == 6 && zone[3] == ':';
  const auto hours = number(zone.substr(1, std::min<std::size_t>(2, zone.size() - 1)), 2, 2);
  const auto minutes = zone.size() < 5 ? std::nullopt : number(zone.substr(colon ? 4 : 3), 2, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const auto offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return zone[0] == '-' ? -offset : std::chrono::minutes(offset);
}

// RFC 5322 §4.3: two digits are of 1950 to 2049, three of 1900 on.
std::optional<int> year_of(std::string_view text) {
  const auto year = number(text, 2, 4);
  if (!year || text.size() == 4) return year;
  return *year + (text.size() == 2 && *year < 50 ? 2000 : 1900);
}

// The words without commas, and "28-Nov-2026" as three.
std::vector<std::string_view> parts_of(const std::vector<std::string_view>& words) {
  std::vector<std::string_view> parts;
  for (const std::string_view word : words) {
    const bool date = !word.empty() && ascii::is_digit(word.front());
    const std::string_view ends = date ? ",-" : ",";
    for (std::size_t start = 0; start < word.size();) {
      const auto end = std::min(word.find_first_of(ends, start), word.size());
      if (end > start) parts.push_back(word.substr(start, end - start));
      start = end + 1;
    }
  }
  return parts;
}

// Day, month, year, time and zone; "Nov 28 09:00:05 2026 +0000" of ctime() has them in another
// order.
std::array<std::string_view, 5> in_order(const std::vector<std::string_view>& parts) {
  std::array<std::string_view, 5> out{};
  const std::size_t first = !parts.empty() && is_weekday(parts.front()) ? 1 : 0;
  if (parts.size() < first + out.size()) return out;
  std::copy_n(parts.begin() + static_cast<std::ptrdiff_t>(first), out.size(), out.begin());
  if (month_of(out[0])) {
    std::swap(out[0], out[1]);
    if (out[2].find(':') != std::string_view::npos) std::swap(out[2], out[3]);
  }
  return out;
}

}  // namespace

std::optional<WallTime> read_date(const std::vector<std::string_view>& words) {
  const auto parts = parts_of(words);
  const auto [day_word, month_word, year_word, time_word, zone_word] = in_order(parts);
  const auto day = number(day_word, 1, 2);
  const auto month = month_of(month_word);
  const auto year = year_of(year_word);
  const auto time = time_of_day(time_word);
  const auto offset = offset_of(zone_word);
  if (!day || !month || !year || !time || !offset) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + *time - *offset;
}

}  // namespace sekisho::mail
