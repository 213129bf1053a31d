// A thousand random servers: refusals, drops, garbage, endless replies, lines injected before TLS,
// and recipients that differ, at every step. The results are those of a plain reading of what the
// server said, and nothing counts as sent that the server has not taken whole.
#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include "relay/conversation.h"

namespace sekisho::relay {
namespace {

using Code = Result::Code;
using Want = Conversation::Want;

enum class Kind {
  good,
  transient,
  permanent,
  loop,
  login,
  too_many,
  closing,
  wrong,
  garbage,
  endless,
  drop
};

bool breaks(Kind kind) {
  return kind == Kind::wrong || kind == Kind::garbage || kind == Kind::endless ||
         kind == Kind::drop || kind == Kind::closing;
}

// One command as the server saw it, and how it answered.
struct Event {
  std::string command;  // "MAIL", "RCPT", "DOT", …
  std::size_t recipient = 0;
  Kind kind = Kind::good;
  bool surplus = false;  // one reply too many behind it
};

class RandomServer {
 public:
  RandomServer(std::mt19937& random, bool lmtp) : random_(random), lmtp_(lmtp) {
    mostly_good_ = below(3) != 0;
    extensions_ = below(2) ? "250-PIPELINING\r\n" : "";
    if (below(3) == 0) extensions_ += "250-STARTTLS\r\n";
    if (below(2)) extensions_ += "250-8BITMIME\r\n250-DSN\r\n";
  }

  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }
  std::string greeting() { return answer({"GREETING", 0, pick(), below(40) == 0}, "220 mx\r\n"); }

  // What the server says to these octets; all of one batch.
  std::string hear(const std::string& octets) {
    input_ += octets;
    std::string out;
    while (!gone_) {
      const std::string end = in_message_ ? message_end() : "\r\n";
      const auto at = input_.find(end);
      if (at == std::string::npos) break;
      const std::string line = input_.substr(0, at);
      input_.erase(0, at + end.size());
      const bool last = input_.empty();
      out += in_message_ ? end_of_message(line, last) : command(line, last);
    }
    return out;
  }

  bool gone() const { return gone_; }
  void new_transaction() {
    events.clear();
    message.reset();
    accepted_.clear();
    recipients_ = 0;
    mail_ = false;
  }
  std::vector<Event> events;
  std::optional<std::string> message;  // whole, as it came
  bool odd_command = false;

 private:
  std::string message_end() const {
    return input_.starts_with(".\r\n") && message_begins_ ? ".\r\n" : "\r\n.\r\n";
  }

  Kind pick() {
    if (mostly_good_ ? below(12) != 0 : below(2) != 0) return Kind::good;
    constexpr Kind others[] = {Kind::transient, Kind::permanent, Kind::loop,      Kind::login,
                               Kind::too_many,  Kind::closing,   Kind::wrong,     Kind::garbage,
                               Kind::endless,   Kind::drop,      Kind::transient, Kind::permanent};
    return others[below(std::size(others))];
  }

  std::string answer(Event event, const std::string& good) {
    events.push_back(event);
    gone_ = gone_ || breaks(event.kind) || event.surplus;
    std::string out;
    switch (event.kind) {
      case Kind::good:
        out = good;
        break;
      case Kind::transient:
        out = "451-4.3.0 not\r\n451 4.3.0 now\r\n";
        break;
      case Kind::permanent:
        out = "550 5.7.1 no\r\n";
        break;
      case Kind::loop:
        out = "554 5.4.6 loop\r\n";
        break;
      case Kind::login:
        out = "530 5.7.0 who are you\r\n";
        break;
      case Kind::too_many:
        out = "552 5.5.3 too many\r\n";
        break;
      case Kind::closing:
        out = "421 4.3.2 bye\r\n";
        break;
      case Kind::wrong:
        out = good.starts_with("3") ? "250 what\r\n" : "354 what\r\n";
        break;
      case Kind::garbage:
        out = below(2) ? "HTTP/1.1 400 Bad\r\n" : std::string("\0\xff\r\n", 4);
        break;
      case Kind::endless:
        for (int i = 0; i < 200; ++i) out += "250-more\r\n";
        break;
      case Kind::drop:
        return "";
    }
    return event.surplus ? out + "250 and another\r\n" : out;
  }

  std::string command(const std::string& line, bool last) {
    const bool surplus = last && below(60) == 0;
    const auto is = [&](const char* verb) { return line.starts_with(verb); };
    odd_command = odd_command || line.find_first_of("\r\n") != std::string::npos;
    if (is("EHLO ") || is("LHLO "))
      return answer({"EHLO", 0, pick(), surplus}, "250-mx\r\n" + extensions_ + "250 HELP\r\n");
    if (is("HELO ")) return answer({"HELO", 0, pick(), surplus}, "250 mx\r\n");
    if (is("STARTTLS")) return answer({"STARTTLS", 0, pick(), surplus}, "220 go\r\n");
    if (is("RSET")) {
      mail_ = false;
      return answer({"RSET", 0, pick(), surplus}, "250 ok\r\n");
    }
    if (is("MAIL FROM:<s@example.com>")) {
      const Kind kind = pick();
      mail_ = kind == Kind::good;
      return answer({"MAIL", 0, kind, surplus}, "250 ok\r\n");
    }
    if (is("RCPT TO:<r")) return recipient(surplus);
    if (is("DATA")) return data(surplus);
    if (is("QUIT")) {
      gone_ = true;
      return "221 bye\r\n";
    }
    odd_command = true;
    return "500 what\r\n";
  }

  std::string recipient(bool surplus) {
    const std::size_t number = recipients_++;
    const Kind kind = mail_ ? pick() : Kind::permanent;
    if (kind == Kind::good) accepted_.push_back(number);
    return answer({"RCPT", number, kind, surplus}, "250 ok\r\n");
  }

  std::string data(bool surplus) {
    const bool nobody = accepted_.empty();
    // Some servers take a message for nobody.
    const Kind kind = nobody && (lmtp_ || !mail_ || below(2)) ? Kind::permanent : pick();
    in_message_ = kind == Kind::good && !surplus;
    message_begins_ = in_message_;
    return answer({"DATA", 0, kind, surplus}, "354 go\r\n");
  }

  std::string end_of_message(const std::string& octets, bool last) {
    in_message_ = false;
    message = octets + (message_begins_ && octets.empty() ? "" : "\r\n");
    const bool surplus = last && below(60) == 0;
    if (!lmtp_) return answer({"DOT", 0, pick(), surplus}, "250 taken\r\n");
    std::string out;
    for (std::size_t i = 0; i < accepted_.size() && !gone_; ++i) {
      const bool end = i + 1 == accepted_.size();
      out += answer({"DOT", accepted_[i], pick(), end && surplus}, "250 taken\r\n");
    }
    return out;
  }

  std::mt19937& random_;
  const bool lmtp_;
  bool mostly_good_;
  std::string extensions_;
  std::string input_;
  bool gone_ = false;
  bool mail_ = false;
  bool in_message_ = false;
  bool message_begins_ = false;
  std::size_t recipients_ = 0;
  std::vector<std::size_t> accepted_;
};

// The results as the events say them, read plainly.
class Model {
 public:
  Model(std::size_t recipients, bool lmtp) : results_(recipients), lmtp_(lmtp) {}

  std::vector<Code> read(const std::vector<Event>& events, bool tls_fails) {
    for (const auto& event : events) {
      if (breaks(event.kind) || !go_on(event, tls_fails) || event.surplus) break;
    }
    std::vector<Code> out;
    for (const auto& one : results_) out.push_back(one.value_or(Code::deferred));
    return out;
  }

 private:
  static Code code_of(Kind kind) {
    if (kind == Kind::loop) return Code::loop;
    return kind == Kind::transient ? Code::deferred
           : kind == Kind::good    ? Code::sent
                                   : Code::failed;
  }
  void all(Code code) {
    for (auto& one : results_) one = one.value_or(code);
  }

  // False: the connection ends here.
  bool go_on(const Event& event, bool tls_fails) {
    const bool good = event.kind == Kind::good;
    const std::string& command = event.command;
    if (command == "GREETING" || command == "HELO" || command == "RSET") return good;
    if (command == "EHLO") return good || (!lmtp_ && event.kind != Kind::transient);
    if (command == "STARTTLS") return !good || (!tls_fails && !event.surplus);
    if (command == "DOT") {
      end(event);
      return true;
    }
    if (command == "DATA") {
      if (!good) all(code_of(event.kind));
      return true;
    }
    if (event.kind == Kind::login) {
      all(Code::own_fault);
      return false;
    }
    if (command == "MAIL") {
      if (!good) all(code_of(event.kind));
      return event.kind != Kind::transient;
    }
    auto& one = results_[event.recipient];
    if (!good && !one) one = event.kind == Kind::too_many ? Code::deferred : code_of(event.kind);
    return true;
  }

  void end(const Event& event) {
    if (!lmtp_) return all(code_of(event.kind));
    auto& one = results_[event.recipient];
    one = one.value_or(code_of(event.kind));
  }

  std::vector<std::optional<Code>> results_;
  bool lmtp_;
};

const std::string content = "Subject: dots\r\n\r\n.\r\n..two\r\nlast without an end";
const std::string on_the_wire = "Subject: dots\r\n\r\n..\r\n...two\r\nlast without an end\r\n";

class RandomTalk {
 public:
  explicit RandomTalk(unsigned seed)
      : random_(seed),
        lmtp_(random_() % 4 == 0),
        server_(random_, lmtp_),
        conversation_({lmtp_, "me.example", RouteTls::opportunistic, false}, nullptr) {}

  void transact(bool first) {
    const std::size_t count = 1 + server_.below(6);
    Transaction it;
    it.sender = "s@example.com";
    it.size = content.size();
    for (std::size_t i = 0; i < count; ++i)
      it.recipients.push_back({"r" + std::to_string(i) + "@example.jp", {"NOTIFY=NEVER"}});
    server_.new_transaction();
    conversation_.begin(it);
    if (first) hear(server_.greeting());
    std::size_t steps = 0;
    while (conversation_.want() != Want::transaction && conversation_.want() != Want::end) {
      ASSERT_LT(++steps, 200U) << "it does not end";
      step();
    }
    check(count);
  }
  bool open() const { return conversation_.want() == Want::transaction && !server_.gone(); }

 private:
  void step() {
    if (conversation_.want() == Want::handshake) return shake_hands();
    if (conversation_.want() == Want::content) {
      const std::size_t half = server_.below(content.size());
      conversation_.content(content.substr(0, half));
      conversation_.content(content.substr(half));
      conversation_.content_end();
    }
    const std::string said = conversation_.take_output();
    if (said.empty()) return conversation_.lost("no answer");
    hear(server_.hear(said));
  }

  // In pieces, but for a reply too many: behind the next command it would be taken for its answer.
  void hear(const std::string& octets) {
    const bool surplus = !server_.events.empty() && server_.events.back().surplus;
    const std::size_t cut = surplus ? octets.size() : server_.below(octets.size() + 1);
    conversation_.receive(octets.substr(0, cut));
    if (cut < octets.size()) conversation_.receive(octets.substr(cut));
    if (server_.gone() && conversation_.want() == Want::reply) conversation_.lost("closed");
  }

  void shake_hands() {
    tls_fails_ = server_.below(4) == 0;
    if (tls_fails_) return conversation_.tls_failed("no");
    conversation_.tls_established({"TLSv1.3", false, "self-signed"});
  }

  void check(std::size_t count) {
    const auto outcome = conversation_.take_outcome();
    ASSERT_TRUE(outcome.has_value());
    ASSERT_EQ(outcome->results.size(), count);
    EXPECT_FALSE(server_.odd_command);
    const auto expected = Model(count, lmtp_).read(server_.events, tls_fails_);
    bool any_sent = false;
    for (std::size_t i = 0; i < count; ++i) {
      const Result& result = outcome->results[i];
      EXPECT_EQ(result.code, expected[i]) << "recipient " << i << ": " << result.why;
      EXPECT_FALSE(result.why.empty());
      ASSERT_FALSE(result.status.empty());
      const char expected_class = result.code == Code::sent     ? '2'
                                  : result.code == Code::failed ? '5'
                                                                : result.status[0];
      EXPECT_EQ(result.status[0], expected_class) << result.status;
      any_sent = any_sent || result.code == Code::sent;
    }
    if (any_sent) {
      EXPECT_EQ(server_.message, on_the_wire);
    } else if (server_.message) {
      EXPECT_TRUE(*server_.message == on_the_wire || server_.message->empty());
    }
  }

  std::mt19937 random_;
  bool lmtp_;
  RandomServer server_;
  Conversation conversation_;
  bool tls_fails_ = false;
};

TEST(RelayConversationModel, AThousandServers) {
  for (unsigned seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(seed);
    RandomTalk talk(seed);
    talk.transact(true);
    for (int i = 0; i < 2 && talk.open() && !testing::Test::HasFailure(); ++i) talk.transact(false);
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace sekisho::relay
