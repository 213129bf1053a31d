// [tls], [[listener]], [limits], [smtp].
#include "config/checks.h"
#include "config/smtp_values.h"

namespace sekisho::config {
namespace {

using smtp::Limits;
using smtp::LimitsChange;
using smtp::Listener;

// More is nobody's limit, and "0" says so shorter.
constexpr std::uint32_t most_of_a_limit = 10'000'000;
// A larger message would be base64 of a film; sizes are counted in 64 bits everywhere.
constexpr std::uint64_t largest_message = std::uint64_t{4} * 1024 * 1024 * 1024;
// RFC 5321 §4.5.3.1.7: 64K octets must be taken.
constexpr std::uint64_t smallest_message = std::uint64_t{64} * 1024;
// RFC 5321 §4.5.3.1.8: 100 recipients must be taken.
constexpr std::uint32_t least_recipients = 100;
constexpr std::uint32_t most_recipients = 50'000;

Type<std::uint32_t> limit() { return number<std::uint32_t>(0, most_of_a_limit); }
Type<std::uint64_t> message_size() { return size(smallest_message, largest_message); }
Type<std::uint32_t> message_recipients() {
  return number<std::uint32_t>(least_recipients, most_recipients);
}

template <class Member>
Field<LimitsChange> limit_field(const char* name, Member member) {
  return {name, at<LimitsChange>(maybe(limit()), member)};
}

Type<LimitsChange> limits_change() {
  return table_of<LimitsChange>(
      "a table of keys of [limits]",
      {limit_field(
           "connections", [](auto& l) -> auto& { return l.connections; }),
       limit_field(
           "connections_per_minute", [](auto& l) -> auto& { return l.connections_per_minute; }),
       limit_field(
           "messages_per_minute", [](auto& l) -> auto& { return l.messages_per_minute; }),
       limit_field(
           "recipients_per_minute", [](auto& l) -> auto& { return l.recipients_per_minute; }),
       limit_field(
           "recipients_per_day", [](auto& l) -> auto& { return l.recipients_per_day; }),
       {"message_size",
        at<LimitsChange>(
            maybe(message_size()), [](auto& l) -> auto& { return l.message_size; })},
       {"recipients",
        at<LimitsChange>(
            maybe(message_recipients()), [](auto& l) -> auto& { return l.recipients; })},
       limit_field(
           "login_failures", [](auto& l) -> auto& { return l.login_failures; })});
}

// The profile of a [[listener]]: `local` is always there.
Type<smtp::Profile> profile() {
  using smtp::Profile;
  return choice<Profile>({{"mx", Profile::mx},
                          {"submission", Profile::submission},
                          {"submissions", Profile::submissions}});
}

Rows listener_keys() {
  return {
      {.name = "profile",
       .entry = in_entry<Listener>(
           profile(), [](auto& l) -> auto& { return l.profile; }),
       .reload = Reload::restart,
       .required = true,
       .sample = R"("mx")",
       .text = "Who connects. mx: other mail servers; nobody can log in there. submission: our own "
               "users, who log in after STARTTLS (RFC 6409). submissions: the same, with TLS from "
               "the first octet (RFC 8314). On the last two only a login sends: permits, trust and "
               "open routes do not apply."},
      {.name = "address",
       .entry = in_entry<Listener>(
           listen_addresses(), [](auto& l) -> auto& { return l.address; }),
       .reload = Reload::restart,
       .sample = R"(["0.0.0.0:25", "[::]:25"])",
       .text = "Where it listens. Empty: every address of both families, at port 25 (mx), 587 "
               "(submission) or 465 (submissions). An IPv6 address is for IPv6 alone."},
      {.name = "tls",
       .entry = in_entry<Listener>(
           choice<smtp::ListenerTls>(), [](auto& l) -> auto& { return l.tls; }),
       .text = "For mx only. off: STARTTLS is not offered. opportunistic: it is offered where "
               "tls.certificate is set. required: no mail without it; most of the Internet's mail "
               "comes with TLS, and the rest is then refused."},
      {.name = "proxies",
       .entry = in_entry<Listener>(
           texts("addresses, networks and xclient:ADDRESS", check_proxy),
           [](auto& l) -> auto& { return l.proxies; }),
       .sample = R"(["10.0.0.5", "xclient:10.0.0.6"])",
       .text = "Hosts that pass connections of others on to us, and say whose they are. From an "
               "address or network a PROXY header (version 1 or 2) must come first. From "
               "\"xclient:ADDRESS\" XCLIENT must come before any mail; a login that it tells is "
               "not believed. Public networks wider than /24 or /48 are an error."},
      {.name = "limits",
       .entry = in_entry<Listener>(
           limits_change(), [](auto& l) -> auto& { return l.own_limits; }),
       .sample = "{recipients_per_minute = 30}",
       .text = "Keys of [limits] that are different for this listener."},
  };
}

Rows limits_keys() {
  return {
      {.name = "connections",
       .slot = at<Settings>(
           limit(), [](auto& s) -> auto& { return s.limits.connections; }),
       .text = "Connections at a time."},
      {.name = "connections_per_minute",
       .slot = at<Settings>(
           limit(), [](auto& s) -> auto& { return s.limits.connections_per_minute; }),
       .text = "New connections in a minute. More get 421 4.7.0."},
      {.name = "messages_per_minute",
       .slot = at<Settings>(
           limit(), [](auto& s) -> auto& { return s.limits.messages_per_minute; }),
       .text = "Messages in a minute. More get 450 4.7.1."},
      {.name = "recipients_per_minute",
       .slot = at<Settings>(
           limit(), [](auto& s) -> auto& { return s.limits.recipients_per_minute; }),
       .text =
           "Recipients in a minute that a client names, whether they exist or not; and those of "
           "one login, from wherever it is used. More get 450 4.7.1."},
      {.name = "recipients_per_day",
       .slot = at<Settings>(
           limit(), [](auto& s) -> auto& { return s.limits.recipients_per_day; }),
       .text = "Accepted recipients of one login in the last 24 hours, also across a restart. More "
               "get 450 4.7.1, with an alarm: it is what stops a stolen account. Recipients that "
               "were refused "
               "do not count."},
      {.name = "message_size",
       .slot = at<Settings>(
           message_size(), [](auto& s) -> auto& { return s.limits.message_size; }),
       .text = "The size of one message. EHLO tells it (RFC 1870); a larger one gets 552 5.3.4."},
      {.name = "recipients",
       .slot = at<Settings>(
           message_recipients(), [](auto& s) -> auto& { return s.limits.recipients; }),
       .text = "Recipients of one message. More get 452 4.5.3, and the sender sends again for "
               "them."},
      {.name = "login_failures",
       .slot = at<Settings>(
           limit(), [](auto& s) -> auto& { return s.limits.login_failures; }),
       .text = "Wrong passwords of one login from one address in ten minutes. After that this pair "
               "gets 454 unasked; the login from elsewhere, and other logins that have succeeded "
               "from this address in the last 30 days, go on."},
  };
}

Rows smtp_keys() {
  return {
      {.name = "helo",
       .slot = at<Settings>(
           choice<smtp::OnHelo>(), [](auto& s) -> auto& { return s.smtp.helo; }),
       .text = "What a malformed name in HELO or EHLO gets: a bare address, or labels of anything "
               "but letters, digits, \"-\" and \"_\". An address literal is not malformed. "
               "reject-malformed: 501 5.5.2. log: only a line in the log."},
      {.name = "sender_domain",
       .slot = at<Settings>(
           choice<smtp::OnSenderDomain>(), [](auto& s) -> auto& { return s.smtp.sender_domain; }),
       .text = "What a sender domain gets that cannot receive mail. reject-missing: a name that "
               "does not exist, or has a null MX (RFC 7505), gets 550; if the DNS fails, 450. log: "
               "only a line in the log."},
      {.name = "bare_lf",
       .slot = at<Settings>(
           choice<smtp::OnBareLf>(), [](auto& s) -> auto& { return s.smtp.bare_lf; }),
       .text = "What becomes of a line end that is not CRLF within a message. normalize: a bare LF "
               "becomes CRLF, and a bare CR a blank. reject: 550. Neither ever ends the message."},
  };
}

std::vector<Field<tls::KeyPair>> pair_fields() {
  return {{"certificate", at<tls::KeyPair>(
                              path(), [](auto& p) -> auto& { return p.certificate; })},
          {"key", at<tls::KeyPair>(
                      path(), [](auto& p) -> auto& { return p.key; })}};
}

Rows tls_keys() {
  return {
      {.name = "certificate",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.tls.main.certificate; }),
       .sample = R"("/etc/letsencrypt/live/mx.example.jp/fullchain.pem")",
       .text = "The certificate of this host with its chain, PEM. Listeners for logins need it; mx "
               "offers STARTTLS only with it. The file is looked at every minute; a new pair is "
               "used when it parses and fits together, else the old one stays, with an alarm."},
      {.name = "key",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.tls.main.key; }),
       .sample = R"("/etc/letsencrypt/live/mx.example.jp/privkey.pem")",
       .text = "The private key of the certificate, PEM. If only root may read it, \"sekisho "
               "certificates copy\" gives the daemon a copy: see sekishod(8)."},
      {.name = "names",
       .slot = at<Settings>(
           tables_of<tls::KeyPair>("{certificate, key} tables", pair_fields()),
           [](auto& s) -> auto& { return s.tls.names; }),
       .sample = R"([{certificate = "/etc/ssl/smtp.pem", key = "/etc/ssl/smtp.key"}])",
       .text = "More pairs, chosen by the name that the client asks for (SNI, RFC 6066)."},
      {.name = "min_version",
       .slot = at<Settings>(
           choice<tls::Version>(), [](auto& s) -> auto& { return s.tls.min_version; }),
       .text = "The oldest version of TLS that listeners take. A server whose handshake failed is "
               "offered no STARTTLS for an hour, on mx."},
      {.name = "ca_file",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.tls.ca_file; }),
       .sample = R"("/etc/sekisho/ca.pem")",
       .text = "Authorities, PEM, that are believed for next hops, besides those of the system."},
  };
}

}  // namespace

Section listener_section() {
  return {
      .name = "listener",
      .text =
          "A place where mail comes in by SMTP; one entry for each. With at least one, this "
          "host is a mail server of its own, and sendmail(1) reaches it at "
          "/run/sekisho/submit.sock. Listeners share nothing with what mail is sent from.",
      .keys = listener_keys(),
      .repeated = entries_at<Listener>([](auto& s) -> auto& { return s.listeners; }),
      .check = check_listeners,
  };
}

Section limits_section() {
  return {.name = "limits",
          .text =
              "How much one client of the listeners may use: one IPv4 address, one /64 of "
              "IPv6; recipients are counted by login too. 0 is no limit. They are not for "
              "trust.networks, trust.relays and permits.",
          .keys = limits_keys()};
}

Section smtp_section() {
  return {.name = "smtp",
          .text = "Rules of the listeners on strangers, answered at RCPT; never for postmaster.",
          .keys = smtp_keys()};
}

Section tls_section() {
  return {.name = "tls",
          .text = "Certificates of the listeners, and whom we believe.",
          .keys = tls_keys(),
          .check = check_tls};
}

}  // namespace sekisho::config
