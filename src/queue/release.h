// queue/release.h: a held message that came through the SMTP core goes on through the queue: its
// row in the quarantine is closed and its recipients become rows of the queue in one transaction.
// Nothing is copied. Its aliases are looked up when it is sent, and nobody asks a second time
// whether it may be forwarded: a person has decided.
// Errors: Failure. Thread: any; waits for the disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "queue/message.h"
#include "spool/store.h"

namespace sekisho::queue {

// The envelope of a held message, with the letter by which it would go on; and whether it has one.
std::string with_letter(std::string_view envelope, const Letter& letter);
bool has_letter(std::string_view envelope);

struct ReleaseHeld {
  std::string id;
  std::vector<std::string> recipients;  // empty: all who do not have it yet
  bool notify = false;                  // a later failure is told to the sender, as they asked
  std::string by;                       // who releases it
};

// The recipients that are in the queue now. `refused`: it came from an MTA.
spool::Outcome<std::vector<std::string>> release_held(spool::Store& spool,
                                                      const ReleaseHeld& request, WallTime now);

}  // namespace sekisho::queue
