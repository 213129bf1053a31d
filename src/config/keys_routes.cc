// [[route]], [[permit]], [egress], [queue].
#include "config/checks.h"
#include "config/smtp_values.h"

namespace sekisho::config {
namespace {

using relay::EgressChange;
using relay::Permit;
using relay::Route;
using std::chrono::milliseconds;
using std::chrono::seconds;

// More connections to one next hop than any server takes from one client.
constexpr std::uint32_t most_connections = 1000;
constexpr milliseconds shortest_wait = seconds(1);
constexpr milliseconds longest_wait = std::chrono::hours(24) * 365;

Type<seconds> reply_timeout() {
  return duration<seconds>(seconds(1), milliseconds(std::chrono::hours(1)));
}

Type<EgressChange> egress_change() {
  return table_of<EgressChange>(
      "a table of keys of [egress]",
      {{"family", at<EgressChange>(
                      maybe(choice<relay::Family>()), [](auto& e) -> auto& { return e.family; })},
       {"ipv4",
        at<EgressChange>(
            maybe(text("an IPv4 address", check_v4)), [](auto& e) -> auto& { return e.ipv4; })},
       {"ipv6",
        at<EgressChange>(
            maybe(text("an IPv6 address", check_v6)), [](auto& e) -> auto& { return e.ipv6; })},
       {"helo",
        at<EgressChange>(
            maybe(text("a host name", check_host_name)), [](auto& e) -> auto& { return e.helo; })},
       {"timeout", at<EgressChange>(
                       maybe(reply_timeout()), [](auto& e) -> auto& { return e.timeout; })}});
}

Rows way_keys() {
  return {
      {.name = "domain",
       .entry = in_entry<Route>(
           route_domains(), [](auto& r) -> auto& { return r.domain; }),
       .required = true,
       .sample = R"(["example.jp"])",
       .text = "The domains whose mail goes this way. \"example.jp\" is that name alone, "
               "\".example.jp\" the names below it, \"*\" everywhere else. The most specific one "
               "wins. Without \"*\" the rest goes to its MX."},
      {.name = "via",
       .entry = in_entry<Route>(
           via(), [](auto& r) -> auto& { return r.via; }),
       .required = true,
       .sample = R"("lmtp:unix:/run/dovecot/lmtp")",
       .text = "How it goes. lmtp: to a server that delivers (RFC 2033). maildir: into the Maildir "
               "at this path, with {domain} and {user} in it; files belong to process.user. "
               "smtp:[HOST]:PORT: to this host, whatever its MX; a name is looked up as the system "
               "does, and an address may have a scope (\"smtp:[fe80::1%eth0]\"). "
               "smtps:[HOST]:PORT: the same, with TLS from the first octet. smtp:DOMAIN:PORT: to "
               "the MX of this domain. mx: to the MX of the recipient's domain. discard: away, "
               "with a line in the log. Without a port: 25, smtps 465; lmtp needs one."},
      {.name = "recipients",
       .entry = in_entry<Route>(
           recipients_of_route(), [](auto& r) -> auto& { return r.recipients; }),
       .sample = R"("users")",
       .text = "Who exists there; others are refused at RCPT. A route that says it is open: "
               "strangers may send to it. Without it the route is only a way out. users: those of "
               "users.source, which must be a file. any: everybody. ask: the next hop is asked. "
               "file:PATH: lines \"user@domain\", \"@domain\" and \"!user@domain\". Recipients get "
               "451 while a list cannot be read. lmtp and maildir need it, maildir not \"any\"; "
               "\"*\" must not have it."},
  };
}

Rows security_keys() {
  return {
      {.name = "tls",
       .entry = in_entry<Route>(
           choice<relay::RouteTls>(), [](auto& r) -> auto& { return r.tls; }),
       .text = "TLS to the next hop. none: never. opportunistic: where it is offered, with "
               "whatever certificate. required: or the mail waits. verified: and the certificate "
               "must be valid for the host. With a login it is always verified."},
      {.name = "tls_name",
       .entry = in_entry<Route>(
           text("a host name", check_host_name), [](auto& r) -> auto& { return r.tls_name; }),
       .text = "The name that the certificate must have. Empty: that of the host."},
      {.name = "login",
       .entry = in_entry<Route>(
           text("a login", check_login), [](auto& r) -> auto& { return r.login; }),
       .text = "Our login there: by SCRAM-SHA-256, PLAIN, LOGIN or CRAM-MD5, what it offers, and "
               "never without verified TLS. If it is refused, the mail of this route waits, with "
               "an alarm, and never bounces for that."},
      {.name = "password_file",
       .entry = in_entry<Route>(
           path(), [](auto& r) -> auto& { return r.password_file; }),
       .text = "The file whose first line is the password. Nobody but the daemon's user may read "
               "it (mode 0600), or it is a credential of systemd. It is read at each attempt."},
      {.name = "token_file",
       .entry = in_entry<Route>(
           path(), [](auto& r) -> auto& { return r.token_file; }),
       .text = "Instead of a password: the file whose first line is an access token for XOAUTH2, "
               "which another program renews."},
      {.name = "concurrency",
       .entry = in_entry<Route>(
           number<std::uint32_t>(1, most_connections),
           [](auto& r) -> auto& { return r.concurrency; }),
       .text = "Connections to one next hop at a time."},
      {.name = "egress",
       .entry = in_entry<Route>(
           egress_change(), [](auto& r) -> auto& { return r.egress; }),
       .sample = R"({ipv4 = "192.0.2.1", family = "ipv4-only"})",
       .text = "Keys of [egress] that are different for this route."},
  };
}

Rows route_keys() {
  Rows rows = way_keys();
  const Rows security = security_keys();
  rows.insert(rows.end(), security.begin(), security.end());
  return rows;
}

Rows permit_keys() {
  return {
      {.name = "from",
       .entry = in_entry<Permit>(
           permit_networks(), [](auto& p) -> auto& { return p.from; }),
       .required = true,
       .sample = R"(["192.168.1.10", "2001:db8:1::/64"])",
       .text = "Clients, by address. A \"!\" excludes an address or a network; the most specific "
               "entry decides. A network never covers the address of the default gateway (IPv4) or "
               "that of a bridge of this host, behind which anybody may be: name it singly if you "
               "mean it."},
      {.name = "to",
       .entry = in_entry<Permit>(
           route_domains(), [](auto& p) -> auto& { return p.to; }),
       .required = true,
       .sample = R"(["*"])",
       .text = "Where they may send, besides open routes: domains as in a route, or \"*\", "
               "anywhere. Clients with \"*\" count as trust.networks too. Together they may not be "
               "more than a /16 of public IPv4 addresses, or a /32 of IPv6."},
  };
}

Rows egress_keys() {
  return {
      {.name = "family",
       .slot = at<Settings>(
           choice<relay::Family>(), [](auto& s) -> auto& { return s.egress.family; }),
       .text = "Which addresses of a next hop are used, and first. Big receivers refuse IPv6 from "
               "hosts without PTR and SPF for it. A next hop that is written as an address fixes "
               "it."},
      {.name = "ipv4",
       .slot = at<Settings>(
           text("an IPv4 address", check_v4), [](auto& s) -> auto& { return s.egress.ipv4; }),
       .sample = R"("192.0.2.1")",
       .text = "The IPv4 address that mail is sent from; not for Unix sockets and loopback. Empty: "
               "the system chooses. While this host does not have it, the mail waits, with an "
               "alarm; none leaves from another one."},
      {.name = "ipv6",
       .slot = at<Settings>(
           text("an IPv6 address", check_v6), [](auto& s) -> auto& { return s.egress.ipv6; }),
       .sample = R"("2001:db8::25")",
       .text = "The same for IPv6. Empty: a public address that is not a temporary one."},
      {.name = "helo",
       .slot = at<Settings>(
           text("a host name", check_host_name), [](auto& s) -> auto& { return s.egress.helo; }),
       .sample = R"("mx.example.jp")",
       .text = "What we call ourselves in EHLO. It should resolve to the address we send from, and "
               "that to it. Empty: identity.hostname."},
      {.name = "timeout",
       .slot = at<Settings>(
           reply_timeout(), [](auto& s) -> auto& { return s.egress.timeout; }),
       .text = "How long we wait for one reply; ten minutes after the end of the message, and 30 "
               "seconds for a connection."},
  };
}

Rows queue_keys() {
  return {
      {.name = "dir",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.queue.dir; }),
       .reload = Reload::restart,
       .text = "Where messages wait, and are held: with a listener, all of them. It must be on a "
               "disk, for what was acknowledged must survive a loss of power."},
      {.name = "drop",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.queue.drop; }),
       .reload = Reload::restart,
       .text = "Where sendmail(1) leaves messages while the daemon does not run."},
      {.name = "retry",
       .slot = at<Settings>(
           durations(shortest_wait, longest_wait), [](auto& s) -> auto& { return s.queue.retry; }),
       .text = "The waits after failed attempts; then the last one again and again. Each is varied "
               "a little. A success wakes what waits for the same next hop."},
      {.name = "warn_after",
       .slot = at<Settings>(
           duration<seconds>(shortest_wait, longest_wait),
           [](auto& s) -> auto& { return s.queue.warn_after; }),
       .text = "After this time the sender is told once that the message still waits; unless only "
               "a route could carry it that is paused for a fault of ours."},
      {.name = "give_up",
       .slot = at<Settings>(
           duration<seconds>(shortest_wait, longest_wait),
           [](auto& s) -> auto& { return s.queue.give_up; }),
       .text = "After this time a message is returned, if an attempt after it failed too. For a "
               "fault of this side it is held instead. The time during which it was held does not "
               "count."},
  };
}

}  // namespace

Section route_section() {
  return {
      .name = "route",
      .text =
          "Where mail for a domain goes. It is looked up whenever a message is tried: a change "
          "also helps the mail that waits.",
      .keys = route_keys(),
      .repeated = entries_at<Route>([](auto& s) -> auto& { return s.routes; }),
      .check = check_routes,
  };
}

Section permit_section() {
  return {
      .name = "permit",
      .text =
          "Who may send where, beyond open routes. Nobody has a permit by default, loopback "
          "neither; logins and sendmail(1) need none.",
      .keys = permit_keys(),
      .repeated = entries_at<Permit>([](auto& s) -> auto& { return s.permits; }),
      .check = check_permits,
  };
}

Section egress_section() {
  return {.name = "egress",
          .text = "What mail is sent from.",
          .keys = egress_keys(),
          .check = check_egress};
}

Section queue_section() {
  return {.name = "queue",
          .text = "How long messages wait.",
          .keys = queue_keys(),
          .check = check_queue};
}

}  // namespace sekisho::config
