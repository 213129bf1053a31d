// mail/tag_list.h: `tag=value; tag=value` as DKIM, ARC and key records write it. RFC 6376 §3.2.
// Order is kept; a duplicate tag, a tag without `=`, or a character that the grammar forbids is an
// error, as the whole list is then ignored.
// Errors: ParseError; never throws. Thread: immutable value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace sekisho::mail {

class TagList {
 public:
  struct Tag {
    std::string name;
    std::string value;  // blanks and folds at both ends removed, those inside kept
  };

  static Expected<TagList> parse(std::string_view text);

  const std::vector<Tag>& tags() const { return tags_; }
  // Tag names are case-sensitive (RFC 6376 §3.2).
  std::optional<std::string_view> find(std::string_view name) const;

 private:
  std::vector<Tag> tags_;
};

// The text without blanks and folds: base64 and colon lists are read this way (RFC 6376 §3.2, FWS).
std::string without_blanks(std::string_view text);

}  // namespace sekisho::mail
