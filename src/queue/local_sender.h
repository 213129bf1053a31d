// queue/local_sender.h: mail of this host's own programs as it leaves: cron writes "From: root",
// which no other host takes. A bare name gets our origin; and where identity.local_sender is set,
// it replaces the addresses of this host, in the envelope and in From, whose name is kept.
// Errors: what cannot be read stays as it is. Thread: any.
#pragma once

#include <string>
#include <string_view>

#include "relay/options.h"

namespace sekisho::queue {

struct LocalSender {
  std::string address;  // identity.local_sender; empty: none
  std::string origin;
  std::string hostname;
};

// Whether a message that goes by this route leaves the host; nullptr: by MX.
bool leaves_host(const relay::Route* route);

// The envelope sender instead of this one.
std::string sender_as_it_leaves(const std::string& sender, const LocalSender& local);
// The value of a From field instead of this one.
std::string author_as_it_leaves(std::string_view value, const LocalSender& local);
// The header with its From fields replaced.
std::string header_as_it_leaves(std::string_view header, const LocalSender& local);

}  // namespace sekisho::queue
