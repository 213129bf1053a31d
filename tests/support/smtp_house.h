// tests/support/smtp_house.h: what stands around an SMTP conversation: routes, users, a place that
// keeps messages, a log; and a client that speaks to it without a socket.
// Thread: one owner.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/executor.h"
#include "base/guarded.h"
#include "smtp/conversation.h"
#include "support/session_gate.h"

namespace sekisho::test {

// Lines in the order in which they were written.
class LogLines final : public LogSink {
 public:
  bool write(LogLevel, std::string_view line) const override;
  std::vector<std::string> all() const;
  bool has(std::string_view part) const;

 private:
  mutable Guarded<std::vector<std::string>> lines_;
};

// What was kept of a message.
struct KeptMessage {
  std::string content;
  std::string received;
  std::vector<std::string> recipients;
  std::vector<std::string> mail_parameters;
  std::string sender;
  session::Arrival arrival;
};

// alice and bob of example.jp exist; an alias of "piped" leads to a program; a login may send as
// itself.
class FakeDirectory final : public accounts::Directory {
 public:
  std::optional<mail::Path> reversed(const mail::Path& recipient) const override;
  accounts::Existence exists(const mail::Path& recipient, const relay::Route* route) const override;
  accounts::Expansion expand(const mail::Path& sender, const mail::Path& recipient) const override;
  bool may_send_as(std::string_view login, const mail::Path& address) const override;
};

// The password of everybody is "sesame".
class FakeAuthenticator final : public accounts::Authenticator {
 public:
  void check(accounts::LoginAttempt attempt, Done done) override;
  bool has_scram() const override { return scram.has_value(); }
  std::optional<accounts::ScramKeys> scram_keys(const std::string& /*login*/) const override {
    return scram;
  }
  std::optional<accounts::ScramKeys> scram;  // of everybody
  std::atomic<bool> available{true};
  std::atomic<unsigned> asked{0};
};

class SmtpHouse {
 public:
  explicit SmtpHouse(const std::string& zone = usual_zone);
  ~SmtpHouse();

  static const char* const usual_zone;

  smtp::Services& services() { return *services_; }
  session::Engine& engine() { return *engine_; }
  LogLines& log() { return *lines_; }
  FakeAuthenticator& authenticator() { return *authenticator_; }
  RunQueue& queue() { return *queue_; }
  const std::shared_ptr<RunQueue>& owner() const { return queue_; }
  // Changes the configuration: for messages that begin from now on.
  void change(const std::function<void(smtp::Site&)>& how);
  std::vector<KeptMessage> kept() const;
  void keeps_nothing(session::HoldCode code) { code_ = code; }

 private:
  class Keeps;
  std::shared_ptr<LogLines> lines_ = std::make_shared<LogLines>();
  Log log_{lines_, LogLevel::debug};
  Recorder recorder_;
  std::shared_ptr<RunQueue> queue_ = std::make_shared<RunQueue>();
  std::unique_ptr<session::Engine> engine_;
  std::shared_ptr<FakeAuthenticator> authenticator_ = std::make_shared<FakeAuthenticator>();
  smtp::Sites sites_;
  smtp::ClientLimits limits_;
  smtp::LoginFailures failures_;
  smtp::LoginQuota quota_{"", log_};
  smtp::BrokenTls broken_tls_;
  smtp::Counters counters_;
  std::unique_ptr<smtp::Services> services_;
  std::atomic<session::HoldCode> code_{session::HoldCode::held};
  Guarded<std::vector<KeptMessage>> kept_;
};

// A client of one conversation.
class SmtpTalk {
 public:
  explicit SmtpTalk(SmtpHouse& house, smtp::Profile profile = smtp::Profile::mx,
                    const std::string& address = "192.0.2.10");

  // Sends octets, and returns the replies to them: "250 2.1.0 Ok\n…".
  std::string say(std::string_view octets);
  // The same with CRLF behind it.
  std::string line(const std::string& text) { return say(text + "\r\n"); }
  // In pieces of these sizes, over and over.
  std::string say_in_pieces(std::string_view octets, const std::vector<std::size_t>& sizes);
  // As after a handshake.
  void tls();
  std::string greeting() const { return greeting_; }
  bool closed() const { return closed_; }
  bool wants_tls() const { return wants_tls_; }
  // How late answers were; they are given at once here.
  const std::vector<std::chrono::milliseconds>& waits() const { return waits_; }
  smtp::Conversation& conversation() { return *conversation_; }
  // Ends it, so that its last lines are logged.
  void hang_up() { conversation_->closed(); }

 private:
  void offer();
  std::string take_output();

  SmtpHouse& house_;
  std::string output_;
  std::string input_;
  std::string greeting_;
  bool closed_ = false;
  bool wants_tls_ = false;
  std::vector<std::chrono::milliseconds> waits_;
  std::unique_ptr<smtp::Conversation> conversation_;
};

inline constexpr const char* short_message =
    "From: bob@a.example\r\nDate: Mon, 30 Nov 2026 12:00:00 +0900\r\n\r\nHello\r\n.\r\n";

}  // namespace sekisho::test
