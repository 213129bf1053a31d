// accounts/unix_connection.h: connects to a Unix socket without waiting for whoever listens there.
// Errors: a sentence; also where the queue of the listener is full. Thread: any.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_handle.h"

namespace sekisho::accounts {

// Non-blocking.
Expected<UniqueFd, std::string> connect_at_once(const std::string& path);

}  // namespace sekisho::accounts
