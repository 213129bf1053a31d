#include "spool/checksum.h"

namespace sekisho::spool {

namespace {

using Tables = std::array<std::array<std::uint32_t, 256>, 8>;

// tables[0] is the effect of one octet; tables[k] that of one octet with k octets of zero after it.
constexpr Tables make_tables() {
  constexpr std::uint32_t polynomial = 0xEDB88320U;  // reflected
  Tables tables{};
  for (std::uint32_t octet = 0; octet < 256; ++octet) {
    std::uint32_t value = octet;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? polynomial : 0);
    tables[0][octet] = value;
  }
  for (std::size_t k = 1; k < 8; ++k) {
    for (std::size_t octet = 0; octet < 256; ++octet) {
      const std::uint32_t before = tables[k - 1][octet];
      tables[k][octet] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}

constexpr Tables tables = make_tables();

std::uint32_t little_endian(const unsigned char* at) {
  return static_cast<std::uint32_t>(at[0]) | static_cast<std::uint32_t>(at[1]) << 8 |
         static_cast<std::uint32_t>(at[2]) << 16 | static_cast<std::uint32_t>(at[3]) << 24;
}

}  // namespace

void Crc32::update(std::string_view octets) {
  const auto* at = reinterpret_cast<const unsigned char*>(octets.data());
  const auto* const end = at + octets.size();
  std::uint32_t state = state_;
  for (; end - at >= 8; at += 8) {
    const std::uint32_t low = little_endian(at) ^ state;
    const std::uint32_t high = little_endian(at + 4);
    state = tables[7][low & 0xFF] ^ tables[6][(low >> 8) & 0xFF] ^ tables[5][(low >> 16) & 0xFF] ^
            tables[4][low >> 24] ^ tables[3][high & 0xFF] ^ tables[2][(high >> 8) & 0xFF] ^
            tables[1][(high >> 16) & 0xFF] ^ tables[0][high >> 24];
  }
  for (; at != end; ++at) state = (state >> 8) ^ tables[0][(state ^ *at) & 0xFF];
  state_ = state;
}

}  // namespace sekisho::spool
