// policy/facts.h: all that is known of one message when it is judged. Plain values: the record, the
// log line, the explanation and an aggregate report are made from them.
// Thread: immutable values.
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

// The clients of a socket. `local`: mail that was not received over SMTP, or is submitted again
// (Postfix's non_smtpd_milters): tagged at most, because nobody can receive a refusal.
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
  released,  // released from our own quarantine, with proof
};
constexpr auto words_of(Exemption) {
  return words<Exemption>({{Exemption::none, "none"},
                           {Exemption::authenticated, "authenticated"},
                           {Exemption::trusted_network, "trusted-network"},
                           {Exemption::unix_socket, "unix-socket"},
                           {Exemption::released, "released"}});
}

// The fields in our name in a message of a trusted client: none, ours with their proof, or some
// without one. In messages of other clients all are removed.
enum class OwnFields { none, kept, removed };
constexpr auto words_of(OwnFields) {
  return words<OwnFields>(
      {{OwnFields::none, "none"}, {OwnFields::kept, "kept"}, {OwnFields::removed, "removed"}});
}

struct Client {
  std::optional<mail::IpAddress> address;  // none: a Unix socket, or the MTA does not know
  std::string name;                        // as the MTA verified it; "unknown" or empty otherwise
  std::string helo;                        // as received
  bool unix_socket = false;
  mail::Mta mta = mail::Mta::own;  // the MTA in front of us; also `own` in old records
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
  Client client;                // the client; behind one of our relays: the hop before it
  std::optional<Client> relay;  // [trust] relays: the connected host, if it is one of ours
  std::string relay_reason;     // why the hop before it is or is not known
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
  // Only with refused_recipients: the kinds of lists that an entry prevented, or could still have
  // prevented, from refusing at RCPT.
  client::DnsKindSet rcpt_skips;
  // How long this sender and author have been deferred already, from any network; nullopt for the
  // first time.
  std::optional<std::chrono::seconds> deferred_for;
  // The cost of the evaluation.
  std::size_t dns_questions = 0;
  std::chrono::milliseconds dns_waited{0};
  std::chrono::milliseconds elapsed{0};     // from MAIL FROM to the verdict
  std::chrono::microseconds decided_in{0};  // from the end of the message to the verdict
  bool operator==(const Facts&) const = default;
};

// "mail.example.com[192.0.2.1]", as Postfix writes it.
std::string client_text(const Client& client);

}  // namespace sekisho::policy
