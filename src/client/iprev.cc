#include "client/iprev.h"

#include <algorithm>
#include <vector>

#include "mail/domain_name.h"

namespace sekisho::client {

namespace {

// Names of one address that are followed. RFC 7208 §5.5 allows its ptr mechanism as many; an
// address with more is a web host's, and each name costs a lookup.
constexpr std::size_t max_names = 10;

IprevResult outcome(IprevCode code, std::string reason) { return {code, {}, std::move(reason)}; }

std::vector<mail::DomainName> names_of(const std::vector<std::string>& pointers) {
  std::vector<mail::DomainName> names;
  for (const std::string& pointer : pointers) {
    if (names.size() == max_names) break;
    // A PTR may hold any octets. Only a host name in ASCII can be looked up and shown to others.
    const bool ascii_only = std::all_of(pointer.begin(), pointer.end(), [](char c) {
      return static_cast<unsigned char>(c) < 0x80;
    });
    if (!ascii_only) continue;
    if (auto name = mail::DomainName::parse(pointer)) names.push_back(std::move(*name));
  }
  return names;
}

}  // namespace

// RFC 8601 §3: the names of the address, then the addresses of each name, in the order of the
// answer.
dns::Evaluation<IprevResult> iprev(const mail::IpAddress& client, const dns::Answers& answers) {
  using Evaluation = dns::Evaluation<IprevResult>;
  const dns::Question reverse{dns::Name::from(client.reverse_name()).value(), dns::Type::ptr};
  const dns::Answer* pointers = answers.find(reverse);
  if (pointers == nullptr) return Evaluation{std::nullopt, {reverse}, {}};
  if (pointers->is_error()) {
    return Evaluation::of(
        outcome(IprevCode::temperror, to_string(reverse) + ": " + pointers->error));
  }
  if (pointers->is_refused()) {
    return Evaluation::of(outcome(IprevCode::permerror, "not looked up: " + pointers->error));
  }
  if (pointers->pointers.empty()) {
    return Evaluation::of(outcome(IprevCode::permerror, "the address has no name"));
  }

  const dns::Type type = client.is_v4() ? dns::Type::a : dns::Type::aaaa;
  std::vector<dns::Question> open;
  std::string failure;
  for (const auto& name : names_of(pointers->pointers)) {
    const dns::Question forward{name, type};
    const dns::Answer* answer = answers.find(forward);
    if (answer == nullptr) {
      open.push_back(forward);
    } else if (answer->is_error()) {
      failure = to_string(forward) + ": " + answer->error;
    } else if (open.empty() && std::find(answer->addresses.begin(), answer->addresses.end(),
                                         client) != answer->addresses.end()) {
      return Evaluation::of({IprevCode::pass, name.text(), {}});
    }
  }
  if (!open.empty()) return Evaluation{std::nullopt, std::move(open), {}};
  if (!failure.empty()) return Evaluation::of(outcome(IprevCode::temperror, failure));
  return Evaluation::of(outcome(IprevCode::fail, "no name of the address leads back to it"));
}

}  // namespace sekisho::client
