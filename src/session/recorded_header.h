// session/recorded_header.h: which part of a header is recorded: all of it, up to a limit, so that
// senders cannot fill the history. Of a larger one, the fields for author, signatures and trace
// come before the others, each whole or not at all: half a field would be another field. Pure.
// Thread: any.
#pragma once

#include <cstddef>

#include "mail/header.h"

namespace sekisho::session {

// Headers of real mail have 3 to 20 KB; with long chains of ARC sets and Received fields 50.
inline constexpr std::size_t recorded_header_octets = std::size_t{64} * 1024;

// Removes fields from `header`; returns how many octets.
std::size_t cut_for_record(mail::Header& header);

}  // namespace sekisho::session
