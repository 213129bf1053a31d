// setup/snapshot.h: from settings to what the sessions work with: the resolver is made, the
// public suffix list, the allowlist and the denylist are read.
// Errors: a sentence for the admin. Thread: any.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "config/settings.h"
#include "session/engine.h"

namespace sekisho::setup {

// `running`: the snapshot in force and its settings, whose resolver (with its cache) is kept while
// [dns] says the same.
struct Running {
  std::shared_ptr<const session::Snapshot> snapshot;
  config::Settings settings;
};

// One that asks nobody: for decisions on recorded answers. Its resolver is a nullptr.
Expected<std::shared_ptr<session::Snapshot>, std::string> make_offline_snapshot(
    const config::Settings& settings, const std::string& digest);

Expected<std::shared_ptr<const session::Snapshot>, std::string> make_snapshot(
    const config::Settings& settings, const std::string& digest, const Running* running = nullptr);

}  // namespace sekisho::setup
