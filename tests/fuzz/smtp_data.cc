// Any octets behind DATA: in one piece and in single octets the same message, and nothing in it
// that a next hop could take for its end.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/require.h"
#include "smtp/data.h"

namespace {

using namespace sekisho;
using fuzz::require;

struct Text final : smtp::DataSink {
  void field(mail::HeaderField field) override { text += field.name + ":" + field.value + "\r\n"; }
  void malformed_line(std::string line) override { text += line + "\r\n"; }
  void end_of_header() override {
    require(!ended);
    ended = true;
    text += "\r\n";
  }
  void body(std::string_view octets) override {
    require(ended);
    text += octets;
  }
  std::string text;
  bool ended = false;
};

std::string read(std::string_view octets, std::size_t piece, std::size_t& taken) {
  Text sink;
  smtp::DataReader reader(sink);
  taken = 0;
  while (taken < octets.size() && !reader.ended())
    taken += reader.take(octets.substr(taken, piece));
  require(!reader.ended() || sink.ended || reader.header_too_long());
  return sink.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view octets(reinterpret_cast<const char*>(data), size);
  std::size_t taken = 0;
  std::size_t taken_singly = 0;
  const auto whole = read(octets, octets.size() + 1, taken);
  const auto singly = read(octets, 1, taken_singly);
  require(taken == taken_singly);
  require(whole == singly);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == '\n') require(i > 0 && whole[i - 1] == '\r');
    if (whole[i] == '\r') require(i + 1 < whole.size() && whole[i + 1] == '\n');
  }
  return 0;
}
