#include "dns/answers.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/ascii.h"

namespace sekisho::dns {

namespace {

// A message with lists asks about twenty.
constexpr std::size_t usual_questions = 24;

}  // namespace

std::optional<Type> parse_type(std::string_view text) {
  for (const auto& [value, name] : words_table<Type>.rows()) {
    if (ascii::iequals(text, name)) return value;
  }
  return std::nullopt;
}

std::string to_string(const Question& question) {
  std::string text = question.name.text();
  text += ' ';
  text += to_string(question.type);
  return text;
}

std::size_t Answers::place_of(const Question& question) const {
  const auto hash = QuestionHash{}(question);
  auto at = hashes_.begin();
  for (;;) {
    at = std::find(at, hashes_.end(), hash);
    const auto place = static_cast<std::size_t>(at - hashes_.begin());
    if (at == hashes_.end() || known_[place].first == question) return place;
    ++at;
  }
}

const AnswerPtr& Answers::get(const Question& question) const {
  static const AnswerPtr unknown;
  const auto place = place_of(question);
  return place == size() ? unknown : known_[place].second;
}

void Answers::add(const Question& question, AnswerPtr answer) {
  const auto place = place_of(question);
  if (place < size()) {
    known_[place].second = std::move(answer);
    return;
  }
  // Allocations that can fail come first: a row without its hash would shift the hashes of all
  // later rows.
  if (hashes_.size() == hashes_.capacity()) {
    hashes_.reserve(std::max(std::size_t{usual_questions}, 2 * hashes_.size()));
  }
  if (known_.empty()) known_.reserve(usual_questions);
  known_.emplace_back(question, std::move(answer));
  hashes_.push_back(QuestionHash{}(question));
}

void Answers::forget(const Question& question) {
  const auto place = place_of(question);
  if (place == size()) return;
  known_.erase(known_.begin() + static_cast<std::ptrdiff_t>(place));
  hashes_.erase(hashes_.begin() + static_cast<std::ptrdiff_t>(place));
}

}  // namespace sekisho::dns
