// relay/hop_connection.h: drives a Conversation over a socket and TLS: one connection to a next
// hop, for one transaction after another.
// Errors: outcomes. Thread: its event loop's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/executor.h"
#include "base/guarded.h"
#include "net/connect.h"
#include "net/stream.h"
#include "net/timer.h"
#include "relay/conversation.h"
#include "tls/client_context.h"
#include "tls/layer.h"

namespace sekisho::relay {

// A message that was opened for one delivery, with its first octets: most messages have no more.
struct OpenMessage {
  // Locked while it is read: a reader for a connection that broke may still be at it when the next
  // host asks.
  Guarded<std::unique_ptr<Content>> content;
  std::string first;
  std::uint64_t size = 0;
  bool eight_bit = false;
};

// Octets that are read and sent at a time.
inline constexpr std::size_t block_octets = 64 * 1024;

class HopConnection final : public net::Stream::Owner {
 public:
  struct Setup {
    ConversationOptions conversation;
    std::unique_ptr<Login> login;
    std::shared_ptr<const tls::ClientContext> tls;  // nullptr: there is none
    std::string tls_name;
    std::chrono::seconds timeout{300};  // of one reply
    std::string opening;                // "connected to mx.example[192.0.2.1]:25", for the dialogue
    Executor* readers = nullptr;        // where the message is read
  };
  using Done = std::function<void(Outcome)>;

  HopConnection(net::Link link, Setup setup);

  void start() override { stream_.start(); }
  // `message`: nullptr for a probe.
  void run(Transaction transaction, std::shared_ptr<OpenMessage> message, Done done);
  // Whether another transaction may follow.
  bool reusable() const;
  // False: its source address has left this host, and no packet would reach the next hop.
  bool has_source() const { return !source_ || net::is_here(*source_); }
  // Nothing follows for now: says QUIT after this time.
  void rest(std::chrono::seconds most);
  void quit();

  const Conversation& conversation() const { return conversation_; }
  // "TLSv1.3 TLS_AES_256_GCM_SHA384 verified"; empty: none.
  const std::string& tls() const { return tls_facts_.summary; }

  void drain() override { close(); }
  bool busy() const override { return static_cast<bool>(done_); }
  void close() override;
  void broken(const std::exception& error) noexcept override;

 private:
  net::Stream::Taken take(std::string_view received) override;
  void written() override { pump(); }
  void failed(const std::string& why) override;

  void pump();
  bool step();
  void write_out();
  void begin_tls();
  void on_tls();
  bool feed();
  void read_block();
  void on_block(Expected<std::string, std::string> block);
  void tell_outcome();
  void watch();
  void on_time();

  Setup setup_;
  const std::optional<net::SocketName> source_;
  net::Stream stream_;
  net::Timer timer_;
  Conversation conversation_;
  std::optional<tls::Layer> layer_;
  TlsFacts tls_facts_;
  bool tls_told_ = false;
  std::shared_ptr<OpenMessage> message_;
  std::uint64_t read_ = 0;  // octets of the message that were read
  std::optional<std::string> block_;
  bool reading_ = false;
  Done done_;
  bool pumping_ = false;
  bool closing_ = false;
  std::uint64_t watched_progress_ = 0;
  bool watching_ = false;
};

}  // namespace sekisho::relay
