// setup/snapshot.h: makes the snapshot for the sessions from settings: creates the resolver, and
// reads the public suffix list, the allowlist and the denylist. Where there is a [[listener]],
// clients that a [[permit]] lets send anywhere are trusted too, and no network covers the gateway.
// Errors: a sentence for the admin. Thread: any.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "config/settings.h"
#include "relay/map.h"
#include "session/engine.h"

namespace sekisho::setup {

// `running`: the snapshot in force and its settings, whose resolver (with its cache) is kept if
// [dns] is unchanged. `resolv_conf`: names the servers where [dns] names none.
struct Running {
  std::shared_ptr<const session::Snapshot> snapshot;
  config::Settings settings;
};

// A snapshot for decisions on recorded answers: nothing in it depends on this host's addresses. Its
// resolver is nullptr.
Expected<std::shared_ptr<session::Snapshot>, std::string> make_offline_snapshot(
    const config::Settings& settings, const std::string& digest);

Expected<std::shared_ptr<const session::Snapshot>, std::string> make_snapshot(
    const config::Settings& settings, const std::string& digest, const Running* running = nullptr,
    const std::string& resolv_conf = "/etc/resolv.conf");

// The same after this host's addresses have changed: whom the map trusts is not judged.
std::shared_ptr<const session::Snapshot> with_networks_of(const relay::Map& map,
                                                          const session::Snapshot& snapshot);

}  // namespace sekisho::setup
