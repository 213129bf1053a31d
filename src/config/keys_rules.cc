#include "config/checks.h"
#include "config/key_rows.h"

namespace sekisho::config {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

Rows spf_keys() {
  return {
      {.name = "fail",
       .rule = at<policy::Rules>(
           choice<policy::OnSpfFail>(), [](auto& r) -> auto& { return r.spf.fail; }),
       .in_policy = "spf.fail",
       .text =
           "What is done when SPF of the MAIL FROM identity says fail, and DMARC has not decided "
           "already. reject breaks plain forwarding to us (RFC 7208 appendix D)."},
      {.name = "temperror",
       .rule = at<policy::Rules>(
           choice<policy::OnTemperror>(), [](auto& r) -> auto& { return r.spf.temperror; }),
       .in_policy = "spf.temperror",
       .text = "What is done when SPF could not be evaluated because DNS failed."},
      {.name = "overbroad",
       .slot = at<Settings>(
           choice<spf::Code>({{"pass", spf::Code::pass}, {"neutral", spf::Code::neutral}}),
           [](auto& s) -> auto& { return s.spf.overbroad; }),
       .text =
           "What pass counts as when the term that matched allows nearly everybody: +all, a "
           "network larger than an IPv4 /8 or an IPv6 /16, exists: of a name without the client's "
           "address in it. pass: RFC 7208. neutral: it is not believed, and DMARC does not pass by "
           "it. Either way it proves nothing to the allowlist."},
      {.name = "monitor",
       .rule = at<policy::Rules>(
           boolean(), [](auto& r) -> auto& { return r.spf.monitor; }),
       .in_policy = "spf.monitor",
       .text = "Decide and log by the rules of this section, and do not apply them."},
  };
}

Rows dkim_keys() {
  return {
      {.name = "max_signatures",
       .slot = at<Settings>(
           number<std::size_t>(1, 50), [](auto& s) -> auto& { return s.dkim.max_signatures; }),
       .text = "How many DKIM signatures of a message are verified, from the top; further ones are "
               "reported as dkim=policy. Each costs a DNS question and a public-key operation."},
      {.name = "min_rsa_bits",
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
      {.name = "discovery",
       .slot = at<Settings>(
           choice<Discovery>({{"tree-walk", Discovery::treewalk}, {"psl", Discovery::psl}}),
           [](auto& s) -> auto& { return s.dmarc.discovery; }),
       .text =
           "How the policy and the organizational domain are found: tree-walk (RFC 9989 section "
           "4.10), or psl, the public suffix list (RFC 7489)."},
      {.name = "public_suffix_list",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.public_suffix_list; }),
       .sample = R"("/usr/share/publicsuffix/public_suffix_list.dat")",
       .text = "The list for discovery = \"psl\". Empty: the one that libpsl finds on the system."},
      {.name = "overrides",
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

Rows dmarc_rules() {
  return {
      {.name = "reject",
       .rule = at<policy::Rules>(
           choice<policy::OnDmarcReject>(), [](auto& r) -> auto& { return r.dmarc.reject; }),
       .in_policy = "dmarc.reject",
       .text =
           "What p=reject means here. corroborated: reject when further evidence speaks against "
           "the message, else quarantine, for RFC 9989 section 7.4 forbids to reject on p=reject "
           "alone. always, quarantine, tag: do that."},
      {.name = "quarantine",
       .rule = at<policy::Rules>(
           choice<policy::OnDmarcQuarantine>(),
           [](auto& r) -> auto& { return r.dmarc.quarantine; }),
       .in_policy = "dmarc.quarantine",
       .text = "What p=quarantine means here. [quarantine] where says where a quarantined message "
               "goes."},
      {.name = "temperror",
       .rule = at<policy::Rules>(
           choice<policy::OnTemperror>(), [](auto& r) -> auto& { return r.dmarc.temperror; }),
       .in_policy = "dmarc.temperror",
       .text = "What is done when DNS failed, and the message would be quarantined or rejected for "
               "some answer that it could have given. tempfail: the sender tries again later, and "
               "not for longer than defer_for."},
      {.name = "defer_for",
       .rule = at<policy::Rules>(
           duration<seconds>(milliseconds(0), hours(24) * 30),
           [](auto& r) -> auto& { return r.dmarc.defer_for; }),
       .in_policy = "dmarc.defer_for",
       .text =
           "How long messages of one sender and author domain are deferred, from the first one, "
           "from whichever network, and over a restart where there is a history. After that, what "
           "is not known counts for nothing: they are quarantined if the author's policy, as far "
           "as it can be read, asks for quarantine or reject, and otherwise accepted and tagged. "
           "What a list defers is quarantined then."},
      {.name = "author",
       .rule = at<policy::Rules>(
           choice<policy::OnMalformedAuthor>(),
           [](auto& r) -> auto& { return r.author.malformed; }),
       .in_policy = "dmarc.author",
       .text =
           "What is done when a message does not have exactly one From field whose mailboxes are "
           "of exactly one domain (RFC 9989 section 5.3.1). The reply names the fault."},
      {.name = "author_readable",
       .rule = at<policy::Rules>(
           choice<policy::OnReadableAuthor>(), [](auto& r) -> auto& { return r.author.readable; }),
       .in_policy = "dmarc.author_readable",
       .text =
           "What is done with a From field that is not valid (a comma outside quotes, a bracket "
           "too few) and in which every mail program reads the same one domain. judge: it is "
           "judged for that domain, and treated like a valid one when SPF or DKIM passes for it; "
           "without that, author says what is done. malformed: author says what is done, whoever "
           "proves what. Behind sendmail, which rewrites From, fewer fields are readable."},
      {.name = "author_monitor",
       .rule = at<policy::Rules>(
           boolean(), [](auto& r) -> auto& { return r.author.monitor; }),
       .in_policy = "dmarc.author_monitor",
       .text = "Decide and log by the author rule, and do not apply it."},
      {.name = "monitor",
       .rule = at<policy::Rules>(
           boolean(), [](auto& r) -> auto& { return r.dmarc.monitor; }),
       .in_policy = "dmarc.monitor",
       .text = "Decide and log by the other rules of this section, and do not apply them."},
  };
}

Rows dmarc_keys() {
  Rows rows = dmarc_discovery_keys();
  for (KeyRow& row : dmarc_rules()) rows.push_back(std::move(row));
  return rows;
}

Rows policy_defaults_keys() {
  return {
      {.name = "monitor",
       .rule = at<policy::Rules>(
           boolean(), [](auto& r) -> auto& { return r.monitor; }),
       .in_policy = "monitor",
       .text = "Decide, log and record everything, and apply nothing: for the first weeks. Forged "
               "Authentication-Results fields are removed and our own is added all the same."},
  };
}

Rows policy_keys() {
  return {
      {.name = "to",
       .entry = in_entry<policy::RecipientRules>(
           recipients(), [](auto& p) -> auto& { return p.to; }),
       .required = true,
       .sample = R"(["postmaster@*", "@partner.example"])",
       .text =
           "The recipients that the entry is for: user@example.com, postmaster@*, @example.com or "
           "*. The most specific pattern wins, in this order. A pattern stands in one entry only."},
  };
}

// An entry starts from the rules for everybody.
Repeated policies() {
  using policy::RecipientRules;
  Repeated out = entries_at<RecipientRules>([](auto& s) -> auto& { return s.rules.policies; });
  out.make = [](const Settings& settings) {
    RecipientRules entry;
    entry.rules = settings.rules.defaults;
    return AnyEntry(std::move(entry));
  };
  out.rule = [](const Slot<policy::Rules>& rule) {
    return in_part<AnyEntry>(
        rule, [](auto& entry) -> auto& { return entry_as<RecipientRules>(entry).rules; });
  };
  return out;
}

}  // namespace

Section spf_section() {
  return {.name = "spf",
          .text = "What SPF leads to, for the MAIL FROM identity (RFC 7208).",
          .keys = spf_keys()};
}

Section dkim_section() {
  return {.name = "dkim", .text = "What of DKIM is verified (RFC 6376).", .keys = dkim_keys()};
}

Section dmarc_section() {
  return {.name = "dmarc",
          .text = "What DMARC leads to (RFC 9989).",
          .keys = dmarc_keys(),
          .check = check_dmarc};
}

Section policy_defaults_section() {
  return {.name = "policy_defaults", .text = "For all recipients.", .keys = policy_defaults_keys()};
}

Section policy_section() {
  return {.name = "policy",
          .text =
              "Other rules for some recipients: a key that stands here replaces the one of its "
              "section, the others hold as they are.",
          .keys = policy_keys(),
          .repeated = policies(),
          .check = check_policies};
}

}  // namespace sekisho::config
