#include "config/checks.h"
#include "config/smtp_values.h"

namespace sekisho::config {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// A key that the loader reads itself; it is not in the settings.
Slot<Settings> read_by_the_loader(std::string expects) {
  return {.expects = std::move(expects),
          .words = {},
          .read = [](const std::string&, const Value&, Settings&, Reader&) {},
          .show = [](const Settings&) { return std::string("[]"); },
          .copy = [](const Settings&, Settings&) {}};
}

// Of the SMTP core.
Rows own_mail_keys() {
  return {
      {.name = "origin",
       .slot = at<Settings>(
           text("a domain", check_host_name),
           [](auto& s) -> auto& { return s.session.identity.origin; }),
       .sample = R"("example.jp")",
       .text =
           "For the SMTP core: the domain that is appended to bare names (root, cron), and that "
           "of our bounces and summaries. Empty: the hostname."},
      {.name = "addresses",
       .slot = at<Settings>(
           addresses(), [](auto& s) -> auto& { return s.session.identity.addresses; }),
       .sample = R"(["192.0.2.1"])",
       .text = "Public addresses that a router forwards to this host (NAT): they are this host "
               "when we look for the next hop of a message."},
      {.name = "postmaster",
       .slot = at<Settings>(
           text("a mail address", check_mailbox),
           [](auto& s) -> auto& { return s.session.identity.postmaster; }),
       .sample = R"("postmaster@example.jp")",
       .text = "Who gets the daily summary of the queue. Empty: postmaster at the origin."},
      {.name = "local_sender",
       .slot = at<Settings>(
           text("a mail address", check_mailbox),
           [](auto& s) -> auto& { return s.session.identity.local_sender; }),
       .sample = R"("reports@example.jp")",
       .text = "Replaces the sender of mail that leaves this host and comes from sendmail(1) with "
               "an address at the origin or the hostname: in the envelope and in From, whose name "
               "is kept, before it is signed. For relays that take only addresses that they know. "
               "Empty: nothing is replaced."},
  };
}

Rows identity_keys() {
  return {
      {.name = "authserv_id",
       .slot = at<Settings>(
           text("a name without spaces", check_authserv_id),
           [](auto& s) -> auto& { return s.session.identity.authserv_id; }),
       .sample = R"("mx.example.jp")",
       .text =
           "The name under which results are written into Authentication-Results (RFC 8601 "
           "section 2.5); inbound fields that already carry it are removed. Empty: the MTA's own "
           "name (macro j), else the hostname."},
      {.name = "authserv_aliases",
       .slot = at<Settings>(
           texts("names without spaces", check_authserv_id),
           [](auto& s) -> auto& { return s.session.identity.authserv_aliases; }),
       .sample = R"(["mx2.example.jp"])",
       .text = "The names of our other hosts: inbound Authentication-Results fields that carry one "
               "of them are removed too."},
      {.name = "hostname",
       .slot = at<Settings>(
           text("a host name", check_host_name),
           [](auto& s) -> auto& { return s.session.identity.hostname; }),
       .sample = R"("mx.example.jp")",
       .text = "This host's name, for the SPF macro r and wherever the MTA does not say its own. "
               "Empty: the name the system has."},
      {.name = "seal_file",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.session.identity.seal_file; }),
       .reload = Reload::restart,
       .sample = R"("/var/lib/sekisho/seal")",
       .text =
           "A secret of 32 octets, which the first start makes. With it, X-Sekisho-Seal proves "
           "that our "
           "fields are ours when a content filter gives a message back: they stay when a client of "
           "trust.networks brings them. Hosts that give mail back to each other share one file. "
           "Empty: "
           "nothing is proven, and our fields are removed then."},
      {.name = "domains",
       .slot = at<Settings>(
           domains(), [](auto& s) -> auto& { return s.session.identity.domains; }),
       .sample = R"(["example.jp"])",
       .text =
           "Our own domains. An unauthenticated message that claims to come from one of them, or "
           "from a name below, is evidence for a reject: where the domain publishes p=reject, it "
           "is refused; without such a record nothing is done on that account. List here only "
           "domains whose mail leaves through hosts that authenticate it."},
  };
}

Rows milter_keys() {
  return {
      {.name = "socket",
       .entry = in_entry<milter::Options>(
           text("unix:/PATH, inet:PORT@ADDRESS or inet6:PORT@ADDRESS", check_milter_socket),
           [](auto& m) -> auto& { return m.socket; }),
       .reload = Reload::restart,
       .required = true,
       .in_example = true,
       .sample = R"("unix:/var/spool/postfix/sekisho/mx.sock")",
       .text =
           "Where the MTA connects. Postfix runs in a chroot on many systems: a Unix socket below "
           "/var/spool/postfix works for it either way. The milter protocol has no password: "
           "whoever reaches the socket may ask for verdicts."},
      {.name = "socket_mode",
       .entry = in_entry<milter::Options>(
           file_mode(), [](auto& m) -> auto& { return m.socket_mode; }),
       .reload = Reload::restart,
       .text = "The mode of a Unix socket, in octal, as text."},
      {.name = "socket_owner",
       .entry = in_entry<milter::Options>(
           text("the name of a user", check_account),
           [](auto& m) -> auto& { return m.socket_owner; }),
       .reload = Reload::restart,
       .text = "The owner of a Unix socket. Empty: the user of the daemon."},
      {.name = "socket_group",
       .entry = in_entry<milter::Options>(
           text("the name of a group", check_account),
           [](auto& m) -> auto& { return m.socket_group; }),
       .reload = Reload::restart,
       .in_example = true,
       .sample = R"("postfix")",
       .text =
           "The group of a Unix socket: that of the MTA, so that it may connect. Unless started as "
           "root, the daemon's user must be a member of it, or the folder give it to the socket by "
           "its setgid bit. Empty: as created."},
      {.name = "role",
       .entry = in_entry<milter::Options>(
           choice<policy::Role>(), [](auto& m) -> auto& { return m.role; }),
       .reload = Reload::restart,
       .text =
           "Who the clients of this socket are. mx: other mail servers. submission: our own "
           "users. local: mail that did not come over SMTP (non_smtpd_milters of Postfix), which "
           "is tagged at most and never refused or held."},
  };
}

Rows control_keys() {
  return {
      {.name = "socket",
       .slot = at<Settings>(
           text("a path that begins with /", check_socket_path),
           [](auto& s) -> auto& { return s.control.socket; }),
       .reload = Reload::restart,
       .text = "The Unix socket on which sekisho(1) reaches the daemon; its mode is 0660."},
      {.name = "group",
       .slot = at<Settings>(
           text("the name of a group", check_account),
           [](auto& s) -> auto& { return s.control.group; }),
       .reload = Reload::restart,
       .sample = R"("sekisho")",
       .text = "The group whose members may use the control socket. Empty: as created."},
  };
}

Rows dns_keys() {
  return {
      {.name = "servers",
       .slot = at<Settings>(
           texts("addresses, with :PORT or not", check_dns_server),
           [](auto& s) -> auto& { return s.dns.servers; }),
       .sample = R"(["127.0.0.1", "[::1]:5353"])",
       .text =
           "The resolvers to ask. Their answers are trusted: take a validating resolver on this "
           "host. Empty: those of /etc/resolv.conf, which is watched for changes."},
      {.name = "zone_file",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.dns.zone_file; }),
       .sample = R"("laboratory.zone")",
       .text =
           "Answer from this zone (RFC 1035 text) alone and ask nobody: for laboratories and "
           "demonstrations. Lines \";!servfail NAME [TYPE]\" and \";!timeout NAME [TYPE]\" make "
           "answers fail."},
      {.name = "timeout",
       .slot = at<Settings>(
           duration<milliseconds>(milliseconds(100), seconds(60)),
           [](auto& s) -> auto& { return s.dns.timeout; }),
       .text = "How long one question may take, repetitions and other servers included. After that "
               "its answer is a temporary error."},
      {.name = "message_budget",
       .slot = at<Settings>(
           duration<milliseconds>(seconds(1), seconds(120)),
           [](auto& s) -> auto& { return s.dns.message_budget; }),
       .text = "How long all questions of one message may take together. It must stay below the "
               "patience of the MTA (milter_content_timeout of Postfix, 300 s)."},
  };
}

Rows trust_keys() {
  using session::OnAuthenticated;
  return {
      {.name = "networks",
       .slot = at<Settings>(
           prefix_set(), [](auto& s) -> auto& { return s.session.trust.networks; }),
       .sample = R"(["127.0.0.0/8", "::1/128", "198.51.100.0/24"])",
       .text =
           "Clients in these networks are not evaluated and never looked up: what the MTA has in "
           "mynetworks. Their forged Authentication-Results fields are still removed. A client on "
           "a Unix socket is always trusted. A \"!\" excludes an address or a network; the most "
           "specific entry decides. With a listener, a network never covers the address of the "
           "default gateway (IPv4) or that of a bridge of this host: name it singly if you mean "
           "it. Entries that are everybody, alone (0.0.0.0/0) or together, are an error."},
      {.name = "authenticated",
       .slot = at<Settings>(
           choice<OnAuthenticated>(),
           [](auto& s) -> auto& { return s.session.trust.authenticated; }),
       .text =
           "Clients that logged in (AUTH): skip does not evaluate them, evaluate treats them like "
           "everybody else."},
      {.name = "relays",
       .slot = at<Settings>(
           prefixes(), [](auto& s) -> auto& { return s.session.trust.relays; }),
       .sample = R"(["192.0.2.25", "2001:db8::25"])",
       .text =
           "Our own hosts that pass mail from outside on to us, above all a backup MX. Their "
           "Received fields are believed: a message is judged by the first client before them that "
           "is not listed. When they do not tell it, the message is judged without a client. A "
           "relay itself never passes SPF, and is never answered 5xx. List single addresses, of "
           "hosts that write Received fields, and keep them out of trust.networks. Entries that "
           "are everybody are an error."},
  };
}

Rows log_keys() {
  return {
      {.name = "target",
       .slot = at<Settings>(
           log_target(), [](auto& s) -> auto& { return s.log; }),
       .text = "Where the log goes: syslog (facility mail), stderr, journald, or file:PATH, a file "
               "that "
               "is opened again on a reload."},
      {.name = "name",
       .slot = at<Settings>(
           text("a word", check_tag), [](auto& s) -> auto& { return s.log.name; }),
       .text = "The first word of the tags of the SMTP core's lines: sekisho/smtpd, sekisho/qmgr, "
               "sekisho/smtp, sekisho/lmtp, sekisho/bounce. Readers of Postfix's log know them "
               "(pflogsumm --syslog_name, fail2ban)."},
  };
}

Rows process_keys() {
  return {
      {.name = "user",
       .slot = at<Settings>(
           text("the name of a user", check_account),
           [](auto& s) -> auto& { return s.process.user; }),
       .reload = Reload::restart,
       .text =
           "The user to become when the daemon is started as root. It needs no other rights than "
           "to read its configuration, to create its sockets, and to write to the folders of the "
           "history and the quarantine."},
      {.name = "group",
       .slot = at<Settings>(
           text("the name of a group", check_account),
           [](auto& s) -> auto& { return s.process.group; }),
       .reload = Reload::restart,
       .sample = R"("sekisho")",
       .text = "The group to become. Empty: that of the user."},
  };
}

}  // namespace

KeyRow include_key() {
  return {.name = "include",
          .slot = read_by_the_loader("a list of paths with * and ?"),
          .sample = R"(["conf.d/*.toml"])",
          .text =
              "Files to read as well, in the order of their names. A relative path starts from the "
              "folder of the file that includes it; a pattern may match nothing, a plain name must "
              "exist. A key given twice is an error, in whichever files; [[milter]], [[route]] and "
              "other such entries of all files add up."};
}

Section identity_section() {
  Rows keys = identity_keys();
  const Rows own_mail = own_mail_keys();
  keys.insert(keys.end(), own_mail.begin(), own_mail.end());
  return {.name = "identity", .text = "Who we are.", .keys = std::move(keys)};
}

Section milter_section() {
  return {
      .name = "milter",
      .text =
          "A socket for the MTA; one entry for each. There is at least one [[milter]] or "
          "[[listener]].",
      .keys = milter_keys(),
      .repeated = entries_at<milter::Options>([](auto& s) -> auto& { return s.milters; }),
  };
}

Section control_section() {
  return {.name = "control", .text = "How sekisho(1) reaches the daemon.", .keys = control_keys()};
}

Section dns_section() {
  return {.name = "dns",
          .text = "Whom to ask, and for how long.",
          .keys = dns_keys(),
          .check = check_dns};
}

Section trust_section() {
  return {.name = "trust",
          .text = "Whose mail is not judged.",
          .keys = trust_keys(),
          .check = check_trust};
}

Section log_section() {
  return {.name = "log", .text = "What happened.", .keys = log_keys(), .check = check_log};
}

Section process_section() {
  return {.name = "process",
          .text = "What the daemon runs as.",
          .keys = process_keys(),
          .check = check_process};
}

}  // namespace sekisho::config
