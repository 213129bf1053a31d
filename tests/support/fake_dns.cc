#include "support/fake_dns.h"

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/ascii.h"

namespace sekisho::test {

namespace {

std::string key(std::string_view name) {
  std::string lowered = ascii::lower(name);
  if (!lowered.empty() && lowered.back() == '.') lowered.pop_back();
  return lowered;
}

dns::AnswerPtr negative(dns::Outcome outcome, std::string error = {}) {
  dns::Answer answer;
  answer.outcome = outcome;
  answer.error = std::move(error);
  answer.ttl = std::chrono::seconds(60);
  return std::make_shared<const dns::Answer>(std::move(answer));
}

dns::Answer& positive(dns::Answer& answer) {
  answer.outcome = dns::Outcome::records;
  answer.ttl = std::chrono::seconds(300);
  return answer;
}

}  // namespace

FakeDns& FakeDns::txt(std::string_view name, std::string_view text) {
  positive(records_[key(name)][dns::Type::txt]).texts.emplace_back(text);
  return *this;
}

FakeDns& FakeDns::a(std::string_view name, std::string_view address) {
  const auto parsed = mail::IpAddress::parse_published(address).value();
  const auto type = parsed.is_v4() ? dns::Type::a : dns::Type::aaaa;
  positive(records_[key(name)][type]).addresses.push_back(parsed);
  return *this;
}

FakeDns& FakeDns::mx(std::string_view name, unsigned preference, std::string_view exchange) {
  positive(records_[key(name)][dns::Type::mx])
      .exchanges.push_back({static_cast<std::uint16_t>(preference), key(exchange)});
  return *this;
}

FakeDns& FakeDns::ptr(std::string_view name, std::string_view target) {
  positive(records_[key(name)][dns::Type::ptr]).pointers.push_back(key(target));
  return *this;
}

FakeDns& FakeDns::cname(std::string_view name, std::string_view target) {
  aliases_[key(name)] = key(target);
  records_[key(name)];
  return *this;
}

FakeDns& FakeDns::exists(std::string_view name) {
  records_[key(name)];
  return *this;
}

FakeDns& FakeDns::error(std::string_view name, std::string_view what) {
  failing_[key(name)] = what;
  return *this;
}

FakeDns& FakeDns::error(std::string_view name, dns::Type type, std::string_view what) {
  auto& answer = records_[key(name)][type];
  answer.outcome = dns::Outcome::error;
  answer.error = what;
  return *this;
}

dns::AnswerPtr FakeDns::answer(const dns::Question& question) const { return answer(question, 0); }

dns::AnswerPtr FakeDns::answer(const dns::Question& question, int hops) const {
  const std::string& name = question.name.text();
  if (const auto failing = failing_.find(name); failing != failing_.end()) {
    return negative(dns::Outcome::error, failing->second);
  }
  if (const auto alias = aliases_.find(name); alias != aliases_.end()) {
    if (hops >= 8) return negative(dns::Outcome::error, "cname loop");
    const auto found = answer({dns::Name::from(alias->second).value(), question.type}, hops + 1);
    if (found->is_error() || !found->canonical.empty()) return found;
    auto moved = *found;
    moved.canonical = alias->second;
    return std::make_shared<const dns::Answer>(std::move(moved));
  }
  if (const auto found = records_.find(name); found != records_.end()) {
    const auto typed = found->second.find(question.type);
    if (typed == found->second.end()) return negative(dns::Outcome::nodata);
    return std::make_shared<const dns::Answer>(typed->second);
  }
  const std::string below = "." + name;
  for (const auto& [existing, types] : records_) {
    if (existing.ends_with(below)) return negative(dns::Outcome::nodata);
  }
  return negative(dns::Outcome::nxdomain);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(in), {}};
}

nlohmann::json read_json(const std::string& path) { return nlohmann::json::parse(read_file(path)); }

std::string conformance_path(const std::string& relative) {
  return std::string(SEKISHO_CONFORMANCE) + "/" + relative;
}

std::string data_path(const std::string& relative) {
  return std::string(SEKISHO_TEST_DATA) + "/" + relative;
}

}  // namespace sekisho::test
