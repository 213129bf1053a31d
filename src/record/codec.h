// record/codec.h: one decision as octets, and back, without loss.
//   octets = zstd( CBOR {"v": 2, …} )                                    RFC 8878, 8949
// One frame with its length and a checksum. zstd refers to a dictionary (RFC 8878 §5, raw content),
// which makes records smaller in less time; without the same one a record cannot be read. Enums are
// written as their words (base/words.h). Members equal to their default are not written, and absent
// members read as their default, so members may be added without a new version. A change of a
// member's meaning or default needs a new version.
// Errors: a sentence for a person. Thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "session/decided.h"

namespace sekisho::record {

// 1 had five enums as numbers, and is read too.
inline constexpr int record_version = 2;

// A header has 1 MB at most, and the rest is smaller: a record that claims more is damaged.
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

// The dictionary for new records: a made-up decision, not compressed. Real mail would be kept in it
// beyond its time.
std::string make_dictionary();

}  // namespace sekisho::record
