// metrics/server.h: serves the metrics over HTTP: GET and HEAD of /metrics and /healthz, one
// request a connection. libmicrohttpd reads the requests; the loop, the sockets and their time are
// ours, so that a slow client delays nobody.
// Errors: open() says why the address cannot be had.
// Thread: its own, one; the callbacks are called on it.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/result.h"
#include "metrics/options.h"

namespace sekisho::metrics {

// A scrape is one packet each way on a working network, and Prometheus itself gives up after 10 s.
inline constexpr std::chrono::seconds http_request_time{5};

// Two servers that scrape, and a person, need three. When one more connects, the oldest is closed:
// it has been connected longest without a complete request.
inline constexpr std::size_t http_connections = 32;

// Request line and header of one request, and what is kept of it. Prometheus sends 300 octets, a
// browser with the cookies of other services on this host 4 KB.
inline constexpr std::size_t http_request_octets = 16 * 1024;

class Server {
 public:
  struct Pages {
    std::function<std::string()> metrics;
    std::function<bool()> healthy;  // whether mail is taken
  };

  explicit Server(Log& log);
  ~Server();

  // Opens the socket, as whatever user this is; does nothing if the options name none.
  Expected<void, std::string> open(const Options& options);
  // Serves; does nothing if no socket is open.
  Expected<void, std::string> run(Pages pages);
  void stop();
  // The listening address: "127.0.0.1:9464"; empty if there is none.
  std::string address() const;

 private:
  class Http;
  Log& log_;
  std::unique_ptr<Http> http_;
};

}  // namespace sekisho::metrics
