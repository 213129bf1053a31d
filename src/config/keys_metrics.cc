#include "config/checks.h"
#include "config/key_rows.h"

namespace sekisho::config {

namespace {

Rows metrics_keys() {
  return {
      {.name = "listen",
       .slot = at<Settings>(
           text("ADDRESS:PORT, an IPv6 address in brackets", check_listen_address),
           [](auto& s) -> auto& { return s.metrics.listen; }),
       .reload = Reload::restart,
       .sample = R"("127.0.0.1:9464")",
       .text = "Where Prometheus reads, over HTTP, what the daemon has counted (/metrics), and a "
               "load balancer whether it takes mail (/healthz). There is no password: listen on "
               "this host, or let a packet filter admit the monitoring host alone. [::]:9464 is "
               "every address of this host, IPv4 too. Empty: nowhere."},
  };
}

}  // namespace

Section metrics_section() {
  return {.name = "metrics",
          .text = "What Prometheus reads.",
          .keys = metrics_keys(),
          .check = check_metrics};
}

}  // namespace sekisho::config
