#include "dns/answers.h"

#include <array>
#include <utility>

#include "base/ascii.h"

namespace sekisho::dns {

namespace {

constexpr std::array<std::pair<Type, std::string_view>, 6> type_names{{{Type::a, "A"},
                                                                       {Type::cname, "CNAME"},
                                                                       {Type::ptr, "PTR"},
                                                                       {Type::mx, "MX"},
                                                                       {Type::txt, "TXT"},
                                                                       {Type::aaaa, "AAAA"}}};

}  // namespace

std::string_view to_string(Type type) {
  for (const auto& [value, text] : type_names) {
    if (value == type) return text;
  }
  return "TYPE";
}

std::optional<Type> parse_type(std::string_view text) {
  for (const auto& [value, name] : type_names) {
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

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::records:
      return "records";
    case Outcome::nodata:
      return "nodata";
    case Outcome::nxdomain:
      return "nxdomain";
    case Outcome::error:
      return "error";
  }
  return "error";
}

const Answer* Answers::find(const Question& question) const {
  const auto found = known_.find(question);
  return found == known_.end() ? nullptr : found->second.get();
}

}  // namespace sekisho::dns
