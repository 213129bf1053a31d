// config/values.h: the types of values: how each is read from TOML, checked against its bounds, and
// written as TOML again.
// Errors: findings in the Reader, the slot then keeps its value; never throws.
// Thread: immutable values.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/log_options.h"
#include "base/result.h"
#include "base/words.h"
#include "config/document.h"
#include "config/reader.h"
#include "config/suggest.h"
#include "mail/domain_name.h"
#include "mail/ip_address.h"
#include "policy/rules.h"

namespace sekisho::config {

template <class T>
struct Type {
  std::string expects;  // completes "must be …": "a whole number from 1 to 50"
  std::function<void(const std::string& key, const Value&, T& slot, Reader&)> read;
  std::function<std::string(const T&)> show;
  std::vector<std::string> words = {};  // all values, if they are words
};

// --- numbers -------------------------------------------------------------------------------------

// Reads an integer within bounds; an error otherwise.
void read_integer(const std::string& key, const Value& value, std::int64_t least, std::int64_t most,
                  Reader& reader, const std::function<void(std::int64_t)>& store);

template <class Number>
Type<Number> number(Number least, Number most) {
  const auto low = static_cast<std::int64_t>(least);
  const auto high = static_cast<std::int64_t>(most);
  return {"a whole number from " + std::to_string(low) + " to " + std::to_string(high),
          [=](const std::string& key, const Value& value, Number& slot, Reader& reader) {
            read_integer(key, value, low, high, reader,
                         [&](std::int64_t read) { slot = static_cast<Number>(read); });
          },
          [](const Number& slot) { return std::to_string(slot); }};
}

Type<bool> boolean();
// The mode of a file in octal, as text: "0660".
Type<unsigned> file_mode();

// --- durations -----------------------------------------------------------------------------------
//   duration = 1*DIGIT ("ms" / "s" / "m" / "h" / "d")
Expected<std::chrono::milliseconds> parse_duration(std::string_view text);
// In the largest unit that has no fraction: "4h", "90s".
std::string show_duration(std::chrono::milliseconds duration);
// Reads a duration within bounds that is a multiple of `unit`.
void read_duration(const std::string& key, const Value& value, std::chrono::milliseconds least,
                   std::chrono::milliseconds most, std::chrono::milliseconds unit, Reader& reader,
                   const std::function<void(std::chrono::milliseconds)>& store);

template <class Duration>
Type<Duration> duration(std::chrono::milliseconds least, std::chrono::milliseconds most) {
  return {"a duration from " + show_duration(least) + " to " + show_duration(most),
          [=](const std::string& key, const Value& value, Duration& slot, Reader& reader) {
            read_duration(key, value, least, most, Duration(1), reader,
                          [&](std::chrono::milliseconds read) {
                            slot = std::chrono::duration_cast<Duration>(read);
                          });
          },
          [](const Duration& slot) { return toml_text(show_duration(slot)); }};
}

// --- sizes ---------------------------------------------------------------------------------------
//   size = 1*DIGIT ["K" / "M" / "G" / "T"]      of 1024
Expected<std::uint64_t> parse_size(std::string_view text);
// In the largest unit that has no fraction: "10G".
std::string show_size(std::uint64_t octets);
// Octets within bounds.
Type<std::uint64_t> size(std::uint64_t least, std::uint64_t most);

// --- choices -------------------------------------------------------------------------------------

template <class Enum>
struct Choice {
  std::string word;
  Enum value;
};

// "one of: tag, quarantine, reject".
std::string list_choices(const std::vector<std::string>& words);
// The index of the text among the words; otherwise an error that names the nearest.
std::size_t read_choice(const std::string& key, const Value& value,
                        const std::vector<std::string>& words, Reader& reader);

template <Worded Enum>
std::vector<std::string> all_words() {
  std::vector<std::string> words;
  for (const Enum value : all_values<Enum>()) words.emplace_back(to_string(value));
  return words;
}

template <Worded Enum>
std::string toml_word(Enum value) {
  return toml_text(to_string(value));
}

// Some values of an enum, by words of their own.
template <class Enum>
Type<Enum> choice(const std::vector<Choice<Enum>>& choices) {
  std::vector<std::string> words;
  words.reserve(choices.size());
  for (const auto& each : choices) words.push_back(each.word);
  return {list_choices(words),
          [choices, words](const std::string& key, const Value& value, Enum& slot, Reader& reader) {
            const std::size_t found = read_choice(key, value, words, reader);
            if (found < choices.size()) slot = choices[found].value;
          },
          [choices](const Enum& slot) {
            const auto found = std::find_if(choices.begin(), choices.end(),
                                            [&](const auto& each) { return each.value == slot; });
            return toml_text(found == choices.end() ? std::string() : found->word);
          },
          words};
}

// All values of an enum.
template <Worded Enum>
Type<Enum> choice() {
  std::vector<Choice<Enum>> choices;
  for (const Enum value : all_values<Enum>()) {
    choices.push_back({std::string(to_string(value)), value});
  }
  return choice(choices);
}

// --- texts ---------------------------------------------------------------------------------------

// Checks a text; the error completes "KEY = "TEXT": …".
using CheckText = std::function<Expected<std::string>(std::string_view)>;

Type<std::string> text(std::string expects, const CheckText& check);
// A path; relative ones start from the file's folder. Empty: none.
Type<std::string> path();
Type<LogOptions> log_target();

Expected<std::string> check_host_name(std::string_view text);
Expected<std::string> check_authserv_id(std::string_view text);
Expected<std::string> check_account(std::string_view text);  // of passwd or group
Expected<std::string> check_milter_socket(std::string_view text);
Expected<std::string> check_socket_path(std::string_view text);
Expected<std::string> check_dns_server(std::string_view text);
Expected<std::string> check_release_route(std::string_view text);
Expected<std::string> check_listen_address(std::string_view text);

// --- arrays --------------------------------------------------------------------------------------

std::string show_array(const std::vector<std::string>& elements);

template <class T>
using ParseElement = std::function<Expected<T>(std::string_view)>;

// An array of texts, each read by `parse` and written by `text_of`; "file:PATH" is understood.
template <class T>
Type<std::vector<T>> array_of(const std::string& expects, ParseElement<T> parse,
                              std::function<std::string(const T&)> text_of) {
  return {
      "a list of " + expects,
      [parse](const std::string& key, const Value& value, std::vector<T>& slot, Reader& reader) {
        std::vector<T> elements;
        for (const Item& item : reader.items(key, value)) {
          if (auto element = parse(item.text)) {
            reader.remember(key + "[" + std::to_string(elements.size()) + "]", item.place);
            elements.push_back(std::move(*element));
          } else {
            reader.error(item.place,
                         key + ": " + toml_text(item.text) + ": " + element.error().what);
          }
        }
        slot = std::move(elements);
      },
      [text_of](const std::vector<T>& slot) {
        std::vector<std::string> elements;
        elements.reserve(slot.size());
        for (const T& each : slot) elements.push_back(toml_text(text_of(each)));
        return show_array(elements);
      }};
}

Type<std::vector<std::string>> texts(const std::string& expects, const CheckText& check);
Type<std::vector<mail::DomainName>> domains();
Type<std::vector<mail::IpPrefix>> prefixes();
Type<std::vector<policy::RecipientPattern>> recipients();

// --- overrides -----------------------------------------------------------------------------------

// [{domain = "example.com", reject = "always"}], or lines `example.com reject=always` of a file.
Type<std::vector<policy::DmarcOverride>> overrides();

}  // namespace sekisho::config
