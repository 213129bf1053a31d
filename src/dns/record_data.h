// dns/record_data.h: the data of one record of a zone, from the labels of its names or from its
// octets. RFC 1035 §3.3, RFC 3597 §4 and §5.
// Errors: nullopt if it is malformed. Thread: immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dns/answers.h"

namespace sekisho::dns {

struct SoaData {
  std::uint32_t minimum;
};
// A type that we do not ask for: we only keep that its owner exists.
struct OtherData {};
// The target of a CNAME; nullopt if no question can ask for it: the root, or a name with a dot
// inside a label.
struct AliasData {
  std::optional<Name> target;
  std::string text;  // as codec.h writes names; "" is the root
};
// One record's data; a string is the text of a TXT or the target of a PTR.
using RecordData = std::variant<OtherData, SoaData, AliasData, mail::IpAddress, Mx, std::string>;

// As a question asks for it; nothing for the root, and where a label holds a dot.
std::optional<Name> name_of(const std::vector<std::string>& labels);
// As codec.h writes the targets of MX and PTR: "" is the root.
std::string target_text(const std::vector<std::string>& labels);
// Of a CNAME or a PTR.
RecordData target_data(Type type, const std::vector<std::string>& labels);
// RDATA as a packet has it, names uncompressed; nullopt if it is not of that type.
std::optional<RecordData> data_of_wire(Type type, std::string_view octets);
std::optional<std::string> octets_of_hex(std::string_view digits);

}  // namespace sekisho::dns
