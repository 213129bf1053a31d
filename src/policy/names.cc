#include "policy/facts.h"
#include "policy/verdict.h"

namespace sekisho::policy {

mail::DomainName judged_author(const Facts& facts) {
  if (facts.dmarc.alias.empty()) return facts.author.domain();
  const auto target = mail::DomainName::parse(facts.dmarc.from);
  return target ? *target : facts.author.domain();
}

std::string_view to_string(Action action) {
  switch (action) {
    case Action::accept:
      return "accept";
    case Action::tag:
      return "tag";
    case Action::quarantine:
      return "quarantine";
    case Action::tempfail:
      return "tempfail";
    case Action::reject:
      return "reject";
  }
  return "";
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::mx:
      return "mx";
    case Role::submission:
      return "submission";
    case Role::local:
      return "local";
  }
  return "";
}

std::string_view to_string(OwnFields fields) {
  switch (fields) {
    case OwnFields::none:
      return "none";
    case OwnFields::kept:
      return "kept";
    case OwnFields::removed:
      return "removed";
  }
  return "";
}

std::string_view to_string(Exemption exemption) {
  switch (exemption) {
    case Exemption::none:
      return "none";
    case Exemption::authenticated:
      return "authenticated";
    case Exemption::trusted_network:
      return "trusted-network";
    case Exemption::unix_socket:
      return "unix-socket";
    case Exemption::released:
      return "released";
  }
  return "";
}

std::string client_text(const Client& client) {
  // An MTA that could not verify a name gives the address in brackets, or nothing.
  const bool unknown = client.name.empty() || client.name.front() == '[';
  const std::string name = unknown ? "unknown" : client.name;
  if (client.address) return name + "[" + client.address->text() + "]";
  return name + (client.unix_socket ? "[unix]" : "[unknown]");
}

}  // namespace sekisho::policy
