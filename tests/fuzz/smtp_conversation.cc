// Any octets as what a client says, with TLS beginning where the conversation lets it, on each kind
// of listener (the first octet). The second octet is the size of the pieces.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "dns/zone_resolver.h"
#include "fuzz/require.h"
#include "smtp/conversation.h"

namespace {

using namespace sekisho;
using fuzz::require;

class NoJournal final : public session::Journal {
  void decided(std::shared_ptr<const session::Decided>) override {}
};

class NoSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view) const override { return true; }
};

// Everybody's password is "sesame".
class Passwords final : public accounts::Authenticator {
 public:
  void check(accounts::LoginAttempt attempt, Done done) override {
    using Code = accounts::LoginAnswer::Code;
    done({attempt.password == "sesame" ? Code::accepted : Code::wrong, attempt.login, ""});
  }
};

class Keeps final : public session::Keeping {
 public:
  struct Nothing final : session::Draft {
    void append(std::string_view) override {}
  };
  bool keeps_accepted() const override { return true; }
  std::unique_ptr<session::Draft> begin() override { return std::make_unique<Nothing>(); }
  void keep(session::KeepRequest request, std::function<void(session::HoldResult)> done) override {
    require(!request.accepted.empty() || !request.held.empty());
    done({session::HoldCode::held, ""});
  }
  void take_back(session::ReleaseProof, std::function<void(session::TakenBack)> done) override {
    done(std::nullopt);
  }
};

std::shared_ptr<const session::Snapshot> snapshot() {
  session::Snapshot made;
  made.resolver = std::make_shared<dns::ZoneResolver>(
      dns::Zone::parse("a.example. MX 10 mx.a.example.\nmx.a.example. A 192.0.2.10\n").value());
  made.options.identity.hostname = "mx.example.jp";
  return std::make_shared<const session::Snapshot>(std::move(made));
}

std::shared_ptr<const smtp::Site> site() {
  auto made = std::make_shared<smtp::Site>();
  relay::Route route;
  route.domain = {"example.jp"};
  route.via.kind = relay::Via::Kind::discard;
  route.recipients = relay::Recipients{};
  relay::MapOptions options;
  options.routes = {route};
  options.hostname = "mx.example.jp";
  made->routes = std::make_shared<const relay::Map>(std::move(options));
  made->hostname = "mx.example.jp";
  made->origin = "example.jp";
  made->authenticator = std::make_shared<Passwords>();
  made->smtputf8 = true;
  for (const auto profile : all_values<smtp::Profile>()) {
    smtp::ListenerSite listener;
    listener.profile = profile;
    listener.limits.message_size = 100'000;
    listener.limits.login_failures = 0;
    made->listeners.push_back(std::move(listener));
  }
  return made;
}

struct House {
  NoJournal journal;
  session::Engine engine{snapshot(), journal};
  Log log{std::make_shared<NoSink>(), LogLevel::error};
  smtp::Sites sites{site()};
  smtp::ClientLimits limits;
  smtp::LoginFailures failures;
  smtp::LoginQuota quota{"", log};
  smtp::BrokenTls broken_tls;
  smtp::Counters counters;
  smtp::Services services{
      .engine = engine,
      .sites = sites,
      .limits = limits,
      .failures = failures,
      .quota = quota,
      .broken_tls = broken_tls,
      .counters = counters,
      .log = log,
      .keeping = [](std::shared_ptr<const session::Arrival>) { return std::make_unique<Keeps>(); },
      .ask = nullptr};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  House house;
  const auto queue = std::make_shared<RunQueue>();
  smtp::Client client;
  client.profile = static_cast<smtp::Profile>(data[0] % count_of<smtp::Profile>);
  client.listener = data[0] % count_of<smtp::Profile>;
  client.xclient = (data[0] & 0x80) != 0;
  if (client.profile != smtp::Profile::local) {
    client.address = mail::IpAddress::parse("192.0.2.10").value();
  }
  std::string output;
  smtp::Conversation conversation(
      house.services,
      {.send = [&](std::string octets) { output += octets; },
       .resume = [] {},
       .owner = queue,
       .broken = [](const std::exception&) { __builtin_trap(); },
       .later = [](std::chrono::milliseconds, std::function<void()> then) { then(); }},
      client);
  conversation.open();
  if (client.profile == smtp::Profile::submissions) conversation.tls_established("TLSv1.3 x");
  std::string_view octets(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t piece = data[1] + std::size_t{1};
  std::string input;
  using Next = smtp::Conversation::Next;
  for (Next next = Next::read; next != Next::close && !(octets.empty() && input.empty());) {
    const auto more = octets.substr(0, piece);
    octets.remove_prefix(more.size());
    input += more;
    const auto before = input.size();
    const auto taken = conversation.take(input);
    next = taken.next;
    input.erase(0, taken.octets);
    if (next == Next::start_tls) conversation.tls_established("TLSv1.3 x");
    queue->run_until([] { return false; }, steady_now());
    for (int i = 0; conversation.waiting() && i < 10; ++i) {
      conversation.expire();
      queue->run_until([] { return false; }, steady_now());
    }
    require(!conversation.waiting());
    if (octets.empty() && input.size() == before) break;
  }
  // Each reply is a line, or several.
  require(output.empty() || output.ends_with("\r\n"));
  require(output.find('\0') == std::string::npos);
  return 0;
}
