// tests/support/allow_facts.h: messages as an allowlist sees them, written down by a test: author,
// sender, signatures, the name of the client. Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "policy/facts.h"

namespace sekisho::test {

inline mail::Mailbox mailbox(std::string_view text) { return mail::Mailbox::parse(text).value(); }

inline void author_is(policy::Facts& facts, std::string_view address) {
  facts.author = {};
  facts.author.result = mail::Author::Result::one;
  facts.author.mailboxes = {mailbox(address)};
  facts.author.domains = {facts.author.mailboxes.front().domain};
  facts.dmarc.from = facts.author.domains.front().text();
}

inline void sender_is(policy::Facts& facts, std::string mail_from, std::string spf_domain,
                      spf::Code code) {
  facts.mail_from = std::move(mail_from);
  facts.spf_mail_from.domain = std::move(spf_domain);
  facts.spf_mail_from.code = code;
}

inline void signed_by(policy::Facts& facts, std::string domain, dkim::Code code = dkim::Code::pass,
                      bool testing = false) {
  dkim::SignatureResult signature;
  signature.code = code;
  signature.domain = std::move(domain);
  signature.testing = testing;
  facts.dkim.push_back(std::move(signature));
}

inline void named(policy::Facts& facts, client::IprevCode code, std::string name,
                  std::string mta_name = "") {
  facts.iprev.code = code;
  facts.iprev.name = std::move(name);
  facts.client.name = std::move(mta_name);
}

// A stranger's message that proves nothing.
inline policy::Facts stranger() {
  policy::Facts facts;
  facts.received = parse_time("2026-11-21T09:30:00Z").value();
  facts.client.address = mail::IpAddress::parse("198.51.100.66").value();
  facts.client.helo = "attack.example";
  facts.iprev.code = client::IprevCode::permerror;
  author_is(facts, "eve@attack.example");
  sender_is(facts, "eve@attack.example", "attack.example", spf::Code::none);
  facts.dmarc.code = dmarc::Code::none;
  return facts;
}

}  // namespace sekisho::test
