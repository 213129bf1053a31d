// relay/reply.h: reads the replies of an SMTP or LMTP server from octets, without I/O. RFC 5321
// §4.2, RFC 3463. A reply has at most 100 lines and 64 KB; without a code between 200 and 599 it is
// none.
//   while (reader.read(octets) == ReplyReader::State::complete) use(reader.take());
// Errors: State::broken with a sentence. Thread: one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::relay {

// More lines than any MTA has extensions, and more octets than those lines may be long (RFC 5321
// §4.5.3.1.5).
inline constexpr std::size_t reply_lines = 100;
inline constexpr std::size_t reply_octets = 64 * 1024;

struct Reply {
  int code = 0;
  std::vector<std::string> lines;  // after the code; printable ASCII, the rest replaced by `?`

  bool positive() const { return code >= 200 && code < 300; }
  bool intermediate() const { return code >= 300 && code < 400; }
  bool transient() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500; }
  // "250 2.0.0 Ok: queued as 4bXY", all lines joined by blanks; at most 512 octets.
  std::string text() const;
  // As it came, each line with its code: "550-5.7.1 No\n550 5.7.1 See https://…".
  std::string whole() const;
  // The enhanced status code of the first line, if its class is the code's: "5.7.1"; else empty.
  std::string status() const;
};

class ReplyReader {
 public:
  enum class Strictness {
    // Only CRLF ends a line, and all lines have one code.
    exact,
    // As the servers of the world write: LF may end a line, and the last of several codes counts.
    lenient,
  };
  enum class State { incomplete, complete, broken };

  explicit ReplyReader(Strictness strictness) : exact_(strictness == Strictness::exact) {}

  // Takes octets from the front of `octets`, up to the end of one reply.
  State read(std::string_view& octets);
  // The reply that is complete; the reader then expects the next.
  Reply take();
  // Whether a part of a reply was read.
  bool started() const { return octets_ > 0; }
  const std::string& why() const { return why_; }

 private:
  State end_of_line();
  State broken(std::string why);

  bool exact_;
  std::string line_;        // the one that is not complete
  std::size_t octets_ = 0;  // of the reply
  Reply reply_;
  std::string why_;  // broken
};

}  // namespace sekisho::relay
