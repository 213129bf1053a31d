#include "mail/name_pattern.h"

#include <algorithm>

#include "base/ascii.h"

namespace sekisho::mail {

namespace {

bool iends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && ascii::iequals(text.substr(text.size() - end.size()), end);
}

bool icontains(std::string_view text, std::string_view part) {
  const auto same = [](char a, char b) { return ascii::to_lower(a) == ascii::to_lower(b); };
  return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

std::string_view domain_of(std::string_view name) {
  const auto at = name.rfind('@');
  return at == std::string_view::npos ? name : name.substr(at + 1);
}

// A * matches any characters; after a mismatch the last * takes one character more.
bool matches_pattern(std::string_view text, std::string_view pattern) {
  std::size_t at = 0;
  std::size_t in_pattern = 0;
  std::size_t star = std::string_view::npos;
  std::size_t taken = 0;
  while (at < text.size()) {
    if (in_pattern < pattern.size() && pattern[in_pattern] == '*') {
      star = in_pattern++;
      taken = at;
    } else if (in_pattern < pattern.size() &&
               ascii::to_lower(pattern[in_pattern]) == ascii::to_lower(text[at])) {
      ++in_pattern;
      ++at;
    } else if (star != std::string_view::npos) {
      in_pattern = star + 1;
      at = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', in_pattern) == std::string_view::npos;
}

}  // namespace

Expected<NamePattern> NamePattern::parse(std::string_view text) {
  const bool in_brackets = text.starts_with('<') && text.ends_with('>') && text.size() >= 2;
  if (in_brackets) return NamePattern(Form::whole, text.substr(1, text.size() - 2));
  if (text.empty()) return NamePattern();
  if (text.starts_with('~')) {
    if (text.size() == 1) return parse_error("~ and no text");
    return NamePattern(Form::part, text.substr(1));
  }
  if (text.find('*') != std::string_view::npos) return NamePattern(Form::pattern, text);
  const auto at = text.rfind('@');
  const bool domain = at == std::string_view::npos || at == 0;
  if (!domain) {
    if (at + 1 == text.size()) {
      return parse_error("no domain after the @: write " + std::string(text) + "* or ~" +
                         std::string(text));
    }
    return NamePattern(Form::whole, text);
  }
  if (at == 0) text.remove_prefix(1);
  const bool below = text.starts_with('.') && text.size() > 1;
  if (below) return NamePattern(Form::below, text);
  // "taro" alone is not a domain, and would silently match nothing.
  if (at != 0 && text.find('.') == std::string_view::npos) {
    return parse_error("\"" + std::string(text) + "\" is no address and no domain: write ~" +
                       std::string(text) + " for a part, or *" + std::string(text) + "*");
  }
  if (text.empty() || text == ".") return parse_error("no domain");
  return NamePattern(Form::domain, text);
}

bool NamePattern::matches(std::string_view name) const {
  switch (form_) {
    case Form::any:
      return true;
    case Form::whole:
      return ascii::iequals(name, text_);
    case Form::domain:
      return ascii::iequals(domain_of(name), text_);
    case Form::below:
      return iends_with(domain_of(name), text_) && domain_of(name).size() > text_.size();
    case Form::pattern:
      return matches_pattern(name, text_);
    case Form::part:
      return icontains(name, text_);
  }
  return false;
}

std::string_view NamePattern::certain_part() const {
  if (form_ != Form::pattern) return text_;
  std::string_view longest;
  for (std::string_view rest = text_; !rest.empty();) {
    const auto star = std::min(rest.find('*'), rest.size());
    if (star > longest.size()) longest = rest.substr(0, star);
    rest.remove_prefix(std::min(star + 1, rest.size()));
  }
  return longest;
}

}  // namespace sekisho::mail
