// relay/maildir.h: delivers into Maildir folders: written to tmp, synced, renamed to new, and the
// folder synced. https://cr.yp.to/proto/maildir.html, RFC 5321 §4.4 (Return-Path).
// Errors: results; a full disk is 4xx. Thread: any; waits for the disk.
#pragma once

#include <string>

#include "base/result.h"
#include "relay/transport.h"

namespace sekisho::relay {

// "/var/mail/{domain}/{user}" for a recipient: lower case, without the extension behind
// `delimiter`. The error is a sentence: the address cannot be the name of a folder.
Expected<std::string, std::string> maildir_of(const std::string& pattern, const mail::Path& to,
                                              const std::string& delimiter);

// One result for each recipient of the job.
JobResult deliver_to_maildirs(const Job& job, const std::string& pattern,
                              const std::string& delimiter);

}  // namespace sekisho::relay
