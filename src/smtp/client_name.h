// smtp/client_name.h: the name of a client's address, if it leads back to that address: what the
// log and our Received field call it, and what lists of names are asked about. RFC 8601 §3.
// Errors: an empty name. Thread: one owner; `notify` as dns/inquiry.h.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "dns/inquiry.h"
#include "mail/ip_address.h"

namespace sekisho::smtp {

class ClientName {
 public:
  // The greeting waits for it. RFC 5321 §4.5.3.2.1 gives us five minutes; who is asked about a
  // dead name server must not be taken for one.
  static constexpr std::chrono::seconds most_time{5};

  ClientName(dns::Resolver& resolver, dns::Options options, const mail::IpAddress& address,
             std::function<void()> notify);
  // nullopt: not known yet. "": it has none.
  std::optional<std::string> name();
  SteadyTime deadline() const { return inquiry_.deadline(); }
  void expire() { inquiry_.expire(); }

 private:
  // A PTR and two addresses for each of ten names, at most.
  static constexpr std::size_t most_questions = 21;

  mail::IpAddress address_;
  dns::Share share_{.most = most_questions, .hints = most_questions};
  dns::Inquiry inquiry_;
};

}  // namespace sekisho::smtp
