#include "config/keys.h"

#include <utility>

namespace sekisho::config {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Rows = std::vector<KeyRow>;

// A type of value at a place in its owner; `member` is a generic lambda, for const and other owners.
template <class Owner, class T, class Member>
Slot<Owner> at(Type<T> type, Member member) {
  return {type.expects,
          [read = type.read, member](const std::string& key, const Value& value, Owner& owner,
                                     Reader& reader) { read(key, value, member(owner), reader); },
          [show = type.show, member](const Owner& owner) { return show(member(owner)); }};
}

Rows include_keys() {
  return {
      {.section = "",
       .name = "include",
       .slot = IncludeSlot{},
       .sample = R"(["conf.d/*.toml"])",
       .text =
           "Files to read as well, in the order of their names. A relative path starts from the "
           "folder of the file that includes it; a pattern may match nothing, a plain name must "
           "exist. A key given twice is an error, in whichever files; [[milter]] and [[policy]] "
           "entries of all files add up."},
  };
}

Rows identity_keys() {
  return {
      {.section = "identity",
       .name = "authserv_id",
       .slot = at<Settings>(
           text("a name without spaces", check_authserv_id),
           [](auto& s) -> auto& { return s.session.identity.authserv_id; }),
       .sample = R"("mx.example.jp")",
       .text =
           "The name under which results are written into Authentication-Results (RFC 8601 "
           "section 2.5); inbound fields that already carry it are removed. Empty: the MTA's own "
           "name (macro j), else the hostname."},
      {.section = "identity",
       .name = "authserv_aliases",
       .slot = at<Settings>(
           texts("names without spaces", check_authserv_id),
           [](auto& s) -> auto& { return s.session.identity.authserv_aliases; }),
       .sample = R"(["mx2.example.jp"])",
       .text = "The names of our other hosts: inbound Authentication-Results fields that carry one "
               "of them are removed too."},
      {.section = "identity",
       .name = "hostname",
       .slot = at<Settings>(
           text("a host name", check_host_name),
           [](auto& s) -> auto& { return s.session.identity.hostname; }),
       .sample = R"("mx.example.jp")",
       .text = "This host's name, for the SPF macro r and wherever the MTA does not say its own. "
               "Empty: the name the system has."},
      {.section = "identity",
       .name = "domains",
       .slot = at<Settings>(
           domains(), [](auto& s) -> auto& { return s.session.identity.domains; }),
       .sample = R"(["example.jp"])",
       .text =
           "Our own domains. Nobody outside may be their author: an unauthenticated message that "
           "claims to come from one of them, or from a name below, is evidence for a reject. List "
           "here only domains whose mail leaves through hosts that authenticate it."},
  };
}

Rows milter_keys() {
  return {
      {.section = "milter",
       .name = "socket",
       .slot = at<milter::Options>(
           text("unix:/PATH, inet:PORT@ADDRESS or inet6:PORT@ADDRESS", check_milter_socket),
           [](auto& m) -> auto& { return m.socket; }),
       .reload = Reload::restart,
       .required = true,
       .sample = R"("unix:/var/spool/postfix/sekisho/sekisho.sock")",
       .text =
           "Where the MTA connects. Postfix runs in a chroot on many systems: a Unix socket below "
           "/var/spool/postfix works for it either way. The milter protocol has no password: "
           "whoever reaches the socket may ask for verdicts."},
      {.section = "milter",
       .name = "socket_mode",
       .slot = at<milter::Options>(
           file_mode(), [](auto& m) -> auto& { return m.socket_mode; }),
       .reload = Reload::restart,
       .text = "The mode of a Unix socket, in octal, as text."},
      {.section = "milter",
       .name = "socket_owner",
       .slot = at<milter::Options>(
           text("the name of a user", check_account),
           [](auto& m) -> auto& { return m.socket_owner; }),
       .reload = Reload::restart,
       .text = "The owner of a Unix socket. Empty: the user of the daemon."},
      {.section = "milter",
       .name = "socket_group",
       .slot = at<milter::Options>(
           text("the name of a group", check_account),
           [](auto& m) -> auto& { return m.socket_group; }),
       .reload = Reload::restart,
       .sample = R"("postfix")",
       .text =
           "The group of a Unix socket: that of the MTA, so that it may connect. Unless started as "
           "root, the daemon's user must be a member of it, or the folder give it to the socket by "
           "its setgid bit. Empty: as created."},
      {.section = "milter",
       .name = "role",
       .slot = at<milter::Options>(
           choice<policy::Role>({{"mx", policy::Role::mx},
                                 {"submission", policy::Role::submission},
                                 {"local", policy::Role::local}}),
           [](auto& m) -> auto& { return m.role; }),
       .reload = Reload::restart,
       .text =
           "Who the clients of this socket are. mx: other mail servers. submission: our own "
           "users. local: mail that did not come over SMTP (non_smtpd_milters of Postfix), which "
           "is tagged at most and never refused or held."},
  };
}

Rows control_keys() {
  return {
      {.section = "control",
       .name = "socket",
       .slot = at<Settings>(
           text("a path that begins with /", check_socket_path),
           [](auto& s) -> auto& { return s.control.socket; }),
       .reload = Reload::restart,
       .text = "The Unix socket on which sekisho(1) reaches the daemon; its mode is 0660."},
      {.section = "control",
       .name = "group",
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
      {.section = "dns",
       .name = "servers",
       .slot = at<Settings>(
           texts("addresses, with :PORT or not", check_dns_server),
           [](auto& s) -> auto& { return s.dns.servers; }),
       .sample = R"(["127.0.0.1", "[::1]:5353"])",
       .text =
           "The resolvers to ask. Their answers are trusted: take a validating resolver on this "
           "host. Empty: those of /etc/resolv.conf, which is watched for changes."},
      {.section = "dns",
       .name = "zone_file",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.dns.zone_file; }),
       .sample = R"("laboratory.zone")",
       .text =
           "Answer from this zone (RFC 1035 text) alone and ask nobody: for laboratories and "
           "demonstrations. Lines \";!servfail NAME [TYPE]\" and \";!timeout NAME [TYPE]\" make "
           "answers fail."},
      {.section = "dns",
       .name = "timeout",
       .slot = at<Settings>(
           duration<milliseconds>(milliseconds(100), seconds(60)),
           [](auto& s) -> auto& { return s.dns.timeout; }),
       .text = "How long one question may take, repetitions and other servers included. After that "
               "its answer is a temporary error."},
      {.section = "dns",
       .name = "message_budget",
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
      {.section = "trust",
       .name = "networks",
       .slot = at<Settings>(
           prefixes(), [](auto& s) -> auto& { return s.session.trust.networks; }),
       .sample = R"(["127.0.0.0/8", "::1/128", "192.0.2.0/24"])",
       .text =
           "Clients in these networks are not evaluated and never looked up: what the MTA has in "
           "mynetworks. Their forged Authentication-Results fields are still removed. A client on "
           "a Unix socket is always trusted."},
      {.section = "trust",
       .name = "authenticated",
       .slot = at<Settings>(
           choice<OnAuthenticated>(
               {{"skip", OnAuthenticated::skip}, {"evaluate", OnAuthenticated::evaluate}}),
           [](auto& s) -> auto& { return s.session.trust.authenticated; }),
       .text =
           "Clients that logged in (AUTH): skip does not evaluate them, evaluate treats them like "
           "everybody else."},
      {.section = "trust",
       .name = "relays",
       .slot = at<Settings>(
           prefixes(), [](auto& s) -> auto& { return s.session.trust.relays; }),
       .sample = R"(["192.0.2.25", "2001:db8::25"])",
       .text =
           "Our own hosts that pass mail from outside on to us, above all a backup MX. Their "
           "Received fields are believed: a message is judged by the first client before them that "
           "is not listed. When they do not tell it, the message is judged without a client. A "
           "relay itself never passes SPF, and is never answered 5xx. List single addresses, of "
           "hosts that write Received fields, and keep them out of trust.networks."},
  };
}

Rows spf_keys() {
  using policy::OnSpfFail;
  return {
      {.section = "spf",
       .name = "fail",
       .slot = at<policy::Rules>(
           choice<OnSpfFail>({{"tag", OnSpfFail::tag},
                              {"quarantine", OnSpfFail::quarantine},
                              {"reject", OnSpfFail::reject}}),
           [](auto& r) -> auto& { return r.spf.fail; }),
       .in_policy = "spf.fail",
       .text =
           "What is done when SPF of the MAIL FROM identity says fail, and DMARC has not decided "
           "already. reject breaks plain forwarding to us (RFC 7208 appendix D)."},
      {.section = "spf",
       .name = "temperror",
       .slot = at<policy::Rules>(
           choice(temperror_choices()), [](auto& r) -> auto& { return r.spf.temperror; }),
       .in_policy = "spf.temperror",
       .text = "What is done when SPF could not be evaluated because DNS failed."},
      {.section = "spf",
       .name = "monitor",
       .slot = at<policy::Rules>(
           boolean(), [](auto& r) -> auto& { return r.spf.monitor; }),
       .in_policy = "spf.monitor",
       .text = "Decide and log by the rules of this section, and do not apply them."},
  };
}

Rows dkim_keys() {
  return {
      {.section = "dkim",
       .name = "max_signatures",
       .slot = at<Settings>(
           number<std::size_t>(1, 50), [](auto& s) -> auto& { return s.dkim.max_signatures; }),
       .text = "How many DKIM signatures of a message are verified, from the top; further ones are "
               "reported as dkim=policy. Each costs a DNS question and a public-key operation."},
      {.section = "dkim",
       .name = "min_rsa_bits",
       .slot = at<Settings>(
           number<unsigned>(1024, 4096), [](auto& s) -> auto& { return s.dkim.min_rsa_bits; }),
       .text =
           "The smallest RSA key that counts. RFC 8301 section 3.2 forbids keys below 1024 bits; "
           "a good part of real mail is still signed with 1024."},
  };
}

Rows dmarc_discovery_keys() {
  using dmarc::Discovery;
  return {
      {.section = "dmarc",
       .name = "discovery",
       .slot = at<Settings>(
           choice<Discovery>({{"tree-walk", Discovery::treewalk}, {"psl", Discovery::psl}}),
           [](auto& s) -> auto& { return s.dmarc.discovery; }),
       .text =
           "How the policy and the organizational domain are found: tree-walk (RFC 9989 section "
           "4.10), or psl, the public suffix list (RFC 7489)."},
      {.section = "dmarc",
       .name = "public_suffix_list",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.public_suffix_list; }),
       .sample = R"("/usr/share/publicsuffix/public_suffix_list.dat")",
       .text = "The list for discovery = \"psl\". Empty: the one that libpsl finds on the system."},
      {.section = "dmarc",
       .name = "overrides",
       .slot = at<Settings>(
           overrides(), [](auto& s) -> auto& { return s.rules.overrides; }),
       .sample = R"([{domain = "example.com", reject = "always"}])",
       .text =
           "Other rules for the mail of one Author Domain and the names below it: reject, "
           "quarantine and temperror as in this section; the most specific domain wins, and wins "
           "over a [[policy]] too. In a file, one a line: \"example.com reject=always "
           "quarantine=tag temperror=accept\"."},
  };
}

Rows dmarc_keys() {
  return {
      {.section = "dmarc",
       .name = "reject",
       .slot = at<policy::Rules>(
           choice(dmarc_reject_choices()), [](auto& r) -> auto& { return r.dmarc.reject; }),
       .in_policy = "dmarc.reject",
       .text =
           "What p=reject means here. corroborated: reject when further evidence speaks against "
           "the message, else quarantine, for RFC 9989 section 7.4 forbids to reject on p=reject "
           "alone. always, quarantine, tag: do that."},
      {.section = "dmarc",
       .name = "quarantine",
       .slot = at<policy::Rules>(
           choice(dmarc_quarantine_choices()), [](auto& r) -> auto& { return r.dmarc.quarantine; }),
       .in_policy = "dmarc.quarantine",
       .text = "What p=quarantine means here. [quarantine] where says where a quarantined message "
               "goes."},
      {.section = "dmarc",
       .name = "temperror",
       .slot = at<policy::Rules>(
           choice(temperror_choices()), [](auto& r) -> auto& { return r.dmarc.temperror; }),
       .in_policy = "dmarc.temperror",
       .text = "What is done when DNS failed and the policy could not be read, or is not none. "
               "tempfail: the sender tries again later, and not for longer than defer_for."},
      {.section = "dmarc",
       .name = "defer_for",
       .slot = at<policy::Rules>(
           duration<seconds>(milliseconds(0), hours(24) * 30),
           [](auto& r) -> auto& { return r.dmarc.defer_for; }),
       .in_policy = "dmarc.defer_for",
       .text =
           "How long temperror = \"tempfail\" puts off messages of one client network, sender and "
           "author domain, from the first one. After that they are accepted and tagged."},
      {.section = "dmarc",
       .name = "author",
       .slot = at<policy::Rules>(
           choice<policy::OnMalformedAuthor>({{"reject", policy::OnMalformedAuthor::reject},
                                              {"quarantine", policy::OnMalformedAuthor::quarantine},
                                              {"tag", policy::OnMalformedAuthor::tag}}),
           [](auto& r) -> auto& { return r.author.malformed; }),
       .in_policy = "dmarc.author",
       .text =
           "What is done when a message does not have exactly one From field whose mailboxes are "
           "of exactly one domain (RFC 9989 section 5.3.1)."},
      {.section = "dmarc",
       .name = "author_monitor",
       .slot = at<policy::Rules>(
           boolean(), [](auto& r) -> auto& { return r.author.monitor; }),
       .in_policy = "dmarc.author_monitor",
       .text = "Decide and log by the author rule, and do not apply it."},
      {.section = "dmarc",
       .name = "monitor",
       .slot = at<policy::Rules>(
           boolean(), [](auto& r) -> auto& { return r.dmarc.monitor; }),
       .in_policy = "dmarc.monitor",
       .text = "Decide and log by the other rules of this section, and do not apply them."},
  };
}

Rows policy_keys() {
  return {
      {.section = "policy",
       .name = "to",
       .slot = at<policy::RecipientRules>(
           recipients(), [](auto& p) -> auto& { return p.to; }),
       .required = true,
       .sample = R"(["postmaster@*", "@partner.example"])",
       .text =
           "The recipients that the entry is for: user@example.com, postmaster@*, @example.com or "
           "*. The most specific pattern wins, in this order. A pattern stands in one entry only."},
  };
}

Rows policy_default_keys() {
  return {
      {.section = "policy_defaults",
       .name = "monitor",
       .slot = at<policy::Rules>(
           boolean(), [](auto& r) -> auto& { return r.monitor; }),
       .in_policy = "monitor",
       .text = "Decide, log and record everything, and apply nothing: for the first weeks. Forged "
               "Authentication-Results fields are removed and our own is added all the same."},
  };
}

Rows quarantine_keys() {
  using session::QuarantineWhere;
  return {
      {.section = "quarantine",
       .name = "where",
       .slot = at<Settings>(
           choice<QuarantineWhere>(
               {{"mta", QuarantineWhere::mta}, {"junk", QuarantineWhere::junk}}),
           [](auto& s) -> auto& { return s.session.quarantine.where; }),
       .text =
           "Where a quarantined message goes. mta: the hold queue of Postfix (postqueue -p, "
           "postsuper -H) or the quarantine of sendmail. junk: it is delivered with the field "
           "\"X-Sekisho-Disposition: quarantine\", for a Sieve rule that files it; that field is "
           "removed from all inbound mail."},
  };
}

Rows log_keys() {
  return {
      {.section = "log",
       .name = "target",
       .slot = at<Settings>(
           log_target(), [](auto& s) -> auto& { return s.log; }),
       .text = "Where the log goes: syslog (facility mail), stderr, journald, or file:PATH, a file "
               "that "
               "is opened again on a reload."},
  };
}

Rows process_keys() {
  return {
      {.section = "process",
       .name = "user",
       .slot = at<Settings>(
           text("the name of a user", check_account),
           [](auto& s) -> auto& { return s.process.user; }),
       .reload = Reload::restart,
       .text =
           "The user to become when the daemon is started as root. It needs no other rights than "
           "to read its configuration and to create its sockets."},
      {.section = "process",
       .name = "group",
       .slot = at<Settings>(
           text("the name of a group", check_account),
           [](auto& s) -> auto& { return s.process.group; }),
       .reload = Reload::restart,
       .sample = R"("sekisho")",
       .text = "The group to become. Empty: that of the user."},
  };
}

Rows all_keys() {
  Rows all;
  for (const auto& part :
       {include_keys, identity_keys, milter_keys, control_keys, dns_keys, trust_keys, spf_keys,
        dkim_keys, dmarc_discovery_keys, dmarc_keys, policy_default_keys, policy_keys,
        quarantine_keys, log_keys, process_keys}) {
    for (KeyRow& row : part()) all.push_back(std::move(row));
  }
  return all;
}

}  // namespace

std::string KeyRow::path() const {
  return (section.empty() ? std::string() : std::string(section) + ".") + std::string(name);
}

std::string KeyRow::expects() const {
  return std::visit([](const auto& held) { return held.expects; }, slot);
}

std::string KeyRow::default_value() const {
  struct Show {
    std::string operator()(const IncludeSlot&) const { return "[]"; }
    std::string operator()(const Slot<Settings>& held) const { return held.show(Settings()); }
    std::string operator()(const Slot<milter::Options>& held) const { return held.show({}); }
    std::string operator()(const Slot<policy::Rules>& held) const { return held.show({}); }
    std::string operator()(const Slot<policy::RecipientRules>&) const { return {}; }
  };
  return std::visit(Show(), slot);
}

const std::vector<KeyRow>& keys() {
  static const Rows rows = all_keys();
  return rows;
}

const std::vector<Section>& sections() {
  static const std::vector<Section> all{
      {"identity", false, "Who we are."},
      {"milter", true, "A socket for the MTA; one entry for each, and at least one."},
      {"control", false, "How sekisho(1) reaches the daemon."},
      {"dns", false, "Whom to ask, and for how long."},
      {"trust", false, "Whose mail is not judged."},
      {"spf", false, "What SPF leads to, for the MAIL FROM identity (RFC 7208)."},
      {"dkim", false, "What of DKIM is verified (RFC 6376)."},
      {"dmarc", false, "What DMARC leads to (RFC 9989)."},
      {"policy_defaults", false, "For all recipients."},
      {"policy", true,
       "Other rules for some recipients: a key that stands here replaces the one of its section, "
       "the "
       "others hold as they are."},
      {"quarantine", false, "Where messages are held."},
      {"log", false, "What happened."},
      {"process", false, "What the daemon runs as."},
  };
  return all;
}

const Section* find_section(std::string_view name) {
  for (const Section& section : sections()) {
    if (section.name == name) return &section;
  }
  return nullptr;
}

}  // namespace sekisho::config
