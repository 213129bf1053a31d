// app/house_part.h: what the SMTP core knows of this house at this moment: routes and permits,
// certificates, logins, aliases and lists of recipients. Files are looked at every minute.
// Errors, Thread: part.h; sites() and directory() any.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "accounts/authenticator.h"
#include "accounts/live_directory.h"
#include "app/part.h"
#include "base/alarms.h"
#include "base/clock.h"
#include "base/log.h"
#include "relay/map.h"
#include "session/engine.h"
#include "setup/this_host.h"
#include "smtp/site.h"
#include "tls/certificate_files.h"

namespace sekisho::app {

class HousePart final : public Part {
 public:
  struct Needs {
    session::Engine& engine;
    Alarms& alarms;
    Log& log;
    // Tests have others.
    std::function<setup::HostAddresses()> addresses = setup::addresses_of_this_host;
    std::function<SteadyTime()> clock = steady_now;
  };
  explicit HousePart(Needs needs)
      : needs_(std::move(needs)), alarms_(needs_.alarms), log_(needs_.log) {}

  // Certificates are read as root where we are root: keys are often readable for nobody else. What
  // cannot be read later is looked for among the copies beside the control socket.
  Expected<void, std::string> open(const config::Settings& settings) override;
  Expected<void, std::string> prepare(const config::Settings& settings,
                                      const session::Snapshot& snapshot) override;
  Expected<void, std::string> start(const config::Loaded& loaded) override;
  void reload(const config::Loaded& loaded, std::vector<std::string>& findings) override;
  void tick(const config::Settings& settings) override;
  void status(nlohmann::json& answer) const override;
  void warnings(std::vector<std::string>& out) const override;
  void append_metrics(metrics::Families& out) const override;

  // Only with a [[listener]].
  smtp::Sites& sites() { return sites_; }
  std::shared_ptr<const accounts::Directory> directory() const { return directory_->now(); }
  std::shared_ptr<const relay::Map> map() const { return sites_.now()->routes; }

 private:
  // A configuration that is prepared and not in force yet.
  struct Next {
    setup::HostAddresses host;
    std::shared_ptr<const relay::Map> map;
    std::shared_ptr<accounts::Authenticator> authenticator;
  };
  Expected<void, std::string> force(const config::Settings& settings);
  Expected<void, std::string> replace_site(const config::Settings& settings);
  void note_faults();

  const Needs needs_;
  Alarms& alarms_;
  Log& log_;
  std::optional<tls::CertificateFiles> certificates_;  // a listener is configured
  std::optional<accounts::LiveDirectory> directory_;
  accounts::UserOptions users_;  // of authenticator_
  std::shared_ptr<accounts::Authenticator> authenticator_;
  setup::HostAddresses host_;
  std::shared_ptr<const relay::Map> map_;
  Next next_;
  smtp::Sites sites_{nullptr};
  SteadyTime looked_{};
  std::vector<std::string> told_;              // faults that were logged
  std::map<std::string, std::string> raised_;  // alarms of certificates, by their keys
};

}  // namespace sekisho::app
