#include "cli/session_house.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "accounts/make_authenticator.h"
#include "base/ascii.h"
#include "queue/backscatter.h"
#include "queue/intake.h"
#include "relay/via.h"
#include "setup/site.h"
#include "setup/snapshot.h"

namespace sekisho::cli {

namespace {

using session::Arrival;

// The daemon makes a missing secret; with this name there is none.
constexpr const char* no_secret = "/dev/null/srs";

std::string way_of(const relay::Map& map, const mail::Path& path) {
  const std::string domain = ascii::lower(map.canonical(path).domain());
  if (const auto* route = map.find(domain)) {
    return "[[route]] " + route->domain.front() + ", via " + text_of(route->via) +
           (route->login.empty() ? "" : ", login " + route->login);
  }
  if (map.is_own_name(domain))
    return "nowhere: a name of this host without a [[route]]; it would wait, and be held";
  return "by the MX of " + domain;
}

std::string failure_text(queue::Bouncing bouncing) {
  switch (bouncing) {
    case queue::Bouncing::allowed:
      return "the sender would be told";
    case queue::Bouncing::refused:
      return "it would be held: nothing proves that the sender is who they say";
    case queue::Bouncing::ask_dns:
      return "the sender would be told only if the client is among the A and MX of their domain";
  }
  return {};
}

}  // namespace

void Transcript::add(Who who, std::string text) {
  lines_.with([&](auto& lines) { lines.push_back({who, std::move(text)}); });
}

bool Transcript::write(LogLevel /*level*/, std::string_view line) const {
  lines_.with([&](auto& lines) { lines.push_back({Who::log, std::string(line)}); });
  return true;
}

std::vector<Transcript::Line> Transcript::lines() const {
  return lines_.with([](const auto& lines) { return lines; });
}

// Answers as if it kept every message.
class SessionHouse::Keeps final : public session::Keeping {
 public:
  Keeps(SessionHouse& house, std::shared_ptr<const Arrival> arrival)
      : house_(house), arrival_(std::move(arrival)) {}

  bool keeps_accepted() const override { return true; }
  std::unique_ptr<session::Draft> begin() override { return std::make_unique<NoDraft>(); }
  void keep(session::KeepRequest request, std::function<void(session::HoldResult)> done) override {
    house_.destinations_[request.outcome.facts.id] = house_.destinations_of(request, *arrival_);
    done({session::HoldCode::held, ""});
  }
  void take_back(session::ReleaseProof /*proof*/,
                 std::function<void(session::TakenBack)> done) override {
    done(std::optional<session::Released>());
  }

 private:
  struct NoDraft final : session::Draft {
    void append(std::string_view /*octets*/) override {}
  };
  SessionHouse& house_;
  const std::shared_ptr<const Arrival> arrival_;
};

OrComplaint<SessionHouse::Made> SessionHouse::make_site(const config::Settings& settings) {
  Made made;
  const auto map = setup::make_map(settings, setup::addresses_of_this_host());
  auto options = setup::directory_options(settings, map);
  auto& secret = options.aliases.srs_secret_file;
  if (::access(secret.c_str(), R_OK) != 0) {
    made.notes.push_back(secret + " cannot be read: SRS addresses are not recognised here");
    secret = no_secret;
  }
  made.directory = std::make_unique<accounts::LiveDirectory>(std::move(options));
  for (auto& finding : made.directory->findings()) {
    if (!finding.starts_with(no_secret)) made.notes.push_back(std::move(finding));
  }
  auto authenticator = accounts::make_authenticator(settings.users);
  if (!authenticator) return complaint(config, "users.source: " + authenticator.error());
  if (*authenticator) (*authenticator)->look();
  made.certificates = std::make_unique<tls::CertificateFiles>(settings.tls);
  made.certificates->look();
  auto site =
      setup::make_site(settings, map,
                       {made.directory->now(), std::move(*authenticator),
                        [&certificates = *made.certificates](const std::string& resumption) {
                          return certificates.context(resumption);
                        }});
  if (!site) return complaint(config, site.error());
  made.site = std::move(*site);
  return made;
}

OrComplaint<std::unique_ptr<SessionHouse>> SessionHouse::make(config::Loaded loaded) {
  auto snapshot = setup::make_snapshot(loaded.settings, loaded.digest);
  if (!snapshot) return complaint(config, snapshot.error());
  auto made = make_site(loaded.settings);
  if (!made) return tl::unexpected(made.error());
  Rulebook rulebook{std::move(loaded.settings), std::move(*snapshot), {}};
  for (const auto& [key, place] : loaded.places) rulebook.places.emplace(key, place.text());
  return std::unique_ptr<SessionHouse>(new SessionHouse(std::move(*made), std::move(rulebook)));
}

SessionHouse::SessionHouse(Made made, Rulebook rulebook)
    : made_(std::move(made)),
      rulebook_(std::move(rulebook)),
      engine_(rulebook_.snapshot, journal_),
      sites_(made_.site) {
  for (const auto& note : made_.notes) transcript_->add(Transcript::Who::note, note);
  const auto ask = [this](const mail::Path& recipient, const relay::Route&, auto done) {
    transcript_->add(Transcript::Who::note,
                     "the next hop would be asked about " + recipient.raw() +
                         "; here it is taken as known (sekisho relay test asks)");
    done(smtp::Asked{smtp::Asked::Code::exists, ""});
  };
  const auto alarm = [this](const std::string& /*key*/, const std::string& text) {
    transcript_->add(Transcript::Who::note, "an alarm: " + text);
  };
  services_ = std::make_unique<smtp::Services>(
      smtp::Services{.engine = engine_,
                     .sites = sites_,
                     .limits = limits_,
                     .failures = failures_,
                     .quota = quota_,
                     .broken_tls = broken_tls_,
                     .counters = counters_,
                     .log = log_,
                     .keeping =
                         [this](std::shared_ptr<const Arrival> arrival) {
                           return std::make_unique<Keeps>(*this, std::move(arrival));
                         },
                     .ask = ask,
                     .alarm = alarm});
}

SessionHouse::~SessionHouse() = default;

Destinations SessionHouse::destinations_of(const session::KeepRequest& request,
                                           const Arrival& arrival) const {
  Destinations out;
  const auto& facts = request.outcome.facts;
  const auto& directory = *made_.site->directory;
  for (const auto& each : request.held) out.held.push_back(each.path.raw() + ": quarantine");
  for (const auto& each : request.accepted) {
    const auto expansion =
        directory.expand(facts.mail_from, directory.reversed(each.path).value_or(each.path));
    const auto& all = expansion.recipients;
    if (!expansion.fault.empty()) {
      out.held.push_back(each.path.raw() + ": an alias that cannot be used: " + expansion.fault);
      continue;
    }
    const bool forwards =
        std::any_of(all.begin(), all.end(), [](const auto& to) { return to.forwarded; });
    if (forwards && queue::is_refused_elsewhere(facts)) {
      out.held.push_back(each.path.raw() +
                         ": quarantine by the rule forward: it failed DMARC, and goes to another "
                         "host");
      continue;
    }
    for (const auto& to : all) {
      out.all.push_back({each.path.raw(), to.path.raw(), to.sender.value_or(facts.mail_from).raw(),
                         way_of(*made_.site->routes, to.path)});
    }
  }
  out.failure = failure_text(queue::may_bounce(facts, arrival.origin));
  return out;
}

}  // namespace sekisho::cli
