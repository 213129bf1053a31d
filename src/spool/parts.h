// spool/parts.h: the parts of a store's tables in the record of a message file. A message that only
// the first tables have has their record unchanged, as in all files of versions with one table; any
// other has a Record with a field for each part.
// Errors: Failure `damaged` for a record not written by write_parts(). Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spool/failure.h"

namespace sekisho::spool {

// All that one Tables object needs for its row of a message. No other code reads the record.
struct Part {
  std::string tables;  // Tables::name()
  std::string record;
  bool operator==(const Part&) const = default;
};

// `version` is that of the file: 1 for one part of the first tables, else 2.
struct FileRecord {
  unsigned version = 1;
  std::string octets;
  bool operator==(const FileRecord&) const = default;
};

// A message as described by its file.
struct Filed {
  std::string key;
  FileRecord record;
  std::uint64_t size = 0;  // octets of the message
};

// `first`: the name of the store's first tables.
FileRecord write_parts(std::vector<Part> parts, std::string_view first);
Outcome<std::vector<Part>> read_parts(const FileRecord& record, std::string_view first);

}  // namespace sekisho::spool
