// spool/checksum.h: CRC-32 (ISO 3309, the polynomial of zlib and of gzip) over octets that arrive
// in pieces. It detects damage by a disk, not changes by an attacker. Eight tables: 1 GB/s and
// more.
// Thread: one owner.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sekisho::spool {

class Crc32 {
 public:
  void update(std::string_view octets);
  std::uint32_t value() const { return ~state_; }

 private:
  std::uint32_t state_ = 0xFFFFFFFFU;
};

}  // namespace sekisho::spool
