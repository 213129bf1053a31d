// smtp/site.h: one configuration as the SMTP front sees it. A connection reads the one in force
// when a message begins, and keeps it to its end; a reload replaces it.
// Thread: Site is immutable; Sites any, internally locked.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "accounts/authenticator.h"
#include "accounts/directory.h"
#include "base/guarded.h"
#include "mail/mailbox.h"
#include "relay/map.h"
#include "smtp/options.h"
#include "smtp/proxy.h"

namespace sekisho::tls {
class ServerContext;
}

namespace sekisho::smtp {

// What one [[listener]] lets its clients do.
struct ListenerSite {
  Profile profile = Profile::mx;
  ListenerTls tls = ListenerTls::opportunistic;
  Limits limits;
  Proxies proxies;
  std::shared_ptr<const tls::ServerContext> tls_context;  // nullptr: no certificate
};

struct Site {
  std::string hostname;   // in our greeting
  std::string origin;     // completes the bare names of our own users
  std::string delimiter;  // before an extension of a user's name
  std::shared_ptr<const relay::Map> routes;
  std::shared_ptr<const accounts::Directory> directory;    // nullptr: everybody exists
  std::shared_ptr<accounts::Authenticator> authenticator;  // nullptr: nobody can log in
  RuleOptions rules;
  std::chrono::seconds defer_for{std::chrono::hours(4)};  // dmarc.defer_for
  bool smtputf8 = false;                                  // every open route takes SMTPUTF8
  std::vector<ListenerSite> listeners;  // in the order of the configuration, then `local`
};

class Sites {
 public:
  explicit Sites(std::shared_ptr<const Site> site) : site_(std::move(site)) {}
  std::shared_ptr<const Site> now() const {
    return site_.with([](const auto& site) { return site; });
  }
  void replace(std::shared_ptr<const Site> site) {
    site_.with([&](auto& mine) { mine.swap(site); });
  }

 private:
  Guarded<std::shared_ptr<const Site>> site_;
};

}  // namespace sekisho::smtp
