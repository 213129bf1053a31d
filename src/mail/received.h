// mail/received.h: one Received field, read as the host that wrote it meant it. RFC 5321 §4.4, and
// what MTAs write instead. The address is taken only from the place where the receiving host puts
// what its socket said (TCP-info), never from the HELO text: where the two cannot be told apart
// (two addresses, "by" twice) there is no address, and a reason. Text behind the client, and a
// malformed date, do not matter. Linear; bounded by mail/limits.h. It relies on one thing: that the
// host writes TCP-info at all.
// Errors: ParseError; never throws. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "mail/ip_address.h"

namespace sekisho::mail {

struct Received {
  enum class Source {
    client,  // over the network, from `address`
    local,   // submitted on that host: "(Postfix, from userid 0)", "with local", "(uid 0)", …
    // "(qmail 1 invoked from network)": the field below, of the same host, tells the source
    next_field,
    untold,  // the field does not name a client beyond doubt: see `reason`
  };
  Source source = Source::untold;
  std::optional<IpAddress> address;  // exactly when source is `client`
  std::string helo;                  // the client's text: anything
  std::string name;  // of the address, as the host wrote it; empty for "unknown"; unproven
  bool may_be_forged = false;  // sendmail says so of the name
  std::string reason;          // for people, when source is `untold`

  std::string from;  // the word after "from", whatever it means
  std::string by;
  std::string via;
  std::string with;  // "ESMTPS", "Microsoft SMTP Server"
  std::string id;
  std::string recipient;         // of "for", as written
  std::optional<WallTime> date;  // none: it says no moment
};

// The value of a Received field, folded or not.
Expected<Received> parse_received(std::string_view value);

}  // namespace sekisho::mail
