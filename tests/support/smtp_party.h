// tests/support/smtp_party.h: another party's SMTP server, as a program: aiosmtpd (smtp_party.py),
// or Postfix's smtp-sink. It ends with its object.
// Errors: std::runtime_error. Thread: one owner.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/unique_handle.h"

namespace sekisho::test {

// A program with pipes to its input and from its output.
class Program {
 public:
  explicit Program(const std::vector<std::string>& arguments);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program();

  // The next line of its output, within 20 s; throws if none comes.
  std::string line();
  // What it has written until its end.
  std::string rest();
  // Ends it, and waits.
  void end();

 private:
  int pid_ = -1;
  UniqueFd in_;
  UniqueFd out_;
  std::string buffer_;
};

class SmtpParty {
 public:
  // `options`: of smtp_party.py.
  explicit SmtpParty(const std::vector<std::string>& options = {});

  std::uint16_t port() const { return port_; }
  // What happened next: {"event": "message", …}, {"event": "login", …}.
  nlohmann::json next();

 private:
  Program program_;
  std::uint16_t port_ = 0;
};

// smtp-sink on a port that was free, or on a Unix socket; with its faults as options.
class SmtpSink {
 public:
  explicit SmtpSink(std::vector<std::string> options, const std::string& unix_path = "");

  std::uint16_t port() const { return port_; }

 private:
  std::uint16_t port_ = 0;
  Program program_;
};

}  // namespace sekisho::test
