// cli/sendmail.h: sendmail(1), mailq(1) and newaliases(1): other names of `sekisho`, for the
// programs of this host that send mail. It needs no rights and no configuration: the message goes
// to sekishod over a Unix socket, and when it is not taken now, into the drop folder, whence
// sekishod takes it later.
// Errors: sentences on stderr and sysexits(3). Thread: the main one.
#pragma once

#include <string>

#include "cli/sendmail_options.h"

namespace sekisho::cli {

// Where sekishod is found; the environment may name others, for a second daemon or a test.
struct SendmailPlaces {
  std::string socket;  // $SEKISHO_SUBMIT_SOCKET
  std::string drop;    // $SEKISHO_DROP
  // What only root and the daemon's group may read; for mailq.
  std::string config = {};
  std::string queue = {};
};
SendmailPlaces sendmail_places();

int sendmail(int argc, const char* const* argv, const SendmailPlaces& places = sendmail_places());

}  // namespace sekisho::cli
