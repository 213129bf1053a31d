#include "config/complete.h"

#include "config/checks.h"

namespace sekisho::config {
namespace {

// A password never goes to a host that has not proven its name.
void verify_logins(Settings& settings, Reader& reader) {
  for (std::size_t i = 0; i < settings.routes.size(); ++i) {
    auto& route = settings.routes[i];
    if (route.login.empty() || route.tls == relay::RouteTls::verified) continue;
    const std::string key = entry_name("route", i + 1) + ".tls";
    if (reader.given(key)) {
      reader.warning(reader.place_of(key), key + " = \"" + std::string(to_string(route.tls)) +
                                               "\" has no effect: with a login it is verified");
    }
    route.tls = relay::RouteTls::verified;
  }
}

}  // namespace

void complete(Settings& settings, Reader& reader) {
  for (auto& listener : settings.listeners) {
    listener.limits = listener.own_limits.over(settings.limits);
  }
  verify_logins(settings, reader);
  for (std::size_t i = 0; i < settings.permits.size(); ++i) {
    const Place place = reader.place_of(entry_name("permit", i + 1));
    settings.permits[i].line = place.file + ":" + std::to_string(place.line);
  }
  // There may be no MTA that could hold a message.
  if (!settings.listeners.empty() && !reader.given("quarantine.where")) {
    settings.session.quarantine.where = session::QuarantineWhere::store;
  }
}

}  // namespace sekisho::config
