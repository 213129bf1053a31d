// smtp/options.h: the SMTP listeners, what each client may use, and the rules that are answered at
// RCPT. [[listener]], [limits], [smtp].
// Thread: immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/words.h"

namespace sekisho::smtp {

// mx: no AUTH. submission: STARTTLS, then AUTH (RFC 6409). submissions: TLS first (RFC 8314).
// local: the Unix socket of sendmail(1), always there when there is a listener.
enum class Profile { mx, submission, submissions, local };
constexpr auto words_of(Profile) {
  return words<Profile>({{Profile::mx, "mx"},
                         {Profile::submission, "submission"},
                         {Profile::submissions, "submissions"},
                         {Profile::local, "local"}});
}

enum class ListenerTls { off, opportunistic, required };
constexpr auto words_of(ListenerTls) {
  return words<ListenerTls>({{ListenerTls::off, "off"},
                             {ListenerTls::opportunistic, "opportunistic"},
                             {ListenerTls::required, "required"}});
}

// Per client address (IPv6: per /64); recipients also per login. 0 is none.
struct Limits {
  std::uint32_t connections = 25;
  std::uint32_t connections_per_minute = 120;
  std::uint32_t messages_per_minute = 120;
  std::uint32_t recipients_per_minute = 120;
  std::uint32_t recipients_per_day = 1000;  // per login
  std::uint64_t message_size = 50ULL * 1024 * 1024;
  std::uint32_t recipients = 1000;    // of one message
  std::uint32_t login_failures = 10;  // per address and login, in ten minutes
  bool operator==(const Limits&) const = default;
};

// `limits` of a [[listener]]: what it says itself.
struct LimitsChange {
  std::optional<std::uint32_t> connections;
  std::optional<std::uint32_t> connections_per_minute;
  std::optional<std::uint32_t> messages_per_minute;
  std::optional<std::uint32_t> recipients_per_minute;
  std::optional<std::uint32_t> recipients_per_day;
  std::optional<std::uint64_t> message_size;
  std::optional<std::uint32_t> recipients;
  std::optional<std::uint32_t> login_failures;

  Limits over(Limits base) const {
    if (connections) base.connections = *connections;
    if (connections_per_minute) base.connections_per_minute = *connections_per_minute;
    if (messages_per_minute) base.messages_per_minute = *messages_per_minute;
    if (recipients_per_minute) base.recipients_per_minute = *recipients_per_minute;
    if (recipients_per_day) base.recipients_per_day = *recipients_per_day;
    if (message_size) base.message_size = *message_size;
    if (recipients) base.recipients = *recipients;
    if (login_failures) base.login_failures = *login_failures;
    return base;
  }
  bool operator==(const LimitsChange&) const = default;
};

struct Listener {
  Profile profile = Profile::mx;
  std::vector<std::string> address;  // "0.0.0.0:25", "[::]:25"; empty: all, at the profile's port
  ListenerTls tls = ListenerTls::opportunistic;
  // "ADDR", a prefix, or "xclient:ADDR".
  std::vector<std::string> proxies;
  LimitsChange own_limits;
  Limits limits;  // complete: those of [limits] where the listener says nothing
};

// Where it listens: `address`, or every address of both families at the profile's port. Nothing for
// `local`.
inline std::vector<std::string> addresses_of(const Listener& listener) {
  if (!listener.address.empty()) return listener.address;
  switch (listener.profile) {
    case Profile::mx:
      return {"0.0.0.0:25", "[::]:25"};
    case Profile::submission:
      return {"0.0.0.0:587", "[::]:587"};
    case Profile::submissions:
      return {"0.0.0.0:465", "[::]:465"};
    case Profile::local:
      return {};
  }
  return {};
}

enum class OnHelo { reject_malformed, log };
constexpr auto words_of(OnHelo) {
  return words<OnHelo>({{OnHelo::reject_malformed, "reject-malformed"}, {OnHelo::log, "log"}});
}
enum class OnSenderDomain { reject_missing, log };
constexpr auto words_of(OnSenderDomain) {
  return words<OnSenderDomain>(
      {{OnSenderDomain::reject_missing, "reject-missing"}, {OnSenderDomain::log, "log"}});
}
enum class OnBareLf { normalize, reject };
constexpr auto words_of(OnBareLf) {
  return words<OnBareLf>({{OnBareLf::normalize, "normalize"}, {OnBareLf::reject, "reject"}});
}

struct RuleOptions {
  OnHelo helo = OnHelo::reject_malformed;
  OnSenderDomain sender_domain = OnSenderDomain::reject_missing;
  OnBareLf bare_lf = OnBareLf::normalize;
};

// The socket of sendmail(1).
inline constexpr const char* local_socket = "/run/sekisho/submit.sock";

}  // namespace sekisho::smtp
