#include "setup/snapshot.h"

#include "base/host_name.h"
#include "dmarc/public_suffix_list.h"
#include "dns/make_resolver.h"
#include "setup/access_files.h"
#include "setup/site.h"

namespace sekisho::setup {

namespace {

bool same_resolver(const dns::Options& a, const dns::Options& b) {
  // A zone file may have changed under the same name.
  return a.zone_file.empty() && b.zone_file.empty() && a.servers == b.servers &&
         a.timeout == b.timeout && a.cache_entries == b.cache_entries;
}

}  // namespace

Expected<std::shared_ptr<session::Snapshot>, std::string> make_offline_snapshot(
    const config::Settings& settings, const std::string& digest) {
  auto snapshot = std::make_shared<session::Snapshot>();
  snapshot->options = settings.session;
  if (snapshot->options.identity.hostname.empty()) {
    snapshot->options.identity.hostname = host_name();
  }
  snapshot->dns = settings.dns;
  snapshot->spf = settings.spf;
  snapshot->dkim = settings.dkim;
  snapshot->dmarc = settings.dmarc;
  snapshot->client = settings.client;
  snapshot->rules = settings.rules;
  snapshot->digest = digest;
  if (!settings.listeners.empty()) {
    snapshot->options.trust.networks = make_map(settings, {})->trusted();
  }
  if (auto read = read_access_files(settings.access_files, snapshot->rules); !read) {
    return tl::unexpected<std::string>(read.error());
  }
  if (settings.dmarc.discovery == dmarc::Discovery::psl) {
    auto list = dmarc::PublicSuffixList::load(settings.public_suffix_list);
    if (!list) return tl::unexpected<std::string>("dmarc.public_suffix_list: " + list.error().what);
    snapshot->suffixes = std::make_shared<const dmarc::PublicSuffixList>(std::move(*list));
    snapshot->dmarc.suffixes = snapshot->suffixes.get();
  }
  return snapshot;
}

Expected<std::shared_ptr<const session::Snapshot>, std::string> make_snapshot(
    const config::Settings& settings, const std::string& digest, const Running* running,
    const std::string& resolv_conf) {
  auto made = make_offline_snapshot(settings, digest);
  if (!made) return tl::unexpected(made.error());
  auto& snapshot = *made;
  if (!settings.listeners.empty()) {
    snapshot->options.trust.networks = make_map(settings, addresses_of_this_host())->trusted();
  }
  if (running != nullptr && same_resolver(settings.dns, running->settings.dns)) {
    snapshot->resolver = running->snapshot->resolver;
    return snapshot;
  }
  // If resolv.conf is broken at the moment of a reload, its last servers stay in use.
  std::vector<std::string> last_good;
  if (running != nullptr && running->settings.dns.zone_file.empty() &&
      running->settings.dns.servers.empty())
    last_good = running->snapshot->resolver->status().servers;
  auto resolver = dns::make_resolver(settings.dns, resolv_conf, last_good);
  if (!resolver) return tl::unexpected<std::string>("dns: " + resolver.error().what);
  snapshot->resolver = std::move(*resolver);
  return snapshot;
}

std::shared_ptr<const session::Snapshot> with_networks_of(const relay::Map& map,
                                                          const session::Snapshot& snapshot) {
  auto changed = std::make_shared<session::Snapshot>(snapshot);
  changed->options.trust.networks = map.trusted();
  return changed;
}

}  // namespace sekisho::setup
