// Any octets over the control socket: as a request to the server, and as what a daemon answers the
// command. A request has one answer, one line that is a JSON object and says whether it is ok,
// unless it is too large; a handler is only called with an object that names it. An answer is an
// object whose "ok" is true, or a sentence why there is none.
#include <atomic>
#include <memory>
#include <string>

#include <poll.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "base/guarded.h"
#include "base/unix_socket.h"
#include "control/client.h"
#include "control/protocol.h"
#include "control/server.h"
#include "control/stream.h"
#include "fuzz/require.h"
#include "support/temporary_folder.h"

namespace {

using namespace sekisho;
using fuzz::require;
using nlohmann::json;

constexpr std::chrono::seconds patience{60};

class NoSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view) const override { return true; }
};

// The server under test.
class Daemon {
 public:
  Daemon() : log_(std::make_shared<NoSink>(), LogLevel::error), server_(log_) {
    require(server_.open({path(), ""}).has_value());
    server_.run({{"status", [this](const json& request) { return called(request, "status"); }}},
                {{"throw", [this](const json& request) {
                    called(request, "throw");
                    // Whatever the request holds is not promised to be there.
                    return json{{"ok", true}, {"id", request.at("id").at(0).get<std::string>()}};
                  }}});
  }
  std::string path() const { return folder_.file("control"); }
  std::size_t calls() const { return calls_; }

 private:
  json called(const json& request, const char* verb) {
    require(request.is_object() && request.at("verb") == verb);
    ++calls_;
    return {{"ok", true}, {"text", "\xff"}};
  }

  test::TemporaryFolder folder_;
  Log log_;
  control::Server server_;
  std::atomic<std::size_t> calls_{0};
};

// Says to whoever connects what it was given.
class Peer {
 public:
  Peer() {
    auto listening = listen_unix({path(), 0600, "", ""});
    require(listening.has_value());
    listening_ = std::move(*listening);
    thread_ = std::thread([this] { serve(); });
  }
  ~Peer() {
    stopping_ = true;
    (void)connect_unix(path());  // wakes it
    thread_.join();
  }
  std::string path() const { return folder_.file("daemon"); }
  void say(std::string text) {
    says_.with([&](std::string& says) { says = std::move(text); });
  }

 private:
  void serve() {
    for (;;) {
      pollfd waiting{listening_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, -1) < 0) continue;
      const UniqueFd connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (stopping_) return;
      if (!connection) continue;
      const auto request = control::read_all(connection.get(), 1000, patience);
      require(request == R"({"verb":"status"})");
      const std::string text = says_.with([](const std::string& says) { return says; });
      control::write_all(connection.get(), text, patience);
    }
  }

  test::TemporaryFolder folder_;
  UniqueFd listening_;
  Guarded<std::string> says_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

void check_request(const Daemon& daemon, std::string_view request) {
  const std::size_t calls = daemon.calls();
  const auto connection = connect_unix(daemon.path());
  require(connection.has_value());
  const bool written = control::write_all(connection->get(), request, patience);
  ::shutdown(connection->get(), SHUT_WR);
  const auto answer = control::read_all(connection->get(), control::max_answer_octets, patience);
  if (request.size() > control::max_request_octets) {
    require(!answer || answer->empty());
    return;
  }
  require(written && answer && !answer->empty() && answer->find('\n') == answer->size() - 1);
  const auto said = json::parse(*answer, nullptr, false);
  require(said.is_object() && said.contains("ok") && said["ok"].is_boolean());
  const bool ok = said["ok"].get<bool>();
  if (!ok) require(said.contains("error") && said["error"].is_string());
  // Only what is JSON, and names a verb that is one, has reached a handler.
  const auto read = json::parse(request, nullptr, false);
  const bool known = read.is_object() && read.contains("verb") &&
                     (read["verb"] == "status" || read["verb"] == "throw");
  require(daemon.calls() == calls + (known ? 1 : 0));
  if (known && read["verb"] == "status") require(ok);
  if (!known) require(!ok);
}

void check_answer(Peer& peer, std::string_view text) {
  peer.say(std::string(text));
  const auto answer = control::ask(peer.path(), {{"verb", "status"}});
  const auto read = json::parse(text, nullptr, false);
  const bool says_ok = read.is_object() && read.contains("ok") && read["ok"] == true;
  require(answer.has_value() == says_ok);
  if (answer) {
    require(*answer == read);
  } else {
    const bool refusal = read.is_object() && read.contains("ok") && read["ok"] == false;
    require(answer.error().unreachable == !refusal);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Daemon served;
  static Peer peer;
  const std::string_view text = fuzz::text_of(data, size);
  check_request(served, text);
  check_answer(peer, text);
  return 0;
}
