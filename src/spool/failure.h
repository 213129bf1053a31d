// spool/failure.h: why something could not be stored, read or changed. `why` is a sentence for the
// admin and the log, never text of a sender.
// Thread: immutable values.
#pragma once

#include <string>
#include <string_view>

#include "base/memory.h"
#include "base/result.h"
#include "base/words.h"

namespace sekisho::spool {

struct Failure {
  enum class Kind {
    no_space,     // the disk or the quota is full
    limit,        // max_size is reached
    locked,       // another process has kept the index locked for two seconds
    damaged,      // the index or a message file is damaged
    io,           // the system could not write or read
    not_synced,   // an fsync has failed: its data count as lost
    read_only,    // read-only file system, or no permission
    exists,       // there is a message of that key already
    not_found,    // there is none
    refused,      // the state or the arguments do not allow it
    unavailable,  // the store is unhealthy after a failed fsync, or stopping
  };
  Kind kind = Kind::io;
  std::string why;
  bool operator==(const Failure&) const = default;
};

constexpr auto words_of(Failure::Kind) {
  return words<Failure::Kind>({{Failure::Kind::no_space, "no space"},
                               {Failure::Kind::limit, "limit reached"},
                               {Failure::Kind::locked, "locked"},
                               {Failure::Kind::damaged, "damaged"},
                               {Failure::Kind::io, "I/O error"},
                               {Failure::Kind::not_synced, "fsync failed"},
                               {Failure::Kind::read_only, "not writable"},
                               {Failure::Kind::exists, "exists already"},
                               {Failure::Kind::not_found, "not found"},
                               {Failure::Kind::refused, "refused"},
                               {Failure::Kind::unavailable, "unavailable"}});
}

// The failure of a system call. `doing`: "write the message file".
Failure failure_of_errno(int error, std::string_view doing);

template <class T>
using Outcome = Expected<T, Failure>;

// The failure for an exception (no memory, a bug); needs no memory itself.
inline Failure failure_of(const std::exception& error) noexcept {
  return Failure{Failure::Kind::io, what_of(error)};
}

inline tl::unexpected<Failure> failed(Failure::Kind kind, std::string why) {
  return tl::unexpected<Failure>(Failure{kind, std::move(why)});
}
inline tl::unexpected<Failure> failed(Failure failure) {
  return tl::unexpected<Failure>(std::move(failure));
}

}  // namespace sekisho::spool
