// tests/bench/load/run.h: many SMTP clients at once, each a thread that passes messages through a
// chain of filters and times them. Every event goes to the first filter, then to the next; the
// message goes whole through the first, and with the fields that it inserted to the next, as
// Postfix does with several smtpd_milters. Errors: a session that breaks off is counted and named,
// and the run goes on. Thread: run_load() makes its own and joins them.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/load/corpus.h"
#include "bench/load/filter.h"

namespace sekisho::bench {

struct LoadOptions {
  std::vector<FilterOptions> chain;
  unsigned sessions = 16;
  std::uint64_t messages = 0;        // 0: until `duration` is over
  std::chrono::seconds duration{0};  // 0: until `messages` are done
  unsigned messages_per_connection = 1;
  std::chrono::milliseconds command_delay{
      0};  // the client's pause before each command and before the message
  std::chrono::milliseconds message_delay{0};  // pause between two messages of a session
};

using Samples = std::vector<double>;  // seconds

struct LoadResult {
  std::uint64_t messages = 0;
  std::uint64_t errors = 0;
  double elapsed_seconds = 0;
  std::map<std::string, Samples> stages;           // time until the last filter has answered
  std::map<std::string, Samples> header_to_reply;  // by group of the corpus; "all" is every message
  std::map<std::string, std::uint64_t> replies;    // "eom continue", "rcpt replycode", …
  std::map<std::string, std::uint64_t> verdicts;   // "spf=pass", … as in Authentication-Results
  // "dmarc agree", "dmarc differ" with the expectation
  std::map<std::string, std::uint64_t> agreement;
  // first words of errors and of unexpected verdicts
  std::map<std::string, std::uint64_t> problems;

  void merge(const LoadResult& other);
};

LoadResult run_load(const std::vector<Message>& corpus, const LoadOptions& options);

}  // namespace sekisho::bench
