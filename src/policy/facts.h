// policy/facts.h: all that is known of one message when it is judged. Plain values, and the record:
// the log line, the explanation and an aggregate report are made of this. Thread: immutable values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/words.h"
#include "client/result.h"
#include "dkim/result.h"
#include "dmarc/result.h"
#include "mail/author.h"
#include "mail/ip_address.h"
#include "mail/mailbox.h"
#include "mail/mta.h"
#include "mail/path.h"
#include "policy/access_match.h"
#include "spf/result.h"

namespace sekisho::policy {

// What a socket's clients are. `local`: mail that did not come over SMTP, or comes again (Postfix's
// non_smtpd_milters): tagged at most, for nobody is there who could take a refusal.
enum class Role { mx, submission, local };
constexpr auto words_of(Role) {
  return words<Role>({{Role::mx, "mx"}, {Role::submission, "submission"}, {Role::local, "local"}});
}

// Why a message is not evaluated.
enum class Exemption {
  none,
  authenticated,
  trusted_network,
  unix_socket,
  released,  // out of our own quarantine, with its proof
};
constexpr auto words_of(Exemption) {
  return words<Exemption>({{Exemption::none, "none"},
                           {Exemption::authenticated, "authenticated"},
                           {Exemption::trusted_network, "trusted-network"},
                           {Exemption::unix_socket, "unix-socket"},
                           {Exemption::released, "released"}});
}

// What a trusted client's message brought of fields in our name: nothing, ours with their proof, or
// some without one. Only trusted clients can bring any: of others, all are removed.
enum class OwnFields { none, kept, removed };
constexpr auto words_of(OwnFields) {
  return words<OwnFields>(
      {{OwnFields::none, "none"}, {OwnFields::kept, "kept"}, {OwnFields::removed, "removed"}});
}

struct Client {
  std::optional<mail::IpAddress> address;  // none: a Unix socket, or the MTA does not know
  std::string name;                        // as the MTA verified it; "unknown" or empty otherwise
  std::string helo;                        // as the client said it
  bool unix_socket = false;
  mail::Mta mta = mail::Mta::own;  // who tells us of it; `own` too where nobody recorded that
  bool operator==(const Client&) const = default;
};

// Header fields that mailing lists and forwarders add. They excuse a broken signature.
struct Traces {
  std::vector<std::string> fields;  // "List-Id", "ARC-Seal", … each once
  bool author_signature = false;    // a DKIM-Signature aligned with the author, even a broken one

  bool any() const { return author_signature || !fields.empty(); }
  bool operator==(const Traces&) const = default;
};

struct Facts {
  std::string id;        // "K7Q2-4D"
  std::string queue_id;  // the MTA's; may be empty
  WallTime received{};
  Role role = Role::mx;
  Exemption exemption = Exemption::none;
  OwnFields own_fields = OwnFields::none;
  std::string released_id;      // Exemption::released: the id under which it was held
  Client client;                // who handed it over; behind a relay of ours: the hop before it
  std::optional<Client> relay;  // [trust] relays: whoever connected, when that is one of ours
  std::string relay_reason;     // what the Received fields told of the hop before it
  mail::Path mail_from;
  std::vector<mail::Path> recipients;
  std::vector<mail::Path> refused_recipients;  // at RCPT, by us
  bool header_over_limits = false;             // mail/limits.h
  mail::Author author;
  bool author_is_ours = false;  // the Author Domain is one of [identity] domains or below
  Traces traces;
  client::IprevResult iprev;
  // one for each lookup, in the order of the configuration
  std::vector<client::DnsListResult> lists;
  spf::Result spf_helo{spf::Scope::helo, spf::Code::none, "", "", ""};
  spf::Result spf_mail_from;
  std::vector<dkim::SignatureResult> dkim;
  dmarc::Result dmarc;                 // Code::permerror when the author is malformed
  std::vector<AccessMatch> allowlist;  // entries that name an identity of this message
  std::vector<AccessMatch> denylist;
  // With refused_recipients alone: the kinds of lists that an entry kept, or could still have kept,
  // from refusing there.
  client::DnsKindSet rcpt_skips;
  // How long this sender and author have been deferred already, from whichever network; none for
  // the first time.
  std::optional<std::chrono::seconds> deferred_for;
  // What the evaluation cost.
  std::size_t dns_questions = 0;
  std::chrono::milliseconds dns_waited{0};
  std::chrono::milliseconds elapsed{0};     // from MAIL FROM to the verdict
  std::chrono::microseconds decided_in{0};  // from the end of the message to the verdict
  bool operator==(const Facts&) const = default;
};

// "mail.example.com[192.0.2.1]", as Postfix writes it.
std::string client_text(const Client& client);

}  // namespace sekisho::policy
