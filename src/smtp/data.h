// smtp/data.h: the octets after DATA: where the message ends, its dots unstuffed, its line ends
// made CRLF, its header cut into fields. RFC 5321 §4.5.2, §2.3.8, RFC 5322 §2.1.
// Only CRLF.CRLF ends a message. A bare LF becomes CRLF and a bare CR a blank, and neither begins a
// line in the sense of the dot: what a next hop could take for the end never does so here
// (CVE-2023-51764). The header is read as mail/message.h reads one.
// Errors: NUL, bare line ends and a header that is too long are noted; the octets are read to the
// end all the same. Thread: one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mail/header.h"

namespace sekisho::smtp {

// Where a message goes as it arrives.
class DataSink {
 public:
  virtual ~DataSink() = default;
  virtual void field(mail::HeaderField field) = 0;
  virtual void malformed_line(std::string line) = 0;
  virtual void end_of_header() = 0;
  virtual void body(std::string_view octets) = 0;
};

// Octets without stuffing and with whole line ends into fields and body. A message whose first line
// is no field and has no colon has no header: all of it is its body.
class HeaderSplitter {
 public:
  explicit HeaderSplitter(DataSink& sink) : sink_(sink) {}

  void take(std::string_view octets);
  void end();
  bool too_long() const { return too_long_; }

 private:
  void take_line(std::string_view line);
  void flush();
  void begin_body();

  DataSink& sink_;
  std::string line_;                    // not complete yet
  std::optional<std::string> pending_;  // a field that may be continued
  bool any_line_ = false;
  bool in_body_ = false;
  bool too_long_ = false;
};

class DataReader {
 public:
  explicit DataReader(DataSink& sink) : splitter_(sink) {}

  // Consumes octets up to the end of the message; returns how many.
  std::size_t take(std::string_view octets);
  // CRLF.CRLF was seen: the message is complete.
  bool ended() const { return ended_; }
  // The rest is read, and not looked at.
  void discard() { discarding_ = true; }
  // Of the content, so far.
  std::uint64_t octets() const { return octets_; }
  bool has_nul() const { return has_nul_; }
  bool has_bare_line_end() const { return has_bare_; }
  bool header_too_long() const { return splitter_.too_long(); }

 private:
  enum class State {
    line,    // at the begin of a line
    text,    // within one
    cr,      // behind a CR within a line
    dot,     // behind a dot at the begin of a line
    dot_cr,  // behind that and a CR
  };
  void step(char c);
  std::size_t plain_run(std::string_view octets) const;
  void emit(std::string_view octets);
  void bare_line_feed();
  void bare_carriage_return();

  HeaderSplitter splitter_;
  State state_ = State::line;
  std::uint64_t octets_ = 0;
  bool ended_ = false;
  bool discarding_ = false;
  bool has_nul_ = false;
  bool has_bare_ = false;
};

}  // namespace sekisho::smtp
