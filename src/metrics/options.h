// metrics/options.h: where Prometheus reaches the daemon. [metrics]
// Thread: immutable values.
#pragma once

#include <string>

namespace sekisho::metrics {

struct Options {
  std::string listen;  // "127.0.0.1:9464"; empty: nowhere
};

}  // namespace sekisho::metrics
