// smtp/counters.h: what `sekisho status` and the metrics count of the SMTP front, since start.
// Thread: any.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sekisho::smtp {

struct Counters {
  using Count = std::atomic<std::uint64_t>;

  Count connections{0};
  std::atomic<std::size_t> open_connections{0};
  Count connections_refused{0};  // over a limit, or without room
  Count messages{0};             // answered 250
  Count messages_refused{0};     // at the end of DATA
  Count recipients_refused{0};
  Count tls_1_2{0};
  Count tls_1_3{0};
  Count tls_failures{0};  // handshakes
  Count logins{0};
  Count login_failures{0};     // wrong passwords
  Count login_unavailable{0};  // the source did not answer
};

}  // namespace sekisho::smtp
