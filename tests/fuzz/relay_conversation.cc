// A server that says anything. The first octet chooses the client (LMTP, TLS, a login, recipients),
// the rest is cut at NULs: what the server says to each thing that it is told. The conversation
// ends in a bounded number of steps with a result for each recipient; nothing of the message
// becomes a command; nothing counts as sent that no 2xx answered; no password leaves without TLS.
#include <algorithm>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "fuzz/require.h"
#include "relay/conversation.h"

namespace {

using namespace sekisho;
using fuzz::require;
using relay::Conversation;
using relay::Result;
using Want = Conversation::Want;

const std::string content = "Subject: x\r\n\r\nRCPT TO:<evil@x>\r\n.\r\nQUIT\r\n";

struct Chosen {
  bool lmtp;
  bool login;
  bool probe;
  bool utf8;
  relay::RouteTls tls;
  std::size_t recipients;

  explicit Chosen(unsigned octet)
      : lmtp((octet & 1) != 0),
        login((octet & 2) != 0),
        probe((octet & 4) != 0),
        utf8((octet & 8) != 0),
        tls(relay::RouteTls(octet >> 4 & 3)),
        recipients(1 + (octet >> 6)) {}
};

relay::Transaction transaction(const Chosen& chosen) {
  relay::Transaction it;
  it.sender = "s@example.com";
  it.parameters = {"RET=HDRS", "ENVID=x"};
  it.size = content.size();
  it.probe = chosen.probe;
  for (std::size_t i = 0; i < chosen.recipients; ++i) {
    const std::string name = chosen.utf8 && i == 0 ? "\xc3\xbc" : "r" + std::to_string(i);
    it.recipients.push_back({name + "@example.jp", {"NOTIFY=NEVER"}});
  }
  return it;
}

// What goes to the server outside of a message.
void check_commands(const std::string& octets, bool in_tls) {
  require(octets.empty() || octets.ends_with("\r\n"));
  for (const auto line : fuzz::split(octets, '\n')) {
    const bool known = line.empty() || line.ends_with("\r");
    require(known);
    require(in_tls || (!line.starts_with("AUTH") && line.find("c2VjcmV0") == line.npos));
    require(!line.starts_with("RCPT TO:<evil"));
  }
}

class Driver {
 public:
  Driver(const Chosen& chosen, std::vector<std::string_view> says)
      : chosen_(chosen),
        says_(std::move(says)),
        conversation_({chosen.lmtp, "me.example", chosen.tls, false},
                      chosen.login ? std::make_unique<relay::Login>(
                                         relay::Credentials{"alice", "secret", false})
                                   : nullptr) {}

  void run() {
    for (int i = 0; i < 2; ++i) {
      conversation_.begin(transaction(chosen_));
      std::size_t steps = 0;
      while (conversation_.want() != Want::transaction && conversation_.want() != Want::end) {
        require(++steps < 10'000);
        step();
      }
      check();
      if (conversation_.want() == Want::end) return;
    }
    conversation_.quit();
    require(conversation_.want() == Want::end);
  }

 private:
  std::string_view next() {
    const std::string_view said = next_ < says_.size() ? says_[next_] : std::string_view();
    ++next_;
    return said;
  }

  void step() {
    if (conversation_.want() == Want::handshake) {
      const auto said = next();
      if (said.starts_with('!')) return conversation_.tls_failed("no");
      conversation_.tls_established({"TLSv1.3", said.starts_with('+'), "self-signed"});
      in_tls_ = conversation_.in_tls();
      return;
    }
    if (conversation_.want() == Want::content) {
      check_commands(conversation_.take_output(), in_tls_);
      conversation_.content(content);
      conversation_.content_end();
      require(conversation_.take_output().ends_with("\r\n..\r\nQUIT\r\n.\r\n"));
    } else {
      check_commands(conversation_.take_output(), in_tls_);
    }
    if (next_ >= says_.size()) return conversation_.lost("closed");
    const auto said = next();
    positive_ = positive_ || said.find('2') != said.npos;
    conversation_.receive(said);
  }

  void check() {
    const auto outcome = conversation_.take_outcome();
    require(outcome.has_value() && outcome->results.size() == chosen_.recipients);
    for (const auto& result : outcome->results) {
      require(!result.why.empty() && result.status.size() >= 5);
      require(result.code != Result::Code::sent || (positive_ && result.status[0] == '2'));
      require(result.code != Result::Code::failed || result.status[0] == '5');
      require(result.code != Result::Code::deferred || result.status[0] == '4');
    }
    for (const auto& line : conversation_.dialogue()) {
      require(line.text.find("c2VjcmV0") == std::string::npos);
      require(line.text.find(base64_encode(std::string("\0alice\0secret", 13))) ==
              std::string::npos);
    }
    require(conversation_.dialogue().size() <= 40);
  }

  const Chosen chosen_;
  std::vector<std::string_view> says_;
  std::size_t next_ = 0;
  Conversation conversation_;
  bool in_tls_ = false;
  bool positive_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 100'000) return 0;
  Driver(Chosen(data[0]), fuzz::split(fuzz::text_of(data + 1, size - 1), '\0')).run();
  return 0;
}
