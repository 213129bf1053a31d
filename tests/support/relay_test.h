// tests/support/relay_test.h: a transport on loops of its own, with a zone for its DNS, and jobs
// whose results are waited for.
// Thread: one owner.
#pragma once

#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/log.h"
#include "dns/zone_resolver.h"
#include "net/loops.h"
#include "relay/map.h"
#include "relay/smtp_transport.h"

namespace sekisho::test {

class StringContent final : public relay::Content {
 public:
  explicit StringContent(std::string text) : text_(std::move(text)) {}
  std::uint64_t size() const override { return text_.size(); }
  Expected<std::string, std::string> read(std::uint64_t offset, std::size_t count) override {
    return text_.substr(std::min<std::size_t>(offset, text_.size()), count);
  }

 private:
  std::string text_;
};

inline const std::string short_message = "Subject: x\r\n\r\n.dot\r\nend\r\n";

// "a@d.test" to the recipients, which have one domain.
inline relay::Job job_for(std::shared_ptr<const relay::Map> map,
                          const std::vector<std::string>& recipients,
                          const std::string& content = short_message) {
  relay::Job job;
  job.id = "id";
  job.sender = mail::Path("sender@example.com");
  for (const auto& to : recipients) job.targets.push_back({mail::Path(to), {}});
  job.domain = std::string(job.targets.front().path.domain());
  job.map = std::move(map);
  job.open = [content]() -> Expected<std::unique_ptr<relay::Content>, std::string> {
    return std::make_unique<StringContent>(content);
  };
  return job;
}

class RelayTest : public testing::Test {
 protected:
  static relay::Trust some_trust(const std::string& ca_file) {
    tls::ClientOptions options;
    options.ca_file = ca_file;
    options.system_cas = false;
    auto any = tls::ClientContext::make(options);
    options.demand_verified = true;
    auto verified = tls::ClientContext::make(options);
    return {any.value(), verified.value()};
  }

  explicit RelayTest(const std::string& zone = "", const relay::Trust& trust = some_trust(""))
      : log_(stderr_sink("test"), LogLevel::error),
        loops_("relay", log_, {2, 1}),
        resolver_(dns::Zone::parse("$ORIGIN test.\n" + zone).value()),
        transport_(loops_, resolver_, {dns::Options(), trust, "+"}) {
    loops_.run();
  }
  ~RelayTest() override { transport_.stop(); }

  static relay::Route route_to(const relay::Via& via, const std::string& domain = "d.test") {
    relay::Route route;
    route.domain = {domain};
    route.via = via;
    return route;
  }
  static relay::Route route_to_port(std::uint16_t port,
                                    relay::Via::Kind kind = relay::Via::Kind::smtp_host) {
    return route_to({kind, "127.0.0.1", port});
  }
  static std::shared_ptr<const relay::Map> map_of(std::vector<relay::Route> routes,
                                                  relay::Egress egress = {}) {
    relay::MapOptions options;
    options.routes = std::move(routes);
    options.egress = std::move(egress);
    options.hostname = "me.example";
    return std::make_shared<relay::Map>(std::move(options));
  }

  relay::JobResult deliver(relay::Job job) {
    std::promise<relay::JobResult> promise;
    transport_.deliver(std::move(job),
                       [&](relay::JobResult result) { promise.set_value(std::move(result)); });
    return promise.get_future().get();
  }
  relay::JobResult deliver(const std::shared_ptr<const relay::Map>& map,
                           const std::vector<std::string>& recipients = {"b@d.test"}) {
    return deliver(job_for(map, recipients));
  }
  relay::Result deliver_one(const std::shared_ptr<const relay::Map>& map) {
    return deliver(map).results.at(0);
  }

  Log log_;
  net::Loops loops_;
  dns::ZoneResolver resolver_;
  relay::SmtpTransport transport_;
};

}  // namespace sekisho::test
