// session/decided.h: one decision with all its inputs, so that it can be made again without the
// message's body and without the DNS.
// Thread: immutable values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "dkim/verify.h"
#include "dns/answers.h"
#include "mail/header.h"
#include "session/outcome.h"
#include "session/ports.h"

namespace sekisho::session {

// A question that a budget refused to one check, and that another check had answered later: the
// first check has its result without the answer.
struct Refusal {
  std::string check;  // "iprev", "helo", "mail_from", "dkim", "alias", "dmarc"
  dns::Question question;
  dns::AnswerPtr answer;
};

// The inputs of a decision, besides client and envelope, which are in Facts.
struct Inputs {
  std::string mta_name;  // what the MTA calls itself
  std::string hostname;  // this host's, as the configuration or the system gave it
  // when the checks of the client began; those of the message: Facts::received
  WallTime connected{};
  bool authenticated = false;
  bool at_rcpt = false;      // only refused recipients, no message
  bool blanks_lost = false;  // the MTA has removed the space after each colon of the header
  mail::Header header;       // as received, as far as it is within the limits
  std::uint64_t left_out =
      0;  // octets of the header that are not recorded: session/recorded_header.h
  bool answers_left_out = false;  // nor are the DNS answers: they were too many to record
  std::vector<std::string> malformed_lines;
  dns::Answers answers;
  std::vector<Refusal> refusals;
  std::vector<dkim::BodyDigest> bodies;
  // The answer of our own store, if it was asked to hold the message, or about a release.
  std::optional<HoldResult> hold_result;
  std::optional<std::string> released;
};

struct Decided {
  Outcome outcome;
  std::string configuration;  // the digest of the configuration in force
  std::string failure;        // what broke inside; empty when nothing did
  Inputs inputs;
};

}  // namespace sekisho::session
