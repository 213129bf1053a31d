#include "spool/parts.h"

#include <utility>

#include "spool/record.h"

namespace sekisho::spool {

FileRecord write_parts(std::vector<Part> parts, std::string_view first) {
  if (parts.size() == 1 && parts.front().tables == first)
    return {1, std::move(parts.front().record)};
  Record record;
  for (const auto& part : parts) record.add(part.tables, part.record);
  return {2, record.octets()};
}

Outcome<std::vector<Part>> read_parts(const FileRecord& record, std::string_view first) {
  if (record.version == 1) return std::vector<Part>{{std::string(first), record.octets}};
  const auto parts = Record::parse(record.octets);
  if (!parts || parts->fields().empty())
    return failed(Failure::Kind::damaged, "the record of a message file has no parts");
  std::vector<Part> read;
  for (const auto& [tables, octets] : parts->fields()) read.push_back({tables, octets});
  return read;
}

}  // namespace sekisho::spool
