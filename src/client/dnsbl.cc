#include "client/dnsbl.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/ascii.h"

namespace sekisho::client {

namespace {

// At most this many codes are reported; real lists give up to five.
constexpr std::size_t max_codes = 8;

// Shorter labels of a zone are names like "zen" and "dq".
constexpr std::size_t shortest_key = 4;

// "2.0.0.127" of "2.0.0.127.in-addr.arpa".
std::string reversed(const mail::IpAddress& address) {
  std::string name = address.reverse_name();
  const std::string_view suffix = address.is_v4() ? ".in-addr.arpa" : ".ip6.arpa";
  name.resize(name.size() - suffix.size());
  return name;
}

DnsListLookup lookup(const DnsListDefinition& list, DnsListOn on, std::string value,
                     std::string_view label) {
  std::string name;
  name.reserve(label.size() + 1 + list.list.zone.size());
  name.append(label).append(".").append(list.list.zone);
  DnsListLookup out{&list, on, std::move(value), std::nullopt};
  if (auto asked = dns::Name::from(name)) out.question = {std::move(*asked), dns::Type::a};
  return out;
}

std::string joined(const std::vector<mail::IpAddress>& answers) {
  std::string out;
  for (std::size_t i = 0; i < std::min(answers.size(), max_codes); ++i) {
    out += (out.empty() ? "" : ",") + answers[i].text();
  }
  return answers.size() > max_codes ? out + ",+" : out;
}

template <class Test>
std::vector<mail::IpAddress> those_that(const std::vector<mail::IpAddress>& answers, Test test) {
  std::vector<mail::IpAddress> out;
  std::copy_if(answers.begin(), answers.end(), std::back_inserter(out), test);
  return out;
}

DnsListResult failed(DnsListResult result, const dns::Answer& answer) {
  result.code = DnsListCode::temperror;
  result.reason = answer.error;
  result.fault = fault_of_error(answer.error);
  return result;
}

DnsListResult faulty(DnsListResult result, DnsListFault fault,
                     const std::vector<mail::IpAddress>& answers) {
  result.code = DnsListCode::set_aside;
  result.fault = fault;
  result.codes = joined(answers);
  result.reason = to_string(fault);
  return result;
}

// Replaces every occurrence, whatever its case.
void replace_all(std::string& text, std::string_view what, std::string_view with) {
  const std::string lower = ascii::lower(text);
  std::string out;
  std::size_t at = 0;
  for (;;) {
    const std::size_t found = lower.find(what, at);
    out += text.substr(at, found - at);
    if (found == std::string::npos) break;
    out += with;
    at = found + what.size();
  }
  text = std::move(out);
}

}  // namespace

std::vector<DnsListLookup> address_lookups(const Options& options, const mail::IpAddress& client) {
  std::vector<DnsListLookup> out;
  const std::string label = reversed(client);
  for (const DnsListDefinition& list : options.lists) {
    if (holds_domains(list.kind)) continue;
    out.push_back(lookup(list, DnsListOn::client, client.text(), label));
  }
  return out;
}

// Neither a single label, nor a name that could be an address.
std::optional<std::string> listable(std::string_view name) {
  auto domain = mail::DomainName::parse(name);
  if (!domain || domain->label_count() < 2) return std::nullopt;
  std::string_view last = domain->text();
  last.remove_prefix(last.rfind('.') + 1);
  if (std::all_of(last.begin(), last.end(), ascii::is_digit)) return std::nullopt;
  return domain->text();
}

DnsListLookup domain_lookup(const DnsListDefinition& list, DnsListOn on,
                            const std::string& domain) {
  return lookup(list, on, domain, domain);
}

DnsListResult unanswered(const DnsListLookup& lookup) {
  DnsListResult result;
  result.name = lookup.list->name;
  result.kind = lookup.list->kind;
  result.on = lookup.on;
  result.value = lookup.value;
  result.code = DnsListCode::unanswered;
  return result;
}

DnsListResult not_asked(const DnsListLookup& lookup) {
  DnsListResult result = unanswered(lookup);
  result.code = DnsListCode::temperror;
  result.reason = "query budget";
  return result;
}

dns::Evaluation<DnsListResult> look_up(const DnsListLookup& lookup, const dns::Answers& answers,
                                       Reason reason) {
  using Evaluation = dns::Evaluation<DnsListResult>;
  DnsListResult result = unanswered(lookup);
  result.code = DnsListCode::not_listed;
  if (!lookup.question) {
    result.reason = "too long to be looked up";
    return Evaluation::of(std::move(result));
  }
  const dns::Answer* answer = answers.find(*lookup.question);
  if (answer == nullptr) return Evaluation{std::nullopt, {*lookup.question}, {}};
  if (answer->is_error()) return Evaluation::of(failed(std::move(result), *answer));

  // An answer with a fault does not count, even if it also has a code.
  const auto& addresses = answer->addresses;
  if (addresses.empty()) return Evaluation::of(std::move(result));
  if (const auto errors = those_that(addresses, is_error_code); !errors.empty()) {
    return Evaluation::of(faulty(std::move(result), DnsListFault::error_code, errors));
  }
  const auto outside = those_that(addresses, [](const auto& a) { return !is_list_code(a); });
  if (!outside.empty()) {
    return Evaluation::of(faulty(std::move(result), DnsListFault::outside, outside));
  }
  const auto matching =
      those_that(addresses, [&](const auto& a) { return lookup.list->list.codes.matches(a); });
  if (matching.empty()) {
    result.codes = joined(addresses);
    return Evaluation::of(std::move(result));
  }
  result.code = DnsListCode::listed;
  result.codes = joined(matching);
  // RFC 5782 §2.1: the reason for a person. That of a dnswl is not used.
  const dns::Question text{lookup.question->name, dns::Type::txt};
  const dns::Answer* why = answers.find(text);
  if (why == nullptr && reason == Reason::wanted && !vouches(lookup.list->kind)) {
    return Evaluation{std::nullopt, {text}, {}};
  }
  if (why != nullptr && !why->texts.empty()) {
    result.reason = clean_reason(why->texts.front(), *lookup.list);
  }
  return Evaluation::of(std::move(result));
}

DnsListFault fault_of_error(std::string_view error) {
  constexpr std::string_view ours[] = {"query budget", "time budget", "cancelled", "shutting down",
                                       "resolver busy"};
  if (std::find(std::begin(ours), std::end(ours), error) != std::end(ours))
    return DnsListFault::none;
  const bool silence =
      error == "timeout" || error == "server unreachable" || error.starts_with("truncated");
  return silence ? DnsListFault::no_answer : DnsListFault::refused;
}

std::string clean_reason(std::string_view text, const DnsListDefinition& list) {
  std::string out(text);
  // A zone in a file of its own is assumed to have a key, whatever it looks like: everything but
  // the operator's domain.
  const bool has_key = !list.file.empty();
  // Some lists repeat the question. A zone without a key is not a secret, and may be the host of a
  // useful URL.
  if (has_key || holds_key(list.list.zone)) replace_all(out, list.list.zone, list.name);
  for (std::string_view rest = list.list.zone; !rest.empty();) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    const bool of_domain = std::count(rest.begin(), rest.end(), '.') < 2;
    const bool secret = has_key && !of_domain && label.size() >= shortest_key;
    if (secret || holds_key(label)) replace_all(out, label, "(secret)");
    rest.remove_prefix(std::min(label.size() + 1, rest.size()));
  }
  out = ascii::trim(out);
  if (out.size() > max_reason_octets) out.resize(max_reason_octets);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

}  // namespace sekisho::client
