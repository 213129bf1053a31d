#include "dkim/canonical.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/ascii.h"
#include "dkim/blank_scan.h"

namespace sekisho::dkim {

namespace {

// Whether a fold (CRLF before a blank) starts at `at`.
bool is_fold(std::string_view text, std::size_t at) {
  return at + 2 < text.size() && text[at] == '\r' && text[at + 1] == '\n' &&
         ascii::is_wsp(text[at + 2]);
}

// §3.4.2: unfolded, each run of blanks one space, none at either end.
void append_relaxed_value(std::string_view value, std::string& out) {
  const std::size_t start = out.size();
  bool blank = false;
  std::size_t i = 0;
  while (i < value.size()) {
    if (ascii::is_wsp(value[i])) {
      blank = true;
      ++i;
      continue;
    }
    if (is_fold(value, i)) {
      blank = true;
      i += 3;
      continue;
    }
    std::size_t word_end = i + 1;
    while (word_end < value.size() && !ascii::is_blank(value[word_end])) ++word_end;
    if (blank && out.size() > start) out += ' ';
    blank = false;
    out.append(value, i, word_end - i);
    i = word_end;
  }
}

// Collects short pieces of `source`, so that neither the next stage nor the digest is called for
// every word; lives as long as one call.
class PieceBuffer {
 public:
  PieceBuffer(TrailingLines& next, std::string_view source)
      : next_(next), source_end_(source.data() + source.size()) {}
  PieceBuffer(const PieceBuffer&) = delete;
  PieceBuffer& operator=(const PieceBuffer&) = delete;

  void add(std::string_view piece) {
    if (piece.size() > capacity - used_) flush();
    char* const end = buffer_.data() + used_;
    const auto readable = static_cast<std::size_t>(source_end_ - piece.data());
    if (piece.size() <= word && readable >= word) {
      // Always copies a whole word: a copy of constant length costs a fraction of a call, and the
      // next copy overwrites the surplus.
      std::copy_n(piece.data(), word, end);
    } else if (piece.size() >= passed_at_once) {
      flush();
      next_.text(piece);
      return;
    } else {
      std::copy_n(piece.data(), piece.size(), end);
    }
    used_ += piece.size();
  }
  void add_space() {
    if (used_ == capacity) flush();
    buffer_[used_++] = ' ';
  }
  void flush() {
    next_.text({buffer_.data(), used_});
    used_ = 0;
  }

 private:
  static constexpr std::size_t capacity = 8192;
  static constexpr std::size_t word = 32;
  // Below this, copying is cheaper than a call of the digest.
  static constexpr std::size_t passed_at_once = 1024;

  TrailingLines& next_;
  const char* source_end_;
  std::size_t used_ = 0;
  std::array<char, capacity + word> buffer_;
};

// The number of CRLFs given to the sink at a time.
constexpr std::size_t line_ends_at_once = 512;
constexpr auto line_ends = [] {
  std::array<char, 2 * line_ends_at_once> octets{};
  for (std::size_t i = 0; i < octets.size(); i += 2) {
    octets[i] = '\r';
    octets[i + 1] = '\n';
  }
  return octets;
}();

}  // namespace

void append_canonical_field(Canonicalisation form, std::string_view name, std::string_view value,
                            std::string& out) {
  switch (form) {
    case Canonicalisation::simple:
      out.append(name).append(1, ':').append(value);
      break;
    case Canonicalisation::relaxed:
      while (!name.empty() && ascii::is_blank(name.back())) name.remove_suffix(1);
      std::transform(name.begin(), name.end(), std::back_inserter(out), ascii::to_lower);
      out += ':';
      append_relaxed_value(value, out);
      break;
  }
  out += "\r\n";
}

void TrailingLines::text(std::string_view octets) {
  if (octets.empty()) return;
  if (carriage_return_) {
    carriage_return_ = false;
    if (octets.front() == '\n') {
      ++withheld_;
      octets.remove_prefix(1);
    } else {
      release();
      sink_->canonical("\r");
      empty_ = false;
    }
  }
  if (!octets.empty() && octets.back() == '\r') {
    carriage_return_ = true;
    octets.remove_suffix(1);
  }
  std::size_t line_ends_at_end = 0;
  while (octets.ends_with("\r\n")) {
    ++line_ends_at_end;
    octets.remove_suffix(2);
  }
  if (!octets.empty()) {
    release();
    sink_->canonical(octets);
    empty_ = false;
  }
  withheld_ += line_ends_at_end;
}

void TrailingLines::release() {
  while (withheld_ > 0) {
    const std::size_t count = std::min(withheld_, line_ends_at_once);
    sink_->canonical({line_ends.data(), 2 * count});
    withheld_ -= count;
  }
}

void TrailingLines::end(bool if_empty) {
  if (carriage_return_) {
    carriage_return_ = false;
    release();
    sink_->canonical("\r");
    empty_ = false;
  }
  if (!empty_ || if_empty) sink_->canonical("\r\n");
}

void BodyCanonicaliser::text(std::string_view octets) {
  switch (form_) {
    case Canonicalisation::simple:
      lines_.text(octets);
      return;
    case Canonicalisation::relaxed:
      octets = resume(octets);
      if (!octets.empty()) relax(octets);
      return;
  }
}

// Decides about the blanks at the end of the last piece. Returns the octets that are left.
std::string_view BodyCanonicaliser::resume(std::string_view octets) {
  if (ending_ == Ending::blanks) {
    while (!octets.empty() && ascii::is_wsp(octets.front())) octets.remove_prefix(1);
    if (octets.empty()) return octets;
    if (octets.front() == '\r') {
      ending_ = Ending::blanks_cr;
      octets.remove_prefix(1);
    } else {
      ending_ = Ending::text;
      lines_.text(" ");
    }
  }
  if (ending_ == Ending::blanks_cr && !octets.empty()) {
    ending_ = Ending::text;
    lines_.text(octets.front() == '\n' ? "\r" : " \r");
  }
  return octets;
}

void BodyCanonicaliser::relax(std::string_view octets) {
  PieceBuffer pieces(lines_, octets);
  BlankScan scan(octets);
  std::size_t done = 0;
  while (done < octets.size()) {
    const std::size_t blank = scan.next(done);
    std::size_t after = blank;
    while (after < octets.size() && ascii::is_wsp(octets[after])) ++after;
    const Ending ending = ending_of(octets, blank, after);
    const bool at_line_end = octets.substr(after, 2) == "\r\n";
    const bool space = after > blank && ending == Ending::text && !at_line_end;
    if (space && octets[blank] == ' ') {
      pieces.add(octets.substr(done, blank + 1 - done));
    } else {
      pieces.add(octets.substr(done, blank - done));
      if (space) pieces.add_space();
    }
    ending_ = ending;
    done = ending == Ending::blanks_cr ? after + 1 : after;
  }
  pieces.flush();
}

void BodyCanonicaliser::end() {
  // Blanks at the end of an unfinished last line are removed as before CRLF.
  if (ending_ == Ending::blanks_cr) lines_.text(" \r");
  ending_ = Ending::text;
  // §3.4.3: an empty body is CRLF in the simple form; §3.4.4: it stays empty in the relaxed form.
  lines_.end(form_ == Canonicalisation::simple);
}

}  // namespace sekisho::dkim
