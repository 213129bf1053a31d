// dkim/blank_scan.h: finds the blanks that the relaxed form changes (RFC 6376 §3.4.4): a tab, or a
// space before another blank or a CR. Ordinary text has few of them, so 64 octets are compared at a
// time and the rest of the work is done only where one was found.
// Thread: one owner.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace sekisho::dkim {

// Bit i is set where text[i] is a tab, or a space before an octet that is no greater than a space.
// One comparison thus finds a following blank or CR; it also finds other control octets, which does
// no harm. `text` has 65 octets.
#if defined(__SSE2__)
inline std::uint64_t changed_blanks(const char* text) {
  const __m128i tab = _mm_set1_epi8('\t');
  const __m128i space = _mm_set1_epi8(' ');
  const auto load = [](const char* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  };
  std::uint64_t found = 0;
  for (unsigned i = 0; i < 64; i += 16) {
    const __m128i here = load(text + i);
    const __m128i next = load(text + i + 1);
    const __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(next, space), next);
    const __m128i changed =
        _mm_or_si128(_mm_cmpeq_epi8(here, tab), _mm_and_si128(_mm_cmpeq_epi8(here, space), low));
    found |= static_cast<std::uint64_t>(static_cast<unsigned>(_mm_movemask_epi8(changed))) << i;
  }
  return found;
}
#else
inline std::uint64_t changed_blanks(const char* text) {
  std::uint64_t found = 0;
  for (unsigned i = 0; i < 64; ++i) {
    const bool low = static_cast<unsigned char>(text[i + 1]) <= ' ';
    found |= static_cast<std::uint64_t>(text[i] == '\t' || (text[i] == ' ' && low)) << i;
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
  // the very end counts, because the next octet is not known. `from` must never decrease.
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
      found_ = changed_blanks(text_.data() + from);
      return;
    }
    // The last block is filled up with CR, before which every blank counts.
    std::array<char, block_size + 1> rest;
    rest.fill('\r');
    std::copy_n(text_.data() + from, left, rest.data());
    found_ = changed_blanks(rest.data());
  }

  std::string_view text_;
  std::size_t block_ = 0;
  std::uint64_t found_ = 0;
};

}  // namespace sekisho::dkim
