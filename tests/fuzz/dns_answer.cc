// A reply from the network, to each of the questions we ask. Its header and question are made to
// fit, so that the fuzzer gets to the records at once: octet 0 chooses the type, the rest stands
// behind the question's section.
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string>

#include "dns/codec.h"

namespace {

using namespace sekisho::dns;

void check(const Reply& reply, Type type) {
  const Answer& answer = reply.answer;
  const std::size_t filled = answer.texts.size() + answer.addresses.size() +
                             answer.exchanges.size() + answer.pointers.size();
  if (filled > max_records) std::abort();
  if (reply.kind == Reply::Kind::answered && answer.outcome == Outcome::records && filled == 0)
    std::abort();
  if (answer.outcome != Outcome::records && answer.outcome != Outcome::error && filled != 0)
    std::abort();
  if (type != Type::txt && !answer.texts.empty()) std::abort();
  if (answer.ttl.count() < 0 || answer.ttl > std::chrono::hours(24)) std::abort();
  if (reply.kind == Reply::Kind::alias && (!reply.alias || reply.aliases > max_aliases))
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr Type types[] = {Type::a, Type::aaaa, Type::cname, Type::mx, Type::ptr, Type::txt};
  if (size < 12) return 0;
  const Type type = types[data[0] % std::size(types)];
  const Name name = Name::from("q.example").value();
  Sent sent{{name, type},
            to_wire(name),
            static_cast<std::uint16_t>(data[1] << 8 | data[2]),
            0,
            (data[0] & 0x80) != 0};

  // Once as it is, once with a header and a question that fit.
  parse_reply({data + 1, size - 1}, sent);
  std::string packet(reinterpret_cast<const char*>(data) + 1, size - 1);
  packet[2] = static_cast<char>(packet[2] | 0x80);
  packet[2] = static_cast<char>(packet[2] & ~0x7a);
  const std::string question =
      sent.wire_name + '\0' + static_cast<char>(type) + std::string("\0\1", 2);
  packet = packet.substr(0, 4) + std::string("\0\1", 2) + packet.substr(6, 5) +
           std::string(1, '\0') + question + packet.substr(11);
  check(parse_reply({reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()}, sent),
        type);
  return 0;
}
