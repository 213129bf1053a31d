#include <stdexcept>

#include <nlohmann/json.hpp>

#include "base/words.h"
#include "mail/mailbox.h"
#include "record/json.h"

namespace sekisho::record {

namespace {

using nlohmann::json;

// Thrown for an unknown value. Does not leave this file.
struct Unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

const std::string& text(const json& object, const char* key) {
  return object.at(key).get_ref<const std::string&>();
}

// The value for the word at that place.
template <Worded Value>
Value one_of(const json& object, const char* key) {
  const std::string& word = text(object, key);
  if (const auto value = parse_word<Value>(word)) return *value;
  throw Unreadable(std::string(key) + " is " + word);
}

mail::Author read_author(const json& record) {
  mail::Author author;
  author.result = one_of<mail::Author::Result>(record, "result");
  author.reason = text(record, "reason");
  for (const auto& each : record.at("mailboxes").get<std::vector<std::string>>()) {
    auto mailbox = mail::Mailbox::parse(each);
    if (!mailbox) throw Unreadable("a mailbox: " + mailbox.error().what);
    author.mailboxes.push_back(std::move(*mailbox));
  }
  if (!author.well_formed()) return author;
  auto domain = mail::DomainName::parse(text(record, "domain"));
  if (!domain) throw Unreadable("the Author Domain: " + domain.error().what);
  author.domains.push_back(std::move(*domain));
  return author;
}

spf::Result read_spf(const json& record) {
  return {one_of<spf::Scope>(record, "scope"), one_of<spf::Code>(record, "result"),
          text(record, "domain"), text(record, "reason"), text(record, "explanation"),
          // Absent where it was held before this was written.
          record.value("overbroad", false)};
}

dkim::SignatureResult read_signature(const json& record) {
  dkim::SignatureResult signature;
  signature.code = one_of<dkim::Code>(record, "result");
  signature.domain = text(record, "domain");
  signature.selector = text(record, "selector");
  signature.algorithm = text(record, "algorithm");
  signature.identity = text(record, "identity");
  signature.reason = text(record, "reason");
  signature.key_bits = record.at("bits").get<unsigned>();
  signature.testing = record.at("testing").get<bool>();
  return signature;
}

std::optional<dmarc::Policy> policy_of(const json& record, const char* key) {
  if (record.value(key, "").empty()) return std::nullopt;
  return one_of<dmarc::Policy>(record, key);
}

policy::Decision read_decision(const json& record) {
  policy::Decision decision;
  decision.action = one_of<policy::Action>(record, "action");
  decision.rule = text(record, "rule");
  decision.reason = text(record, "reason");
  decision.evidence = record.at("evidence").get<std::vector<std::string>>();
  if (record.contains("monitored")) {
    decision.monitored = one_of<policy::Action>(record, "monitored");
    // Absent where it was held before this was written.
    decision.monitored_rule = record.value("monitored_rule", decision.rule);
  }
  return decision;
}

policy::Facts read_facts(const json& record) {
  policy::Facts facts;
  facts.id = text(record, "id");
  facts.exemption = one_of<policy::Exemption>(record, "skipped");
  facts.author = read_author(record.at("author"));
  // For the null reverse-path the first is of the HELO name too (RFC 7208 §2.4).
  facts.spf_mail_from = read_spf(record.at("spf").at(0));
  facts.spf_helo = read_spf(record.at("spf").at(1));
  for (const auto& each : record.at("dkim")) facts.dkim.push_back(read_signature(each));
  const auto& dmarc = record.at("dmarc");
  facts.dmarc.code = one_of<dmarc::Code>(dmarc, "result");
  facts.dmarc.from = text(dmarc, "from");
  // Absent where it was held before these were written.
  facts.dmarc.alias = dmarc.value("alias", "");
  facts.dmarc.could_ask = policy_of(dmarc, "could_ask");
  facts.dmarc.asks_anyway = policy_of(dmarc, "asks_anyway");
  facts.dmarc.aligned_spf = dmarc.at("aligned_spf").get<bool>();
  facts.dmarc.aligned_dkim = dmarc.at("aligned_dkim").get<bool>();
  facts.iprev = {one_of<client::IprevCode>(record.at("iprev"), "result"),
                 text(record.at("iprev"), "name"), text(record.at("iprev"), "reason")};
  facts.traces.fields = record.at("traces").get<std::vector<std::string>>();
  return facts;
}

policy::Verdict read_verdict(const json& record) {
  policy::Verdict verdict;
  verdict.message = read_decision(record);
  for (const auto& each : record.at("recipients")) {
    verdict.recipients.push_back({text(each, "to"), read_decision(each)});
  }
  return verdict;
}

}  // namespace

Expected<session::Outcome, std::string> from_json(const json& record) {
  try {
    session::Outcome outcome;
    outcome.facts = read_facts(record);
    outcome.verdict = read_verdict(record.at("verdict"));
    return outcome;
  } catch (const Unreadable& error) {
    return tl::unexpected<std::string>(error.what());
  } catch (const json::exception& error) {
    return tl::unexpected<std::string>(error.what());
  }
}

}  // namespace sekisho::record
