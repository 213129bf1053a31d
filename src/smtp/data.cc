#include "smtp/data.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/ascii.h"
#include "mail/limits.h"

namespace sekisho::smtp {

namespace {

// field-name = 1*ftext (RFC 5322 §3.6.8); blanks may follow it (§4.5). As mail/message.cc.
bool is_field_name(std::string_view name) {
  while (!name.empty() && ascii::is_wsp(name.back())) name.remove_suffix(1);
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

void HeaderSplitter::take(std::string_view octets) {
  while (!octets.empty() && !in_body_) {
    const auto end = octets.find('\n');
    const auto part = octets.substr(0, end == std::string_view::npos ? end : end + 1);
    octets.remove_prefix(part.size());
    const std::size_t held = line_.size() + (pending_ ? pending_->size() : 0);
    if (held + part.size() > mail::limits::header_block_octets) too_long_ = true;
    if (too_long_) return;
    line_ += part;
    if (!line_.ends_with("\r\n")) continue;
    take_line(std::string_view(line_).substr(0, line_.size() - 2));
    line_.clear();
  }
  if (in_body_ && !octets.empty()) sink_.body(octets);
}

void HeaderSplitter::take_line(std::string_view line) {
  if (line.empty()) return begin_body();
  const bool first = !std::exchange(any_line_, true);
  if (first && line.find(':') == std::string_view::npos && !ascii::is_wsp(line.front())) {
    begin_body();
    return sink_.body(line_);
  }
  if (pending_ && ascii::is_wsp(line.front())) {
    pending_->append("\r\n").append(line);
    return;
  }
  flush();
  pending_.emplace(line);
}

void HeaderSplitter::flush() {
  if (!pending_) return;
  std::string line;
  line.swap(*pending_);
  pending_.reset();
  const auto colon = line.find(':');
  if (colon == std::string::npos || !is_field_name(std::string_view(line).substr(0, colon))) {
    return sink_.malformed_line(std::move(line));
  }
  mail::HeaderField field;
  field.value = line.substr(colon + 1);
  line.resize(colon);
  field.name = std::move(line);
  sink_.field(std::move(field));
}

void HeaderSplitter::begin_body() {
  flush();
  in_body_ = true;
  sink_.end_of_header();
}

void HeaderSplitter::end() {
  if (!in_body_ && !too_long_) begin_body();
}

std::size_t DataReader::take(std::string_view octets) {
  if (!has_nul_ && std::memchr(octets.data(), '\0', octets.size()) != nullptr) has_nul_ = true;
  std::size_t taken = 0;
  while (taken < octets.size() && !ended_) {
    const auto rest = octets.substr(taken);
    if (const auto run = plain_run(rest); run > 0) {
      emit(rest.substr(0, run));
      state_ = rest[run - 1] == '\n' ? State::line : State::text;
      taken += run;
      continue;
    }
    step(octets[taken++]);
  }
  if (ended_ && !discarding_) splitter_.end();
  return taken;
}

// How many octets at the front can be passed on as they are: whole lines that begin with no dot,
// and text up to the next CR or LF.
std::size_t DataReader::plain_run(std::string_view octets) const {
  if (state_ != State::line && state_ != State::text) return 0;
  std::size_t run = 0;
  bool begins = state_ == State::line;
  while (run < octets.size()) {
    if (begins && octets[run] == '.') return run;
    const auto* const start = octets.data() + run;
    const std::size_t left = octets.size() - run;
    const auto* const found = static_cast<const char*>(std::memchr(start, '\n', left));
    const std::size_t line = found == nullptr ? left : static_cast<std::size_t>(found - start) + 1;
    const auto* const cr = static_cast<const char*>(std::memchr(start, '\r', line));
    const bool whole = found != nullptr && cr == found - 1;
    if (!whole)
      return run + (cr != nullptr ? static_cast<std::size_t>(cr - start)
                                  : line - (found != nullptr ? 1 : 0));
    run += line;
    begins = true;
  }
  return run;
}

void DataReader::step(char c) {
  // What a dot or a CR was held back for: it was neither the end nor a line end.
  const bool held_back = state_ == State::cr || state_ == State::dot_cr;
  if (held_back && c != '\n') {
    bare_carriage_return();
    state_ = State::text;
  }
  switch (state_) {
    case State::line:
    case State::text:
    case State::dot:
      if (c == '.' && state_ == State::line) {
        state_ = State::dot;
      } else if (c == '\r') {
        state_ = state_ == State::dot ? State::dot_cr : State::cr;
      } else if (c == '\n') {
        bare_line_feed();
      } else {
        emit({&c, 1});
        state_ = State::text;
      }
      break;
    case State::cr:
      emit("\r\n");
      state_ = State::line;
      break;
    case State::dot_cr:
      ended_ = true;
      break;
  }
}

void DataReader::bare_line_feed() {
  has_bare_ = true;
  emit("\r\n");
  state_ = State::text;
}

void DataReader::bare_carriage_return() {
  has_bare_ = true;
  emit(" ");
}

void DataReader::emit(std::string_view octets) {
  octets_ += octets.size();
  if (!discarding_) splitter_.take(octets);
}

}  // namespace sekisho::smtp
