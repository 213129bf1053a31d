// mail/header.h: header fields as they stood in the message, octet by octet. RFC 5322 §2.2.
// Thread: one owner.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {

// One field. The octets of the message were `name` + ":" + `value` + CRLF. `value` keeps the blank
// after the colon and its folds, as CRLF; `name` keeps blanks before the colon (obsolete syntax,
// RFC 5322 §4.5).
struct HeaderField {
  std::string name;
  std::string value;

  // The name without blanks before the colon: a reader that skips them sees this field.
  std::string_view trimmed_name() const;
  // Compares trimmed_name() without regard to case.
  bool is(std::string_view field_name) const;
  // The value with folds removed (CRLF before WSP) and blanks trimmed at both ends.
  std::string unfolded() const;
  // Octets in the message, colon and CRLF included.
  std::size_t octets() const { return name.size() + value.size() + 3; }
  bool operator==(const HeaderField&) const = default;
};

// The header of a message, top to bottom, within the limits of mail/limits.h.
class Header {
 public:
  enum class Added { yes, too_many_fields, too_large };

  // A field that breaks a limit is not kept, nor is any later one: see truncated().
  Added add(HeaderField field);
  const std::vector<HeaderField>& fields() const { return fields_; }
  std::size_t octets() const { return octets_; }
  bool truncated() const { return truncated_; }
  // For a header out of a record, which lacks the fields beyond the limits.
  void mark_truncated() { truncated_ = true; }

  // Fields of that name, top to bottom.
  std::vector<const HeaderField*> all(std::string_view name) const;
  const HeaderField* first(std::string_view name) const;
  bool has(std::string_view name) const { return first(name) != nullptr; }

 private:
  std::vector<HeaderField> fields_;
  std::size_t octets_ = 0;
  bool truncated_ = false;
};

// Whether a field name starts with `prefix`, without regard to case ("List-").
bool name_starts_with(const HeaderField& field, std::string_view prefix);

}  // namespace sekisho::mail
