// session/record.h: one decision as a person and a program read it: the log line and the JSON
// object. The same two values everywhere: Facts and Verdict. Thread: any.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/result.h"
#include "policy/facts.h"
#include "policy/verdict.h"

namespace sekisho::session {

// "4bXY: id=K7Q2-4D client=… … action=quarantine rule=dmarc reason="…" dns=7/41ms total=43ms"
std::string log_line(const policy::Facts& facts, const policy::Verdict& verdict);

// "mail.example.com[192.0.2.1]", as Postfix writes it.
std::string client_text(const policy::Client& client);

nlohmann::json to_json(const policy::Facts& facts, const policy::Verdict& verdict,
                       const std::string& authentication_results);

// Of what to_json() wrote, what an entry of the allowlist could name or be proved by, and the
// verdict without its edits. Not in there: client, HELO, envelope sender and time. Errors: a
// sentence, when it is not what to_json() writes.
struct Recorded {
  policy::Facts facts;
  policy::Verdict verdict;
};
Expected<Recorded, std::string> from_json(const nlohmann::json& record);

}  // namespace sekisho::session
