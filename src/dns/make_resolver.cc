#include "dns/make_resolver.h"

#include "dns/stub_resolver.h"
#include "dns/zone_resolver.h"

namespace sekisho::dns {

Expected<std::unique_ptr<Resolver>> make_resolver(const Options& options,
                                                  const std::string& resolv_conf) {
  if (!options.zone_file.empty()) {
    auto zone = Zone::load(options.zone_file);
    if (!zone) return tl::unexpected(zone.error());
    return std::make_unique<ZoneResolver>(std::move(*zone), options.zone_file);
  }
  std::vector<ServerAddress> servers;
  for (const std::string& text : options.servers) {
    auto server = ServerAddress::parse(text);
    if (!server) return tl::unexpected(server.error());
    servers.push_back(std::move(*server));
  }
  return std::make_unique<StubResolver>(options, std::move(servers), resolv_conf);
}

}  // namespace sekisho::dns
