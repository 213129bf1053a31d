// session/recorded_header.h: what of a header is recorded: all of it, up to what a sender should
// fill a history with. Of a larger one, the fields that tell who wrote it, what signed it and how
// it came are kept before the others, each whole or not at all: half a field would be another
// field. Pure. Thread: any.
#pragma once

#include <cstddef>

#include "mail/header.h"

namespace sekisho::session {

// Headers of real mail have 3 to 20 KB; with long chains of ARC sets and Received fields 50.
inline constexpr std::size_t recorded_header_octets = std::size_t{64} * 1024;

// How many octets it took out of `header`.
std::size_t cut_for_record(mail::Header& header);

}  // namespace sekisho::session
