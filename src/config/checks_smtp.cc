// Checks of [[listener]], [tls] and [quarantine].
#include "config/checks.h"

namespace sekisho::config {
namespace {

using smtp::ListenerTls;
using smtp::Profile;

bool has_certificate(const Settings& settings) { return !settings.tls.main.certificate.empty(); }

void check_listener_tls(const smtp::Listener& listener, const std::string& entry,
                        const Settings& settings, Reader& reader) {
  const std::string profile(to_string(listener.profile));
  const Place place = place_in(reader, entry, "tls");
  if (listener.profile == Profile::mx) {
    if (listener.tls == ListenerTls::required && !has_certificate(settings)) {
      reader.error(place, entry +
                              ".tls: required needs a certificate: set tls.certificate and "
                              "tls.key");
    }
    return;
  }
  // The default may be written out, as `config dump` does.
  if (listener.tls == ListenerTls::off) {
    reader.error(place, entry +
                            ".tls is for profile = \"mx\": a login always needs TLS, so "
                            "remove it here");
  }
  if (!has_certificate(settings)) {
    reader.error(place_in(reader, entry, "profile"),
                 entry + ": profile = \"" + profile +
                     "\" needs a certificate: set tls.certificate and tls.key");
  }
}

void check_pair(const tls::KeyPair& pair, const std::string& key, Reader& reader) {
  if (pair.certificate.empty() == pair.key.empty()) return;
  const bool no_key = pair.key.empty();
  reader.error(reader.place_of(key + (no_key ? ".certificate" : ".key")),
               key + (no_key ? ".key" : ".certificate") +
                   " is missing: a certificate and its key go together");
}

}  // namespace

void check_listeners(const Settings& settings, Reader& reader) {
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const auto& listener = settings.listeners[i];
    const std::string entry = entry_name("listener", i + 1);
    if (!reader.given(entry + ".profile")) {
      reader.error(reader.place_of(entry),
                   "profile is missing: add profile = \"mx\", "
                   "\"submission\" or \"submissions\"");
      continue;
    }
    check_listener_tls(listener, entry, settings, reader);
    if (listener.profile != Profile::mx && settings.users.source.empty()) {
      reader.warning(place_in(reader, entry, "profile"),
                     entry + ": nobody can log in there: set users.source");
    }
  }
  check_proxies(settings, reader);
}

void check_tls(const Settings& settings, Reader& reader) {
  check_pair(settings.tls.main, "tls", reader);
  for (std::size_t i = 0; i < settings.tls.names.size(); ++i) {
    const std::string key = "tls.names[" + std::to_string(i) + "]";
    const auto& pair = settings.tls.names[i];
    check_pair(pair, key, reader);
    if (pair.certificate.empty() && pair.key.empty()) {
      reader.error(reader.place_of(key), key + " is empty: add a certificate and its key");
    }
  }
  if (!settings.tls.names.empty() && !has_certificate(settings)) {
    reader.error(reader.place_of("tls.names"),
                 "tls.names needs tls.certificate too, for clients that ask for no name");
  }
}

void check_quarantine(const Settings& settings, Reader& reader) {
  using session::QuarantineWhere;
  if (settings.quarantine.release_via == "queue" && settings.listeners.empty()) {
    reader.error(reader.place_of("quarantine.release_via"),
                 "quarantine.release_via = \"queue\" needs a [[listener]]: without one there is no "
                 "queue");
  }
  if (settings.listeners.empty() || !settings.milters.empty()) return;
  if (settings.session.quarantine.where != QuarantineWhere::mta) return;
  reader.error(reader.place_of("quarantine.where"),
               "quarantine.where = \"mta\": without a [[milter]] there is no MTA that could hold "
               "a message; write \"store\", or leave it out");
}

}  // namespace sekisho::config
