#include "dkim/signed_header.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

namespace sekisho::dkim {

namespace {

// The MTA removed one space, and it was put back. Where there is a second one, there were two;
// otherwise there was one or none.
bool is_doubtful(const mail::HeaderField& field) {
  return field.value.starts_with(' ') && !field.value.starts_with("  ");
}

// A signer that folds at once, or writes a tab or nothing, usually writes no space before it.
bool is_likely_without(const mail::HeaderField& field) {
  return field.value.size() == 1 || field.value[1] == '\t' || field.value[1] == '\r';
}

// The symmetric difference of `places` and `all`.
std::vector<std::size_t> toggled(const std::vector<std::size_t>& places,
                                 const std::vector<std::size_t>& all) {
  std::vector<std::size_t> out;
  std::set_symmetric_difference(places.begin(), places.end(), all.begin(), all.end(),
                                std::back_inserter(out));
  return out;
}

}  // namespace

SignedHeader::SignedHeader(const Signature& signature, const mail::HeaderField& field,
                           const FieldIndex& index)
    : form_(signature.header_form), fields_(index.select(signature.signed_fields, &field)) {
  fields_.push_back(&field);
}

std::string SignedHeader::spelled(const Places& without) const {
  std::string out;
  out.reserve(2048);
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const mail::HeaderField& field = *fields_[i];
    const bool cut = std::binary_search(without.begin(), without.end(), i);
    const std::string_view value = std::string_view(field.value).substr(cut ? 1 : 0);
    if (i + 1 < fields_.size()) {
      append_canonical_field(form_, field.name, value, out);
      continue;
    }
    const auto [before, after] = around_signature(value);
    append_canonical_field(form_, field.name, std::string(before).append(after), out);
    out.resize(out.size() - 2);
  }
  return out;
}

std::vector<std::string> SignedHeader::other_spellings() const {
  std::vector<std::string> out;
  if (form_ != Canonicalisation::simple) return out;
  Places doubtful;
  Places likely;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (!is_doubtful(*fields_[i])) continue;
    doubtful.push_back(i);
    if (is_likely_without(*fields_[i])) likely.push_back(i);
  }
  std::vector<Places> known{{}};  // as received
  const auto add = [&](const Places& places) {
    const bool is_new = std::find(known.begin(), known.end(), places) == known.end();
    if (!is_new || known.size() == max_spellings) return;
    known.push_back(places);
    out.push_back(spelled(places));
  };
  add(likely);
  add(doubtful);
  // The signature itself is the work of another program.
  if (!doubtful.empty() && doubtful.back() + 1 == fields_.size()) {
    add(Places(doubtful.begin(), doubtful.end() - 1));
  }
  // One field that differs from the rest, then two, as far as the bound allows.
  const std::array<Places, 2> usual{likely, {}};
  for (const auto& places : usual) {
    for (const std::size_t one : doubtful) add(toggled(places, {one}));
  }
  for (const auto& places : usual) {
    for (auto one = doubtful.begin(); one != doubtful.end(); ++one) {
      if (known.size() == max_spellings) return out;
      for (auto two = one + 1; two != doubtful.end(); ++two) add(toggled(places, {*one, *two}));
    }
  }
  return out;
}

}  // namespace sekisho::dkim
