// mail/content_field.h: Content-Type and Content-Disposition: a value and its parameters. RFC 2045
// §5.1, RFC 2183, RFC 2231 (continuations, charsets), lenient: a parameter that cannot be read is
// skipped, and encoded words in a file name, which RFC 2047 §5 forbids but many programs write, are
// decoded.
// Errors: nothing; never throws but for memory. Linear. Thread: immutable values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::mail {

class ContentField {
 public:
  // The value of the field, unfolded. At most 64 parameters are read.
  explicit ContentField(std::string_view text);

  // "text/plain", "attachment"; in lower case.
  const std::string& value() const { return value_; }
  // As written, without quotes; empty if there is none. Of two with the same name, the first.
  std::string_view parameter(std::string_view name) const;
  // As UTF-8 for people.
  std::string readable_parameter(std::string_view name) const;

 private:
  std::string value_;
  std::vector<std::pair<std::string, std::string>> parameters_;  // names in lower case
};

}  // namespace sekisho::mail
