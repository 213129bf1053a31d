// base/words.h: the words of an enum, written once, as a table beside it:
//   enum class Policy { none, quarantine, reject };
//   constexpr auto words_of(Policy) {
//     return words<Policy>({{Policy::none, "none"}, {Policy::quarantine, "quarantine"}, …});
//   }
// To text and back, all values, their number, arrays and sets by value come from that table. It
// does not compile if a value has no word, or two have the same. (A missing `case` would only be a
// warning, and a constant with the number of values can be forgotten.) The compiler itself is asked
// which values have a name (is_enumerator()).
// Errors: none at run time. Thread: any.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

namespace sekisho {

template <class Enum>
struct Word {
  Enum value;
  std::string_view text;
};

// Whether the value is one of its enum's. g++ and clang write "spf::Code::pass" for one that is and
// "(spf::Code)9" for any other; what has parentheses besides is an anonymous namespace.
template <auto Value>
consteval bool is_enumerator() {
  std::string_view text = __PRETTY_FUNCTION__;
  text.remove_prefix(text.find("Value = "));
  const auto cast = text.rfind(')');
  if (cast == std::string_view::npos) return true;
  const char next = text[cast + 1];
  return next != '-' && (next < '0' || next > '9');
}

template <class Enum, std::size_t Count>
class Words {
 public:
  using Rows = std::array<Word<Enum>, Count>;

  // Called at compile time by the two functions below: a throw is then a compile error.
  constexpr explicit Words(const Word<Enum> (&rows)[Count]) : rows_(std::to_array(rows)) {
    for (std::size_t i = 0; i < Count; ++i) {
      if (rows_[i].text.empty()) throw "a value has an empty word";
      for (std::size_t j = 0; j < i; ++j) {
        if (rows_[i].value <= rows_[j].value) throw "the rows are not in the order of the values";
        if (rows_[i].text == rows_[j].text) throw "two values have the same word";
      }
    }
  }

  static constexpr std::size_t size() { return Count; }
  constexpr const Rows& rows() const { return rows_; }
  // Whether row i has the value i, so that it can index an array.
  constexpr bool from_zero() const {
    return static_cast<std::size_t>(rows_.back().value) == Count - 1;
  }

 private:
  Rows rows_;
};

template <class Enum, std::size_t Count>
consteval Words<Enum, Count> words(const Word<Enum> (&rows)[Count]) {
  static_assert(is_enumerator<static_cast<Enum>(Count - 1)>(), "a row for each value, from 0 on");
  static_assert(!is_enumerator<static_cast<Enum>(Count)>(), "a value of the enum has no word");
  const Words<Enum, Count> table(rows);
  if (!table.from_zero()) throw "the values are not 0, 1, 2, …";
  return table;
}

// For an enum with foreign numbers, DNS types for example: completeness is not checked, and neither
// By nor SetOf accepts it.
template <class Enum, std::size_t Count>
consteval Words<Enum, Count> words_of_numbers(const Word<Enum> (&rows)[Count]) {
  return Words<Enum, Count>(rows);
}

// An enum that has a table.
template <class Enum>
concept Worded = std::is_enum_v<Enum> && requires(Enum value) {
  words_of(value);
};

template <Worded Enum>
inline constexpr auto words_table = words_of(Enum{});

template <Worded Enum>
inline constexpr std::size_t count_of = words_table<Enum>.size();

template <Worded Enum>
constexpr std::array<Enum, count_of<Enum>> all_values() {
  std::array<Enum, count_of<Enum>> values{};
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = words_table<Enum>.rows()[i].value;
  return values;
}

// Empty for a number that is not a value of the enum.
template <Worded Enum>
constexpr std::string_view to_string(Enum value) {
  for (const auto& row : words_table<Enum>.rows()) {
    if (row.value == value) return row.text;
  }
  return {};
}

template <Worded Enum>
constexpr std::optional<Enum> parse_word(std::string_view text) {
  for (const auto& row : words_table<Enum>.rows()) {
    if (row.text == text) return row.value;
  }
  return std::nullopt;
}

// One element for each value of an enum; only such a value can index it.
template <Worded Enum, class T>
class By {
 public:
  static_assert(words_table<Enum>.from_zero());

  By() = default;
  explicit By(const T& each) { elements_.fill(each); }

  T& operator[](Enum value) { return elements_[static_cast<std::size_t>(value)]; }
  const T& operator[](Enum value) const { return elements_[static_cast<std::size_t>(value)]; }
  auto begin() { return elements_.begin(); }
  auto end() { return elements_.end(); }
  auto begin() const { return elements_.begin(); }
  auto end() const { return elements_.end(); }

 private:
  std::array<T, count_of<Enum>> elements_{};
};

// Some of the values of an enum.
template <Worded Enum>
class SetOf {
 public:
  static_assert(words_table<Enum>.from_zero() && count_of<Enum> <= 32);

  constexpr SetOf() = default;
  constexpr SetOf(std::initializer_list<Enum> values) {
    for (const Enum value : values) add(value);
  }

  constexpr bool has(Enum value) const { return (bits_ & bit(value)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool holds_all_of(SetOf other) const { return (other.bits_ & ~bits_) == 0; }
  constexpr void add(Enum value) { bits_ |= bit(value); }
  constexpr SetOf& operator|=(SetOf other) {
    bits_ |= other.bits_;
    return *this;
  }
  friend constexpr SetOf operator|(SetOf a, SetOf b) { return a |= b; }
  constexpr bool operator==(const SetOf&) const = default;

 private:
  static constexpr std::uint32_t bit(Enum value) {
    return std::uint32_t{1} << static_cast<unsigned>(value);
  }
  std::uint32_t bits_ = 0;
};

// A list for people: "accept, tag, reject".
template <Worded Enum>
std::string all_words() {
  std::string text;
  for (const auto& row : words_table<Enum>.rows()) {
    text.append(text.empty() ? "" : ", ").append(row.text);
  }
  return text;
}

// Their words in the order of the values: "dnsbl,rhsbl".
template <Worded Enum>
std::string joined_words(SetOf<Enum> values, std::string_view between = ",") {
  std::string text;
  for (const Enum value : all_values<Enum>()) {
    if (values.has(value)) text.append(text.empty() ? "" : between).append(to_string(value));
  }
  return text;
}

}  // namespace sekisho
