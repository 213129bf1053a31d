// history/archive.h: reads the recorded decisions, also while the recorder writes.
// Errors: spool::Failure, a sentence for the admin. Thread: one owner.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "history/recorder.h"
#include "mail/ip_address.h"
#include "mail/name_pattern.h"
#include "session/decided.h"
#include "spool/database.h"

namespace sekisho::history {

// One decision as a row of a table. Texts of strangers are not escaped.
struct Row {
  std::int64_t number = 0;
  std::string id;
  std::string queue_id;
  WallTime time{};
  std::string client;
  std::string client_name;
  std::string mail_from;
  std::vector<std::string> recipients;
  std::string author;
  std::string subject;
  std::string action;
  std::string would;  // the action that monitor mode prevented; empty if none
  std::string rule;
  std::string reason;
  // The rules that refused other recipients at RCPT, each once.
  struct Refused {
    std::string action;
    std::string rule;
    std::string reason;
  };
  std::vector<Refused> refused;
};

// All given criteria must match; case is ignored.
struct Filter {
  std::optional<WallTime> since = {};
  std::optional<WallTime> until = {};
  mail::NamePattern from = {};  // MAIL FROM or the Author Domain
  mail::NamePattern to = {};
  // Whole words ("dnsbl" matches every dnsbl:NAME). Rule and action must match together: both of
  // the message, or both of a refusal at RCPT.
  std::string rule = {};
  std::string action = {};
  std::string would = {};                      // the whole word
  std::optional<mail::IpPrefix> network = {};  // of the client's address
  mail::NamePattern client = {};               // the client's name
  std::string text = {};  // in the subject, the reason or any of the above, anywhere

  bool matches(const Row& row) const;
};

// "K7Q2-4DMX" from a text that a person typed: any case, with or without the hyphen, I and L for 1,
// O for 0.
std::string normal_id(std::string text);

class Archive {
 public:
  static spool::Outcome<Archive> open(const std::string& dir);

  // Newest first, until `each` says false.
  spool::Outcome<void> list(const Filter& filter, const std::function<bool(const Row&)>& each);
  // The number of the newest decision with that id, or with that queue id of the MTA; nullopt if
  // there is none.
  spool::Outcome<std::optional<std::int64_t>> find(const std::string& id);
  spool::Outcome<Expected<session::Decided>> read(std::int64_t number);
  spool::Outcome<std::optional<Configuration>> configuration(const std::string& digest);

 private:
  explicit Archive(spool::Database database) : database_(std::move(database)) {}
  spool::Database database_;
  // Whether the file has the newer columns; a newer daemon adds them.
  bool has_refused_ = false;
  bool has_monitored_ = false;
};

}  // namespace sekisho::history
