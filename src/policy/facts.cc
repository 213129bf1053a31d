#include "policy/facts.h"

namespace sekisho::policy {

std::string client_text(const Client& client) {
  // An MTA that could not verify a name gives the address in brackets, or nothing.
  const bool unknown = client.name.empty() || client.name.front() == '[';
  const std::string name = unknown ? "unknown" : client.name;
  if (client.address) return name + "[" + client.address->text() + "]";
  return name + (client.unix_socket ? "[unix]" : "[unknown]");
}

}  // namespace sekisho::policy
