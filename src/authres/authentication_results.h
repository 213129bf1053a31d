// authres/authentication_results.h: the Authentication-Results field: its parts, its text, and
// reading it. RFC 8601 §2.2.
// Thread: immutable values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sekisho::authres {

struct Property {
  std::string type;  // smtp, header, body, policy
  std::string name;  // mailfrom, d, …
  std::string value;
  bool operator==(const Property&) const = default;
};

struct MethodResult {
  std::string method;  // spf, dkim, …
  unsigned version = 1;
  std::string result;   // pass, …
  std::string comment;  // written as (…) after the result; never read back
  std::string reason;   // reason="…"
  std::vector<Property> properties;
  bool operator==(const MethodResult&) const = default;
};

struct AuthenticationResults {
  std::string authserv_id;
  std::string id_comment;  // written as (id=…) after the authserv-id; never read back
  unsigned version = 1;
  std::vector<MethodResult> results;  // empty: `; none`
};

// The field's value, without the name and colon: starts with a blank, folded with CRLF + TAB so
// that no line is longer than 78 octets where it can be folded. Values that are not tokens are
// quoted; octets that could end the field or a comment (control characters, invalid UTF-8) are
// dropped.
std::string write(const AuthenticationResults& field);

enum class Syntax {
  strict,   // RFC 8601
  lenient,  // deviations that occur: stray semicolons, unknown ptypes, unquoted values
};

// From a field's value. Comments are dropped, keywords lower-cased, quoted strings unquoted.
Expected<AuthenticationResults> parse(std::string_view value, Syntax syntax);

// Whether a reader could take this inbound field for one of the server `id`: the id compared
// without case, also quoted, with comments, folds, a version or a final dot, as U-labels or
// A-labels, or in text that is otherwise malformed (RFC 8601 §5).
bool could_be_from(std::string_view value, std::string_view id);

}  // namespace sekisho::authres
