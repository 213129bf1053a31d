// spool/record.h: named texts as octets, for the record of a message file. Lossless for any octets:
// names are fixed words of the program, values have a length.
//   "subject 5\nHello\n"
// Errors: nullopt for other octets; never throws but for memory.
// Thread: one owner.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sekisho::spool {

class Record {
 public:
  // A name is a word of a-z and "_". A name may occur more than once.
  Record& add(std::string_view name, std::string_view value);
  // The first value of that name; empty when there is none.
  std::string_view get(std::string_view name) const;
  std::vector<std::string> all(std::string_view name) const;
  // Names and values, in their order.
  const std::vector<std::pair<std::string, std::string>>& fields() const { return fields_; }

  std::string octets() const;
  static std::optional<Record> parse(std::string_view octets);
  bool operator==(const Record&) const = default;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace sekisho::spool
