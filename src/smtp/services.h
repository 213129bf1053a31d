// smtp/services.h: what all connections of the SMTP front share. `app` puts it together.
// Thread: immutable after start; what it refers to is internally locked and outlives the front.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "accounts/random_octets.h"
#include "base/log.h"
#include "mail/path.h"
#include "relay/options.h"
#include "session/arrival.h"
#include "session/engine.h"
#include "session/ports.h"
#include "smtp/counters.h"
#include "smtp/limits.h"
#include "smtp/login_quota.h"
#include "smtp/site.h"

namespace sekisho::smtp {

// The next hop's answer about a recipient (recipients = "ask").
struct Asked {
  enum class Code { exists, missing, later };
  Code code = Code::later;
  std::string reply;  // of the next hop, for the log
};
// `done` is called once, on any thread, or before the call returns.
using AskNextHop = std::function<void(const mail::Path& recipient, const relay::Route& route,
                                      std::function<void(Asked)> done)>;

// How long a client may take, and what it must have done by then. Tests take less.
struct Times {
  // RFC 5321 §4.5.3.2.7: five minutes for a command. It must be whole by then: an octet now and
  // then does not count.
  std::chrono::milliseconds command = std::chrono::minutes(5);
  // A PROXY header is there at once, and a handshake takes two round trips; a minute is for the
  // slowest line, and everybody waits at his own expense.
  std::chrono::milliseconds opening = std::chrono::seconds(60);
  // While a message arrives: as many octets in each such time, 33 a second. The slowest line in use
  // (GPRS) carries a hundred times as many.
  std::chrono::milliseconds rate = std::chrono::seconds(60);
  std::uint64_t rate_octets = 2000;
  // How often that is looked at.
  std::chrono::milliseconds look_every = std::chrono::seconds(15);
};

struct Services {
  session::Engine& engine;
  Sites& sites;
  ClientLimits& limits;
  LoginFailures& failures;
  LoginQuota& quota;
  BrokenTls& broken_tls;
  Counters& counters;
  Log& log;  // its lines are tagged sekisho/smtpd
  // Where the messages of a session are kept; it outlives the session.
  std::function<std::unique_ptr<session::Keeping>(std::shared_ptr<const session::Arrival>)> keeping;
  AskNextHop ask;
  std::string scram_secret = accounts::random_octets(32);
  // Why no message can be stored now: a full disk, no inodes. nullopt: there is room.
  std::function<std::optional<std::string>()> no_room = [] { return std::nullopt; };
  // Something an admin must know of (base/alarms.h).
  std::function<void(const std::string& key, const std::string& text)> alarm =
      [](const std::string&, const std::string&) {};
  std::function<void(const std::string& key)> alarm_over = [](const std::string&) {};
  Times times = {};
};

}  // namespace sekisho::smtp
