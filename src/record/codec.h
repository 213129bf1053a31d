// record/codec.h: one decision as octets, and back, exactly: what was read is what was decided.
//   octets = zstd( CBOR {"v": 1, …} )                                    RFC 8878, 8949
// One frame that tells its length and has a checksum. zstd refers to a dictionary (RFC 8878 §5, raw
// content), which makes records smaller in less time; without the same one a record cannot be read.
// Enums are written as their words (base/words.h). A member that is missing keeps its default: one
// that has it is not written, and a record may gain members within its version. A member that
// changes its meaning or its default makes a new version. Errors: a sentence for a person. Thread:
// any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "session/decided.h"

namespace sekisho::record {

inline constexpr int record_version = 1;

// A header has 1 MB at most, and the rest is smaller: what claims to be larger is damaged.
inline constexpr std::uint32_t max_record_octets = 64U * 1024 * 1024;

// Thread: one owner.
class Encoder {
 public:
  // Empty: none.
  explicit Encoder(std::string_view dictionary = {});
  ~Encoder();
  std::string encode(const session::Decided& decided);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
};

Expected<session::Decided> decode(std::string_view octets, std::string_view dictionary = {});

// What new records should refer to: a decision of nobody, not compressed. Not of real mail, which
// would outlive its time in it.
std::string make_dictionary();

}  // namespace sekisho::record
