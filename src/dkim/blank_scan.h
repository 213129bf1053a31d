// dkim/blank_scan.h: finds the blanks that the relaxed form changes (RFC 6376 §3.4.4): a tab, or a
// space before another blank or a CR. Ordinary text has few of them, so 64 octets are compared at a
// time and the rest of the work is done only where one was found.
// Thread: one owner.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sekisho::dkim {

// Bit i is set where text[i] is the octet. `text` has 64 octets.
#if defined(__SSE2__)
inline std::uint64_t positions_of(char octet, const char* text) {
  const __m128i wanted = _mm_set1_epi8(octet);
  std::uint64_t found = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const __m128i part = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text + i * 16));
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(part, wanted)));
    found |= static_cast<std::uint64_t>(mask) << (i * 16);
  }
  return found;
}
#else
inline std::uint64_t positions_of(char octet, const char* text) {
  std::uint64_t found = 0;
  for (unsigned i = 0; i < 64; ++i) {
    found |= static_cast<std::uint64_t>(text[i] == octet) << i;
  }
  return found;
}
#endif

class BlankScan {
 public:
  explicit BlankScan(std::string_view text) : text_(text) {
    if (!text_.empty()) load(0);
  }

  // The first such blank at `from` or later; the size of the text when there is none. A space at
  // the very end counts, as nobody knows what follows it. `from` never goes back.
  std::size_t next(std::size_t from) {
    while (from < text_.size()) {
      if (from >= block_ + block_size) load(from);
      const std::uint64_t ahead = found_ & (~std::uint64_t{0} << (from - block_));
      if (ahead != 0) return block_ + static_cast<std::size_t>(std::countr_zero(ahead));
      from = block_ + block_size;
    }
    return text_.size();
  }

 private:
  static constexpr std::size_t block_size = 64;

  void load(std::size_t from) {
    block_ = from;
    const std::size_t left = text_.size() - from;
    if (left > block_size) {
      found_ = changed_blanks(text_.data() + from, text_[from + block_size]);
      return;
    }
    // The last block is filled up with CR, before which every blank counts.
    std::array<char, block_size> rest;
    rest.fill('\r');
    std::memcpy(rest.data(), text_.data() + from, left);
    found_ = changed_blanks(rest.data(), '\r');
  }

  static std::uint64_t changed_blanks(const char* block, char after) {
    const std::uint64_t tabs = positions_of('\t', block);
    const std::uint64_t spaces = positions_of(' ', block);
    const std::uint64_t special = tabs | spaces | positions_of('\r', block);
    const bool special_after = after == '\t' || after == ' ' || after == '\r';
    return tabs | (spaces & ((special >> 1) | (static_cast<std::uint64_t>(special_after) << 63)));
  }

  std::string_view text_;
  std::size_t block_ = 0;
  std::uint64_t found_ = 0;
};

}  // namespace sekisho::dkim
