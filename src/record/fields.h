// record/fields.h: the members of everything that is recorded, each named once: writer and reader
// of codec.cc both use these lists, so that they cannot disagree. Only codec.cc includes it. A new
// member of Facts, Verdict or Inputs is one more word here; flags() is a set of which each value
// has a member of its own: "rcpt_dnsbl": true.
// Thread: any.
#pragma once

#include <concepts>
#include <type_traits>

#include "session/decided.h"

namespace sekisho::record {

// T or const T.
template <class Object, class T>
concept Of = std::same_as<std::remove_const_t<Object>, T>;

template <class Archive>
void members(Archive& a, Of<policy::Client> auto& o) {
  a("address", o.address)("name", o.name)("helo", o.helo)("unix", o.unix_socket)("mta", o.mta);
}

template <class Archive>
void members(Archive& a, Of<policy::Traces> auto& o) {
  a("fields", o.fields)("signature", o.author_signature);
}

template <class Archive>
void members(Archive& a, Of<mail::Author> auto& o) {
  a("result", o.result)("mailboxes", o.mailboxes)("domains", o.domains)("reason", o.reason);
}

template <class Archive>
void members(Archive& a, Of<client::IprevResult> auto& o) {
  a("code", o.code)("name", o.name)("reason", o.reason);
}

template <class Archive>
void members(Archive& a, Of<spf::Result> auto& o) {
  a("scope", o.scope)("code", o.code)("domain", o.domain)("reason", o.reason);
  a("explanation", o.explanation)("overbroad", o.overbroad);
}

template <class Archive>
void members(Archive& a, Of<dkim::SignatureResult> auto& o) {
  a("code", o.code)("domain", o.domain)("selector", o.selector)("algorithm", o.algorithm);
  a("identity", o.identity)("start", o.signature_start)("reason", o.reason)("bits", o.key_bits);
  a("testing", o.testing);
}

template <class Archive>
void members(Archive& a, Of<dmarc::Published> auto& o) {
  a("p", o.p)("sp", o.sp)("np", o.np)("adkim", o.adkim_strict)("aspf", o.aspf_strict)("fo", o.fo);
  a("testing", o.testing)("psd", o.psd)("rua", o.rua)("ruf", o.ruf);
}

template <class Archive>
void members(Archive& a, Of<dmarc::Result> auto& o) {
  a("code", o.code)("from", o.from)("policy_domain", o.policy_domain)("org_domain", o.org_domain);
  a("discovery", o.discovery)("tag", o.tag)("policy", o.policy)("requested", o.requested);
  a("published", o.published)("exists", o.author_exists)("aligned_spf", o.aligned_spf);
  a("aligned_dkim", o.aligned_dkim)("queries", o.queries)("reason", o.reason);
  a("could_ask", o.could_ask)("asks_anyway", o.asks_anyway)("alias", o.alias);
}

template <class Archive>
void members(Archive& a, Of<client::DnsListResult> auto& o) {
  a("name", o.name)("kind", o.kind)("on", o.on)("value", o.value)("code", o.code);
  a("codes", o.codes)("reason", o.reason)("fault", o.fault);
}

template <class Archive>
void members(Archive& a, Of<policy::AccessEffect> auto& o) {
  a.flags("", o.skip_lists)("author", o.skip_author)("smtp", o.skip_smtp)("dmarc", o.dmarc)("spf",
                                                                                            o.spf);
}

template <class Archive>
void members(Archive& a, Of<policy::AccessMatch> auto& o) {
  a("kind", o.kind)("entry", o.entry)("place", o.place)("proof", o.proof)("proven", o.proven);
  a("holds", o.holds)("reason", o.reason)("effect", o.effect)("deny", o.deny);
  a("proof_of", o.proof_of);
}

template <class Archive>
void members(Archive& a, Of<policy::Facts> auto& o) {
  a("id", o.id)("queue_id", o.queue_id)("received", o.received)("role", o.role);
  a("exemption", o.exemption)("released_id", o.released_id)("client", o.client)("relay", o.relay);
  a("own_fields", o.own_fields)("relay_reason", o.relay_reason)("mail_from", o.mail_from);
  a("refused_recipients", o.refused_recipients)("recipients", o.recipients)(
      "over_limits", o.header_over_limits)("author", o.author);
  a("author_is_ours", o.author_is_ours)("traces", o.traces)("iprev", o.iprev);
  a("spf_helo", o.spf_helo)("spf_mail_from", o.spf_mail_from)("dkim", o.dkim)("dmarc", o.dmarc);
  a("deferred_for", o.deferred_for)("questions", o.dns_questions)("waited", o.dns_waited);
  a("elapsed", o.elapsed)("decided_in", o.decided_in)("lists", o.lists);
  a("allowlist", o.allowlist)("denylist", o.denylist);
  a.flags("rcpt_", o.rcpt_skips);
}

template <class Archive>
void members(Archive& a, Of<policy::Decision> auto& o) {
  a("action", o.action)("rule", o.rule)("reason", o.reason)("reply", o.reply);
  a("evidence", o.evidence)("monitored", o.monitored)("monitored_rule", o.monitored_rule)(
      "overrides", o.overrides);
}

template <class Archive>
void members(Archive& a, Of<policy::RecipientDecision> auto& o) {
  a("to", o.to)("decision", o.decision);
}

template <class Archive>
void members(Archive& a, Of<policy::Edit> auto& o) {
  a("kind", o.kind)("name", o.name)("value", o.value)("index", o.index);
}

template <class Archive>
void members(Archive& a, Of<policy::Verdict> auto& o) {
  a("message", o.message)("recipients", o.recipients)("refused", o.refused)("edits", o.edits);
}

template <class Archive>
void members(Archive& a, Of<mail::HeaderField> auto& o) {
  a("n", o.name)("v", o.value);
}

template <class Archive>
void members(Archive& a, Of<dns::Mx> auto& o) {
  a("preference", o.preference)("exchange", o.exchange);
}

template <class Archive>
void members(Archive& a, Of<dns::Answer> auto& o) {
  a("outcome", o.outcome)("error", o.error)("ttl", o.ttl)("texts", o.texts);
  a("addresses", o.addresses)("exchanges", o.exchanges)("pointers", o.pointers);
  a("canonical", o.canonical);
}

template <class Archive>
void members(Archive& a, Of<dkim::WantedHash> auto& o) {
  a("form", o.form)("length", o.length);
}

template <class Archive>
void members(Archive& a, Of<dkim::BodyHash> auto& o) {
  a("coverage", o.coverage)("digest", o.digest);
}

template <class Archive>
void members(Archive& a, Of<dkim::BodyDigest> auto& o) {
  a("wanted", o.wanted)("found", o.found);
}

template <class Archive>
void members(Archive& a, Of<session::Outcome> auto& o) {
  a("facts", o.facts)("verdict", o.verdict)("results", o.authentication_results)("held", o.held);
  a("hold_reason", o.hold_reason)("recipients_held", o.recipients_held);
}

template <class Archive>
void members(Archive& a, Of<session::HoldResult> auto& o) {
  a("code", o.code)("reason", o.reason);
}

template <class Archive>
void members(Archive& a, Of<session::Inputs> auto& o) {
  a("mta_name", o.mta_name)("hostname", o.hostname)("connected", o.connected);
  a("authenticated", o.authenticated)("at_rcpt", o.at_rcpt)("blanks_lost", o.blanks_lost);
  a("header", o.header)("malformed", o.malformed_lines);
  a("left_out", o.left_out)("answers_left_out", o.answers_left_out);
  a("answers", o.answers)("refusals", o.refusals)("bodies", o.bodies);
  a("hold_result", o.hold_result)("released", o.released);
}

template <class Archive>
void members(Archive& a, Of<session::Decided> auto& o) {
  a("outcome", o.outcome)("configuration", o.configuration)("failure", o.failure);
  a("inputs", o.inputs);
}

}  // namespace sekisho::record
