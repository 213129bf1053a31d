// Any text as /etc/resolv.conf, and as one name server of the configuration. At most three servers
// come of it, each an address that reads as itself; what says the same in other words gives the
// same ones; and other lines change nothing.
#include <string>

#include <netdb.h>
#include <netinet/in.h>

#include "dns/resolv_conf.h"
#include "dns/server_address.h"
#include "fuzz/require.h"

namespace {

using namespace sekisho;
using dns::ServerAddress;
using fuzz::require;

// The octets of the address, without its port.
std::string octets_of(const ServerAddress& server) {
  if (server.family() == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(server.get());
    return {reinterpret_cast<const char*>(&v4->sin_addr), sizeof v4->sin_addr};
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(server.get());
  return std::string(reinterpret_cast<const char*>(&v6->sin6_addr), sizeof v6->sin6_addr) + "%" +
         std::to_string(v6->sin6_scope_id);
}

std::uint16_t port_of(const ServerAddress& server) {
  return ntohs(server.family() == AF_INET
                   ? reinterpret_cast<const sockaddr_in*>(server.get())->sin_port
                   : reinterpret_cast<const sockaddr_in6*>(server.get())->sin6_port);
}

// One spelling for each server, as the system writes it.
std::string text_of(const ServerAddress& server) {
  char host[NI_MAXHOST];
  require(::getnameinfo(server.get(), server.size(), host, sizeof host, nullptr, 0,
                        NI_NUMERICHOST) == 0);
  const std::string name(host);
  return (server.family() == AF_INET ? name : "[" + name + "]") + ":" +
         std::to_string(port_of(server));
}

void check_server(const ServerAddress& server) {
  require(server.family() == AF_INET || server.family() == AF_INET6);
  const auto again = ServerAddress::parse(server.text());
  require(again && *again == server && again->text() == server.text());
  require(again->size() == server.size() && octets_of(*again) == octets_of(server));
  require(port_of(server) != 0 && port_of(*again) == port_of(server));
  require(server.text().ends_with(":" + std::to_string(port_of(server))));
  require(server.text() == text_of(server));
  // A line of the log or of `status` can hold it.
  for (const char c : server.text()) require(c > ' ' && c <= '~');
}

std::string conf_of(const std::vector<ServerAddress>& servers, const std::string& before,
                    const std::string& line_end) {
  std::string text;
  for (const auto& server : servers) text += before + "nameserver\t" + server.text() + line_end;
  return text;
}

void check_file(std::string_view text) {
  const auto servers = dns::parse_resolv_conf(text);
  require(servers.size() <= 3);
  for (const auto& server : servers) check_server(server);
  if (servers.empty()) return;
  require(dns::parse_resolv_conf(conf_of(servers, "", "\n")) == servers);
  require(dns::parse_resolv_conf(conf_of(servers, "# nameserver 192.0.2.1\n;nameserver 192.0.2.2\n",
                                         " \r\n")) == servers);
  require(dns::parse_resolv_conf(conf_of(
              servers, "search nameserver 192.0.2.1\nnameserver\nnameserver x\n", "\t# x\n")) ==
          servers);
  require(dns::parse_resolv_conf("options edns0\n" + std::string(text)) == servers);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  check_file(text);
  const auto server = ServerAddress::parse(text);
  if (server) {
    check_server(*server);
  } else {
    require(!server.error().what.empty() && server.error().at <= text.size());
  }
  return 0;
}
