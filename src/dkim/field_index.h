// dkim/field_index.h: finds the header fields that the h= of a signature selects. RFC 6376 §5.4.2:
// a name stands for the last field of that name, the same name again for the one above it, and for
// no field once all are used. n log n in the number of fields, whatever h= has.
// Errors: none. Thread: one owner; the header must outlive it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "mail/header.h"

namespace sekisho::dkim {

class FieldIndex {
 public:
  explicit FieldIndex(const mail::Header& header);

  // The fields that `names` (lower-case) stand for, in that order. `except` is the signature
  // itself, which its own h= never selects (§3.5 h=).
  std::vector<const mail::HeaderField*> select(const std::vector<std::string>& names,
                                               const mail::HeaderField* except) const;

 private:
  std::vector<const mail::HeaderField*> by_name_;  // of one name: the last in the header first
};

}  // namespace sekisho::dkim
