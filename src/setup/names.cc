#include "setup/names.h"

#include <algorithm>

#include "base/ascii.h"
#include "setup/site.h"

namespace sekisho::setup {
namespace {

// A check makes no files: with this name there is no secret.
constexpr const char* no_secret = "/dev/null/srs";

bool leads_somewhere(const relay::Map& map, const mail::Path& path) {
  const mail::Path recipient = map.canonical(path);
  const std::string domain = ascii::lower(recipient.domain());
  const relay::Route* route = map.find(domain);
  if (route != nullptr) return route->via.kind != relay::Via::Kind::discard;
  return !map.is_own_name(domain);
}

std::string fault_of(const relay::Map& map, const accounts::Directory& directory,
                     const mail::Path& path) {
  const auto expansion = directory.expand(mail::Path(), map.canonical(path));
  if (!expansion.fault.empty()) return expansion.fault;
  const auto& all = expansion.recipients;
  const bool any = std::any_of(all.begin(), all.end(), [&](const accounts::Expanded& each) {
    return leads_somewhere(map, each.path);
  });
  if (any) return {};
  return "mail for it is read by nobody, and is held; write in /etc/aliases who gets it, or add a "
         "[[route]] for " +
         map.options().hostname;
}

}  // namespace

std::vector<config::Finding> name_findings(const config::Settings& settings,
                                           const std::string& name) {
  std::vector<config::Finding> out;
  if (settings.listeners.empty()) return out;
  const auto warn = [&](const std::string& what) {
    out.push_back({config::Finding::Level::warning, {name, 0, 0}, what});
  };
  const auto map = make_map(settings, addresses_of_this_host());
  auto options = directory_options(settings, map);
  options.aliases.srs_secret_file = no_secret;
  const std::string origin = options.origin;
  const accounts::LiveDirectory directory(std::move(options));
  for (const auto& finding : directory.findings()) {
    if (!finding.starts_with(no_secret)) warn(finding);
  }
  for (const std::string& each : {"root@" + origin, std::string("postmaster")}) {
    const std::string fault = fault_of(*map, *directory.now(), each);
    if (!fault.empty()) warn(each + ": " + fault);
  }
  return out;
}

}  // namespace sekisho::setup
