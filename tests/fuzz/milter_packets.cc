// Any octets as what an MTA sends: framing, the parsers of packets, and a whole conversation.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dns/zone_resolver.h"
#include "milter/conversation.h"

namespace {

using namespace sekisho;

class NoJournal final : public session::Journal {
  void decided(std::shared_ptr<const session::Decided>) override {}
};

std::shared_ptr<const session::Snapshot> snapshot() {
  session::Snapshot made;
  made.resolver = std::make_shared<dns::ZoneResolver>(
      dns::Zone::parse(
          "example.com. TXT \"v=spf1 -all\"\n_dmarc.example.com. TXT \"v=DMARC1; p=reject\"\n")
          .value());
  made.options.identity.hostname = "mx.example.jp";
  return std::make_shared<const session::Snapshot>(std::move(made));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static NoJournal journal;
  static session::Engine engine(snapshot(), journal);
  const auto queue = std::make_shared<RunQueue>();
  std::size_t sent = 0;
  milter::Conversation conversation(engine, policy::Role::mx, queue,
                                    [&](std::string octets) { sent += octets.size(); });
  std::string_view octets(reinterpret_cast<const char*>(data), size);
  milter::Packet packet;
  std::size_t used = 0;
  while (milter::next_packet(octets, packet, used) == milter::Framing::packet) {
    if (conversation.receive(packet) != milter::Conversation::Next::go_on) break;
    if (conversation.waiting()) conversation.expire();
    octets.remove_prefix(used);
  }
  // With a zone every answer is at hand, so an end of message was answered.
  if (conversation.waiting()) __builtin_trap();
  return 0;
}
