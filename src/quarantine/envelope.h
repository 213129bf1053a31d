// quarantine/envelope.h: the data for giving a held message back, which its list does not show:
// `envelope` of Detail.
// Errors: nullopt for text that we did not write. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/verdict.h"
#include "session/ports.h"

namespace sekisho::quarantine {

struct Envelope {
  std::string received;                      // the value of our Received field
  std::string authentication_results;        // of our own field
  std::vector<std::string> mail_parameters;  // "BODY=8BITMIME"
  std::vector<session::Recipient> recipients;
  std::vector<policy::Edit> removals;  // of forged fields, from the last to the first
  // The letter for our own queue, through which it goes on; empty: it goes back to an MTA.
  std::string queue = {};

  std::string json() const;
  static std::optional<Envelope> parse(std::string_view json);
};

}  // namespace sekisho::quarantine
