#include "base/terminal_text.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>

#include "base/encoding.h"
#include "base/utf8.h"

namespace sekisho {

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Unicode 15 East_Asian_Width W and F, and emoji that terminals show wide; neighbours joined where
// the gap is unassigned.
constexpr std::array wide = {
    Range{0x1100, 0x115e},   Range{0x231a, 0x231b},   Range{0x2329, 0x232a},
    Range{0x23e9, 0x23ec},   Range{0x23f0, 0x23f0},   Range{0x23f3, 0x23f3},
    Range{0x25fd, 0x25fe},   Range{0x2614, 0x2615},   Range{0x2648, 0x2653},
    Range{0x267f, 0x267f},   Range{0x2693, 0x2693},   Range{0x26a1, 0x26a1},
    Range{0x26aa, 0x26ab},   Range{0x26bd, 0x26be},   Range{0x26c4, 0x26c5},
    Range{0x26ce, 0x26ce},   Range{0x26d4, 0x26d4},   Range{0x26ea, 0x26ea},
    Range{0x26f2, 0x26f3},   Range{0x26f5, 0x26f5},   Range{0x26fa, 0x26fa},
    Range{0x26fd, 0x26fd},   Range{0x2705, 0x2705},   Range{0x270a, 0x270b},
    Range{0x2728, 0x2728},   Range{0x274c, 0x274c},   Range{0x274e, 0x274e},
    Range{0x2753, 0x2755},   Range{0x2757, 0x2757},   Range{0x2795, 0x2797},
    Range{0x27b0, 0x27b0},   Range{0x27bf, 0x27bf},   Range{0x2b1b, 0x2b1c},
    Range{0x2b50, 0x2b50},   Range{0x2b55, 0x2b55},   Range{0x2e80, 0x303e},
    Range{0x3041, 0x33ff},   Range{0x3400, 0x4dbf},   Range{0x4e00, 0xa4cf},
    Range{0xa960, 0xa97c},   Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},
    Range{0xfe10, 0xfe19},   Range{0xfe30, 0xfe6b},   Range{0xff01, 0xff60},
    Range{0xffe0, 0xffe6},   Range{0x16fe0, 0x18cff}, Range{0x1aff0, 0x1b2ff},
    Range{0x1f004, 0x1f004}, Range{0x1f0cf, 0x1f0cf}, Range{0x1f18e, 0x1f18e},
    Range{0x1f191, 0x1f19a}, Range{0x1f200, 0x1f320}, Range{0x1f32d, 0x1f64f},
    Range{0x1f680, 0x1f6ff}, Range{0x1f7e0, 0x1f7f0}, Range{0x1f900, 0x1faff},
    Range{0x20000, 0x3fffd}};

// Marks that combine with the character before them (general category Mn and Me of scripts in use).
constexpr std::array combining = {
    Range{0x0300, 0x036f}, Range{0x0483, 0x0489}, Range{0x0591, 0x05bd}, Range{0x05bf, 0x05bf},
    Range{0x05c1, 0x05c2}, Range{0x05c4, 0x05c5}, Range{0x05c7, 0x05c7}, Range{0x0610, 0x061a},
    Range{0x064b, 0x065f}, Range{0x0670, 0x0670}, Range{0x06d6, 0x06dc}, Range{0x06df, 0x06e4},
    Range{0x06e7, 0x06e8}, Range{0x06ea, 0x06ed}, Range{0x0711, 0x0711}, Range{0x0730, 0x074a},
    Range{0x0900, 0x0902}, Range{0x093a, 0x093a}, Range{0x093c, 0x093c}, Range{0x0941, 0x0948},
    Range{0x094d, 0x094d}, Range{0x0951, 0x0957}, Range{0x0962, 0x0963}, Range{0x0981, 0x0981},
    Range{0x09bc, 0x09bc}, Range{0x09c1, 0x09c4}, Range{0x09cd, 0x09cd}, Range{0x0a01, 0x0a02},
    Range{0x0a3c, 0x0a51}, Range{0x0abc, 0x0abc}, Range{0x0ac1, 0x0ac8}, Range{0x0acd, 0x0acd},
    Range{0x0b3c, 0x0b3c}, Range{0x0b4d, 0x0b4d}, Range{0x0bcd, 0x0bcd}, Range{0x0c4a, 0x0c56},
    Range{0x0ccc, 0x0ccd}, Range{0x0d4d, 0x0d4d}, Range{0x0e31, 0x0e31}, Range{0x0e34, 0x0e3a},
    Range{0x0e47, 0x0e4e}, Range{0x0eb1, 0x0eb1}, Range{0x0eb4, 0x0ebc}, Range{0x0ec8, 0x0ecd},
    Range{0x1ab0, 0x1aff}, Range{0x1dc0, 0x1dff}, Range{0x20d0, 0x20f0}, Range{0x3099, 0x309a},
    Range{0xfe20, 0xfe2f}};

// Invisible characters, or those that look like a blank but are none.
constexpr std::array invisible = {
    Range{0x00ad, 0x00ad},   Range{0x034f, 0x034f},   Range{0x115f, 0x1160},
    Range{0x17b4, 0x17b5},   Range{0x180b, 0x180f},   Range{0x200b, 0x200f},
    Range{0x2028, 0x202e},   Range{0x2060, 0x206f},   Range{0x2800, 0x2800},
    Range{0x3164, 0x3164},   Range{0xd800, 0xdfff},   Range{0xe000, 0xf8ff},
    Range{0xfe00, 0xfe0f},   Range{0xfeff, 0xfeff},   Range{0xffa0, 0xffa0},
    Range{0xfff0, 0xfffb},   Range{0xfffe, 0xffff},   Range{0x1bca0, 0x1bca3},
    Range{0x1d173, 0x1d17a}, Range{0xe0000, 0x10ffff}};

template <std::size_t n>
constexpr bool contains(const std::array<Range, n>& ranges, char32_t code_point) {
  const auto* found =
      std::lower_bound(ranges.begin(), ranges.end(), code_point,
                       [](const Range& range, char32_t wanted) { return range.last < wanted; });
  return found != ranges.end() && found->first <= code_point;
}

// Languages put two or three marks on a letter; more serve to paint over other lines.
constexpr unsigned most_marks = 4;

// One character as it is shown.
struct Shown {
  std::string text;
  std::size_t columns = 0;
  std::size_t octets = 1;  // of the source
};

class Characters {
 public:
  Characters(std::string_view text, Charset charset) : rest_(text), charset_(charset) {}
  bool done() const { return rest_.empty(); }
  char front() const { return rest_.front(); }

  Shown next() {
    const auto character = first_utf8_character(rest_);
    const std::size_t octets = character ? character->octets : 1;
    const std::string_view source = rest_.substr(0, octets);
    rest_.remove_prefix(octets);
    if (character && may_show(character->code_point)) {
      return {std::string(source), columns_of(character->code_point), octets};
    }
    std::string escaped;
    const std::string hex = hex_encode(source);
    for (std::size_t i = 0; i < hex.size(); i += 2) escaped += "\\x" + hex.substr(i, 2);
    const std::size_t columns = escaped.size();
    return {std::move(escaped), columns, octets};
  }

 private:
  bool may_show(char32_t code_point) {
    if (code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f) || code_point == U'\\')
      return false;
    if (code_point < 0x7f) {
      marks_ = 0;
      return true;
    }
    if (charset_ == Charset::ascii || is_bidi_control(code_point) ||
        contains(invisible, code_point))
      return false;
    marks_ = contains(combining, code_point) ? marks_ + 1 : 0;
    return marks_ <= most_marks;
  }

  std::string_view rest_;
  Charset charset_;
  unsigned marks_ = most_marks;  // no character yet that could take a mark
};

// The number of characters at the front that are plain ASCII, of one column each.
std::size_t plain_characters(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && text[count] >= ' ' && text[count] < '\x7f' && text[count] != '\\')
    ++count;
  return count;
}

// Appends printable(); returns its columns.
std::size_t append_printable(std::string& out, std::string_view text, std::size_t columns,
                             Charset charset) {
  const std::string_view more = charset == Charset::utf8 ? "…" : "~";
  // Most texts are plain, and need no check of each character.
  const std::size_t plain = plain_characters(text.substr(0, columns));
  if (plain == text.size()) {
    out += text;
    return plain;
  }
  if (plain > 0 && plain == columns && plain_characters(text.substr(plain, 1)) == 1) {
    out.append(text.substr(0, columns - 1)).append(more);
    return columns;
  }
  const std::size_t begin = out.size();
  std::size_t used = 0;
  // Where to cut if not all fits.
  std::size_t cut = begin;
  std::size_t used_at_cut = 0;
  Characters characters(text, charset);
  while (!characters.done()) {
    const Shown shown = characters.next();
    if (used + shown.columns > columns) {
      out.resize(cut);
      if (columns == 0) return 0;
      out += more;
      return used_at_cut + 1;
    }
    out += shown.text;
    used += shown.columns;
    if (used + 1 <= columns) {
      cut = out.size();
      used_at_cut = used;
    }
  }
  return used;
}

}  // namespace

unsigned columns_of(char32_t code_point) {
  if (code_point < combining.front().first) return 1;
  if (contains(combining, code_point)) return 0;
  return contains(wide, code_point) ? 2 : 1;
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const auto character = first_utf8_character(text);
    columns += character ? columns_of(character->code_point) : 1;
    text.remove_prefix(character ? character->octets : 1);
  }
  return columns;
}

std::string printable(std::string_view text, std::size_t columns, Charset charset) {
  std::string out;
  append_printable(out, text, columns, charset);
  return out;
}

void append_cell(std::string& out, std::string_view text, std::size_t columns, Charset charset) {
  out.append(columns - append_printable(out, text, columns, charset), ' ');
}

void append_uncut_cell(std::string& out, std::string_view text, std::size_t columns,
                       Charset charset) {
  const std::size_t used =
      append_printable(out, text, std::numeric_limits<std::size_t>::max(), charset);
  if (used < columns) out.append(columns - used, ' ');
}

std::string cell(std::string_view text, std::size_t columns, Charset charset) {
  std::string out;
  append_cell(out, text, columns, charset);
  return out;
}

std::string printable_lines(std::string_view text, Charset charset) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t feed = text.find('\n');
    std::string_view line = text.substr(0, feed);
    const bool ended = feed != std::string_view::npos;
    text.remove_prefix(ended ? feed + 1 : text.size());
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (!line.empty()) {
      const std::size_t tab = line.find('\t');
      out += printable(line.substr(0, tab), std::numeric_limits<std::size_t>::max(), charset);
      if (tab != std::string_view::npos) out += '\t';
      line.remove_prefix(tab == std::string_view::npos ? line.size() : tab + 1);
    }
    if (ended) out += '\n';
  }
  return out;
}

std::string folded(std::string_view text, std::size_t columns, std::size_t indent) {
  std::string out;
  std::size_t used = 0;
  bool begun = false;  // this line has a word already
  while (!text.empty()) {
    if (text.front() == '\n') {
      out += '\n';
      text.remove_prefix(1);
      used = 0;
      begun = false;
      continue;
    }
    const std::size_t blanks = std::min(text.find_first_not_of(' '), text.size());
    const std::size_t end = std::min(text.find_first_of(" \n", blanks), text.size());
    const std::string_view word = text.substr(blanks, end - blanks);
    text.remove_prefix(end);
    const std::size_t width = columns_of(word);
    if (begun && !word.empty() && used + blanks + width > columns) {
      out.append("\n").append(indent, ' ');
      used = indent;
    } else {
      out.append(blanks, ' ');
      used += blanks;
    }
    out += word;
    used += width;
    begun = true;
  }
  return out;
}

}  // namespace sekisho
