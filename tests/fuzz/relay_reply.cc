// What a server says to a client, cut at NULs into the pieces in which it arrives. However it is
// cut, the replies are the same; what is shown is printable; the limits hold; and what the exact
// reader takes is what the lenient one takes.
#include <string>
#include <vector>

#include "fuzz/require.h"
#include "relay/reply.h"

namespace {

using namespace sekisho;
using fuzz::require;
using relay::Reply;
using relay::ReplyReader;
using State = ReplyReader::State;
using Strictness = ReplyReader::Strictness;

struct Heard {
  std::vector<Reply> replies;
  std::string why;  // broken

  std::string text() const {
    std::string out = why + "\n";
    for (const auto& reply : replies) out += reply.whole() + "\n\n";
    return out;
  }
};

Heard read(const std::vector<std::string_view>& pieces, Strictness strictness) {
  Heard heard;
  ReplyReader reader(strictness);
  for (std::string_view piece : pieces) {
    while (!piece.empty()) {
      const std::size_t before = piece.size();
      const State state = reader.read(piece);
      require(piece.size() < before || state == State::broken);
      if (state == State::broken) {
        heard.why = reader.why();
        require(!heard.why.empty());
        return heard;
      }
      if (state == State::complete) heard.replies.push_back(reader.take());
    }
  }
  return heard;
}

void check(const Reply& reply) {
  require(reply.code >= 200 && reply.code <= 599);
  require(!reply.lines.empty() && reply.lines.size() <= relay::reply_lines);
  std::size_t octets = 0;
  for (const auto& line : reply.lines) {
    octets += line.size();
    for (const char c : line) require(c >= ' ' && c <= '~');
  }
  require(octets <= relay::reply_octets && reply.text().size() <= 512);
  const std::string status = reply.status();
  require(status.empty() || (status.size() >= 5 && status.size() <= 9 &&
                             status[0] == static_cast<char>('0' + reply.code / 100)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto pieces = fuzz::split(fuzz::text_of(data, size), '\0');
  std::string whole;
  for (const auto& piece : pieces) whole += piece;
  const Heard lenient = read(pieces, Strictness::lenient);
  for (const auto& reply : lenient.replies) check(reply);
  require(lenient.text() == read({whole}, Strictness::lenient).text());
  const Heard exact = read(pieces, Strictness::exact);
  for (const auto& reply : exact.replies) check(reply);
  require(exact.text() == read({whole}, Strictness::exact).text());
  // A server all of whose lines end with CRLF is heard alike by both, but for its mixed codes.
  bool bare = false;
  for (std::size_t i = 0; i < whole.size(); ++i)
    bare = bare || (whole[i] == '\n' && (i == 0 || whole[i - 1] != '\r'));
  if (bare || !exact.why.empty()) return 0;
  require(lenient.why.empty() && exact.text() == lenient.text());
  return 0;
}
