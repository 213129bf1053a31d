#include "mail/header.h"

#include "base/ascii.h"
#include "mail/limits.h"

namespace sekisho::mail {

std::string_view HeaderField::trimmed_name() const {
  std::string_view trimmed = name;
  while (!trimmed.empty() && ascii::is_blank(trimmed.back())) trimmed.remove_suffix(1);
  return trimmed;
}

bool HeaderField::is(std::string_view field_name) const {
  return ascii::iequals(trimmed_name(), field_name);
}

// RFC 5322 §2.2.3: unfolding removes each CRLF that WSP follows, and leaves the WSP.
std::string HeaderField::unfolded() const {
  std::string out;
  out.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool fold = value[i] == '\r' && i + 2 < value.size() && value[i + 1] == '\n' &&
                      ascii::is_wsp(value[i + 2]);
    if (fold) {
      ++i;
    } else {
      out += value[i];
    }
  }
  return std::string(ascii::trim(out));
}

Header::Added Header::add(HeaderField field) {
  if (fields_.size() >= limits::header_fields) {
    truncated_ = true;
    return Added::too_many_fields;
  }
  const std::size_t octets = field.octets();
  if (truncated_ || octets_ + octets > limits::header_block_octets) {
    truncated_ = true;
    return Added::too_large;
  }
  octets_ += octets;
  fields_.push_back(std::move(field));
  return Added::yes;
}

std::vector<const HeaderField*> Header::all(std::string_view name) const {
  std::vector<const HeaderField*> found;
  for (const auto& field : fields_) {
    if (field.is(name)) found.push_back(&field);
  }
  return found;
}

const HeaderField* Header::first(std::string_view name) const {
  for (const auto& field : fields_) {
    if (field.is(name)) return &field;
  }
  return nullptr;
}

bool name_starts_with(const HeaderField& field, std::string_view prefix) {
  return ascii::istarts_with(field.trimmed_name(), prefix);
}

}  // namespace sekisho::mail
