#include "policy/facts.h"
#include "policy/verdict.h"

namespace sekisho::policy {

mail::DomainName judged_author(const Facts& facts) {
  if (facts.dmarc.alias.empty()) return facts.author.domain();
  const auto target = mail::DomainName::parse(facts.dmarc.from);
  return target ? *target : facts.author.domain();
}

std::string client_text(const Client& client) {
  // An MTA that could not verify a name gives the address in brackets, or nothing.
  const bool unknown = client.name.empty() || client.name.front() == '[';
  const std::string name = unknown ? "unknown" : client.name;
  if (client.address) return name + "[" + client.address->text() + "]";
  return name + (client.unix_socket ? "[unix]" : "[unknown]");
}

}  // namespace sekisho::policy
