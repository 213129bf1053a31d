#include "app/house_part.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "accounts/make_authenticator.h"
#include "setup/site.h"
#include "setup/snapshot.h"
#include "tls/certificate_copies.h"

namespace sekisho::app {

using nlohmann::json;
using Started = Expected<void, std::string>;

namespace {

constexpr std::chrono::minutes look_every(1);
// certbot renews a month before; what is not renewed two weeks before the end needs a person.
constexpr std::chrono::hours expiry_alarm(14 * 24);

using Raised = std::map<std::string, std::string>;

Raised alarms_of(const std::vector<tls::CertificateFiles::Report>& reports) {
  Raised out;
  for (const auto& report : reports) {
    const auto& file = report.files.certificate;
    if (report.present && report.expires - wall_now() <= expiry_alarm)
      out["certificate:" + file] = file + " is valid until " + to_iso8601(report.expires) + " only";
    if (!report.fault.empty()) {
      out["certificate-file:" + file] =
          report.fault + (report.present ? ": the certificate before is in use still"
                                         : ": there is no certificate");
    }
  }
  return out;
}

bool same(const accounts::UserOptions& a, const accounts::UserOptions& b) {
  return a.source == b.source && a.senders == b.senders;
}

}  // namespace

Started HousePart::open(const config::Settings& settings) {
  if (settings.listeners.empty()) return {};
  const auto beside = std::filesystem::path(settings.control.socket).parent_path();
  certificates_.emplace(settings.tls, tls::CertificateCopies(beside).reader());
  certificates_->look();
  return {};
}

Started HousePart::prepare(const config::Settings& settings,
                           const session::Snapshot& /*snapshot*/) {
  if (!certificates_) return {};
  next_.host = needs_.addresses();
  next_.map = setup::make_map(settings, next_.host);
  next_.authenticator = authenticator_;
  if (!authenticator_ || !same(users_, settings.users)) {
    auto made = accounts::make_authenticator(settings.users);
    if (!made) return tl::unexpected("users.source: " + made.error());
    next_.authenticator = std::move(*made);
  }
  if (!directory_) directory_.emplace(setup::directory_options(settings, next_.map));
  const auto site =
      setup::make_site(settings, next_.map, {directory_->now(), next_.authenticator, {}});
  if (!site) return tl::unexpected(site.error());
  return {};
}

Started HousePart::start(const config::Loaded& loaded) {
  if (!certificates_) return {};
  return force(loaded.settings);
}

void HousePart::reload(const config::Loaded& loaded, std::vector<std::string>& findings) {
  if (!certificates_) return;
  if (auto forced = force(loaded.settings); !forced) findings.push_back(forced.error());
  warnings(findings);
}

Started HousePart::force(const config::Settings& settings) {
  host_ = std::move(next_.host);
  map_ = std::move(next_.map);
  authenticator_ = std::move(next_.authenticator);
  if (authenticator_) authenticator_->look();
  users_ = settings.users;
  certificates_->configure(settings.tls);
  certificates_->look();
  directory_->configure(setup::directory_options(settings, map_));
  looked_ = needs_.clock();
  return replace_site(settings);
}

Started HousePart::replace_site(const config::Settings& settings) {
  auto site = setup::make_site(
      settings, map_, {directory_->now(), authenticator_, [this](const std::string& resumption) {
                         return certificates_->context(resumption);
                       }});
  note_faults();
  if (!site) return tl::unexpected(site.error());
  sites_.replace(std::move(*site));
  return {};
}

void HousePart::tick(const config::Settings& settings) {
  if (!certificates_ || needs_.clock() - looked_ < look_every) return;
  looked_ = needs_.clock();
  auto host = needs_.addresses();
  const bool moved = host.own != host_.own || host.shared != host_.shared;
  if (moved) {
    map_ = setup::make_map(settings, host);
    host_ = std::move(host);
    directory_->configure(setup::directory_options(settings, map_));
    // Whoever is behind a new gateway or bridge is a stranger, and judged like one.
    needs_.engine.replace(setup::with_networks_of(*map_, *needs_.engine.snapshot()));
  }
  const bool renewed = certificates_->look();
  if (renewed) log_.info("tls: new certificates are in use");
  // It is shared with the site, and locks itself.
  if (authenticator_ && authenticator_->look()) log_.info("accounts: the logins have changed");
  const bool changed = directory_->look();
  if (changed) log_.info("accounts: the files of users, aliases or recipients have changed");
  if (!moved && !renewed && !changed) return note_faults();
  if (auto replaced = replace_site(settings); !replaced) log_.error(replaced.error());
}

// Logs each fault once; a certificate that ends soon or cannot be used is an alarm.
void HousePart::note_faults() {
  std::vector<std::string> faults;
  warnings(faults);
  for (const auto& fault : faults) {
    if (std::find(told_.begin(), told_.end(), fault) == told_.end()) log_.warning(fault);
  }
  told_ = std::move(faults);
  auto now = alarms_of(certificates_->reports());
  for (const auto& [key, text] : std::exchange(raised_, now)) {
    if (!now.contains(key)) alarms_.clear(key);
  }
  for (const auto& [key, text] : now) alarms_.raise(key, text);
}

void HousePart::warnings(std::vector<std::string>& out) const {
  if (!certificates_) return;
  for (const auto& report : certificates_->reports()) {
    if (!report.fault.empty()) out.push_back("tls: " + report.fault);
  }
  for (auto& finding : directory_->findings()) out.push_back(std::move(finding));
}

void HousePart::status(json& answer) const {
  if (!certificates_) return;
  json all = json::object();
  for (const auto& report : certificates_->reports()) {
    if (report.files.certificate.empty()) continue;
    json shown = json::array();
    shown.push_back(report.present ? "until " + to_iso8601(report.expires) : "absent");
    for (const auto& name : report.names) shown.push_back(name);
    all[report.files.certificate] = std::move(shown);
  }
  answer["certificates"] = std::move(all);
}

void HousePart::append_metrics(metrics::Families& out) const {
  if (!certificates_) return;
  metrics::Family expiry(metrics::Family::Kind::gauge, "sekisho_certificate_expiry_seconds",
                         "When a certificate in use ends, in seconds since 1970.");
  for (const auto& report : certificates_->reports()) {
    if (!report.present) continue;
    const std::chrono::duration<double> end = report.expires.time_since_epoch();
    expiry.add({{"file", report.files.certificate}}, end.count());
  }
  if (!expiry.samples.empty()) out.push_back(std::move(expiry));
}

}  // namespace sekisho::app
