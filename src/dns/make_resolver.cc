#include "dns/make_resolver.h"

#include "dns/stub_resolver.h"
#include "dns/zone_resolver.h"

namespace sekisho::dns {

namespace {

Expected<std::vector<ServerAddress>> parse_all(const std::vector<std::string>& texts) {
  std::vector<ServerAddress> servers;
  for (const std::string& text : texts) {
    auto server = ServerAddress::parse(text);
    if (!server) return tl::unexpected(server.error());
    servers.push_back(std::move(*server));
  }
  return servers;
}

}  // namespace

Expected<std::unique_ptr<Resolver>> make_resolver(const Options& options,
                                                  const std::string& resolv_conf,
                                                  const std::vector<std::string>& last_good) {
  if (!options.zone_file.empty()) {
    auto zone = Zone::load(options.zone_file);
    if (!zone) return tl::unexpected(zone.error());
    return std::make_unique<ZoneResolver>(std::move(*zone), options.zone_file);
  }
  auto servers = parse_all(options.servers);
  if (!servers) return tl::unexpected(servers.error());
  auto good = parse_all(last_good);
  if (!good) return tl::unexpected(good.error());
  return std::make_unique<StubResolver>(options, std::move(*servers), resolv_conf,
                                        std::move(*good));
}

}  // namespace sekisho::dns
