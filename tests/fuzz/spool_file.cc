// What a message file says of itself: its trailer, its record, the row that is made of it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "quarantine/tables.h"
#include "spool/message_file.h"
#include "spool/record.h"

using namespace sekisho;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  // What can be read is written in one way only.
  if (const auto trailer = spool::Trailer::parse(octets); trailer && trailer->text() != octets)
    std::abort();
  if (const auto record = spool::Record::parse(octets); record && record->octets() != octets)
    std::abort();
  if (const auto message = quarantine::read_record(octets)) {
    const auto again =
        quarantine::read_record(quarantine::record_of(message->held, message->detail));
    if (!again || !quarantine::is_id(again->held.id)) std::abort();
  }
  return 0;
}
