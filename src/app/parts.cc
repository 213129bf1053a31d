#include "app/parts.h"

#include <filesystem>
#include <utility>

#include <nlohmann/json.hpp>

#include "config/checks.h"
#include "config/dump.h"
#include "metrics/engine.h"
#include "metrics/parts.h"

namespace sekisho::app {

using nlohmann::json;
using Started = Expected<void, std::string>;

namespace {

// The settings as they may be recorded: without zones that hold an access key, or may. Records have
// the results of the lists, so a replay does not need the zones.
config::Settings without_secrets(config::Settings settings) {
  for (auto& each : settings.client.lists) {
    if (each.file.empty() && !client::holds_key(each.list.zone)) continue;
    each.file.clear();
    each.list.zone = "not-recorded.invalid";
  }
  return settings;
}

// Messages are held in the common store; those that were held before it existed come back to their
// own.
class WithFormerStore final : public session::Keeping {
 public:
  WithFormerStore(session::Keeping& now, session::Keeping& former) : now_(now), former_(former) {}
  std::unique_ptr<session::Draft> begin() override { return now_.begin(); }
  bool has(const std::string& id) const override { return now_.has(id) || former_.has(id); }
  void keep(session::KeepRequest message, std::function<void(session::HoldResult)> done) override {
    now_.keep(std::move(message), std::move(done));
  }
  void take_back(session::ReleaseProof proof,
                 std::function<void(session::TakenBack)> done) override {
    auto& store = former_.has(proof.id) ? former_ : now_;
    store.take_back(std::move(proof), std::move(done));
  }

 private:
  session::Keeping& now_;
  session::Keeping& former_;
};

}  // namespace

// --- quarantine ----------------------------------------------------------------------------------

Started QuarantinePart::prepare(const config::Settings& settings,
                                const session::Snapshot& /*snapshot*/) {
  if (auto prepared = prepare_own(settings); !prepared) return prepared;
  return prepare_common(settings);
}

Started QuarantinePart::prepare_own(const config::Settings& settings) {
  if (own_) return {};
  const bool needed =
      !spool_.store() && settings.session.quarantine.where == session::QuarantineWhere::store;
  std::error_code ignored;
  if (!needed && !std::filesystem::exists(settings.quarantine.dir, ignored)) return {};
  auto store = quarantine::Store::open(
      settings.quarantine, quarantine::Access::owner,
      [this](const std::string& alarm) { log_.error("quarantine: " + alarm); });
  if (!store) {
    const std::string why = "quarantine.dir: " + settings.quarantine.dir + ": " + store.error().why;
    if (needed) return tl::unexpected(why);
    log_.warning(why);
    return {};
  }
  own_ = std::make_unique<quarantine::Service>(std::move(*store), log_);
  put_into_force(*own_);
  return {};
}

Started QuarantinePart::prepare_common(const config::Settings& settings) {
  if (common_ || !spool_.store()) return {};
  common_ = std::make_unique<quarantine::Service>(
      std::make_unique<quarantine::Store>(settings.quarantine, spool_.store()), log_);
  put_into_force(*common_);
  if (!own_) return {};
  both_ = std::make_unique<WithFormerStore>(*common_, *own_);
  engine_.keep_in(both_.get());
  return {};
}

void QuarantinePart::put_into_force(quarantine::Service& service) {
  // With a clock that was set back, ids of held messages could repeat: new ids begin after the
  // latest. Otherwise they begin with the time that it is: beginning behind a message that stays
  // would repeat, after each start, the ids that were given after the start before.
  if (const auto latest = service.store().latest();
      latest && *latest && **latest > std::chrono::system_clock::now()) {
    engine_.ids_after(**latest + std::chrono::seconds(60));
  }
  open_ = &service;
  engine_.keep_in(&service);
}

// Its last answers go to sessions, which must still exist.
void QuarantinePart::stop() {
  engine_.keep_in(nullptr);
  open_ = nullptr;
  both_.reset();
  common_.reset();
  own_.reset();
}

void QuarantinePart::status(json& answer) const {
  answer["quarantine"] = metrics::quarantine_json(open_);
}

void QuarantinePart::append_metrics(metrics::Families& out) const {
  metrics::append_store(out, open_);
}

// --- DNS lists -----------------------------------------------------------------------------------

DnsListsPart::DnsListsPart(session::Engine& engine, Log& log)
    : guard_(std::make_shared<client::DnsListGuard>(
          [&log](const std::string& change) { log.warning(change); })),
      watch_(guard_) {
  engine.guard_lists(guard_);
}

Started DnsListsPart::prepare(const config::Settings& /*settings*/,
                              const session::Snapshot& snapshot) {
  guard_->configure(snapshot.client, /*wait_for_test=*/true, steady_now());
  watch_.start(snapshot.resolver, snapshot.client, steady_now());
  return {};
}

void DnsListsPart::tick(const config::Settings& /*settings*/) { watch_.tick(steady_now()); }

void DnsListsPart::status(json& answer) const {
  answer["lists"] = metrics::lists_json(guard_->status());
}

void DnsListsPart::append_metrics(metrics::Families& out) const {
  metrics::append_lists(out, guard_->status());
}

// --- the resolver --------------------------------------------------------------------------------

Started ResolverPart::start(const config::Loaded& loaded) {
  zone_file_warning_.with(
      [&](auto& warning) { warning = config::zone_file_warning(loaded.settings); });
  return {};
}

void ResolverPart::reload(const config::Loaded& loaded, std::vector<std::string>& /*findings*/) {
  zone_file_warning_.with(
      [&](auto& warning) { warning = config::zone_file_warning(loaded.settings); });
}

void ResolverPart::tick(const config::Settings& /*settings*/) {
  auto problem = engine_.snapshot()->resolver->status().problem;
  if (problem == problem_) return;
  if (problem.empty()) {
    log_.info("dns: resolv.conf names servers again");
  } else {
    log_.warning("dns: " + problem);
  }
  problem_ = std::move(problem);
}

void ResolverPart::status(json& answer) const {
  answer["resolver"] = metrics::resolver_json(engine_.snapshot()->resolver->status());
}

void ResolverPart::warnings(std::vector<std::string>& out) const {
  auto zone_file = zone_file_warning_.with([](const auto& warning) { return warning; });
  if (!zone_file.empty()) out.push_back(std::move(zone_file));
  auto problem = engine_.snapshot()->resolver->status().problem;
  if (!problem.empty()) out.push_back(std::move(problem));
}

void ResolverPart::append_metrics(metrics::Families& out) const {
  metrics::append_resolver(out, engine_.snapshot()->resolver->status());
}

// --- the history ---------------------------------------------------------------------------------

Started HistoryPart::start(const config::Loaded& loaded) {
  const auto& options = loaded.settings.history;
  if (options.dir.empty()) return {};
  recorder_ = std::make_unique<history::Recorder>(options, log_);
  recorder_->start();
  journal_.record_to(recorder_.get());
  record(loaded);
  auto& deferrals = engine_.deferrals();
  deferrals_ = std::make_unique<history::DeferralFile>(options.dir, log_);
  deferrals.remember(deferrals_->read(), wall_now(), steady_now());
  deferrals_->start([&deferrals] { return deferrals.all(wall_now(), steady_now()); });
  deferrals.keep_in(deferrals_.get());
  return {};
}

// So that decisions from now on can be explained after the file has changed.
void HistoryPart::record(const config::Loaded& loaded) {
  history::Configuration configuration{
      loaded.digest, config::dump(without_secrets(loaded.settings)), {}};
  for (const auto& [key, place] : loaded.places) configuration.places.emplace(key, place.text());
  recorder_->add(std::move(configuration));
}

void HistoryPart::reload(const config::Loaded& loaded, std::vector<std::string>& /*findings*/) {
  if (!recorder_) return;
  record(loaded);
  recorder_->set_limits(loaded.settings.history.keep, loaded.settings.history.max_size);
}

// The recorder stays until the last session has ended.
void HistoryPart::stop() {
  engine_.deferrals().keep_in(nullptr);
  deferrals_.reset();
}

void HistoryPart::status(json& answer) const {
  answer["history"] = metrics::history_json(recorder_.get());
}

void HistoryPart::append_metrics(metrics::Families& out) const {
  metrics::append_history(out, recorder_.get());
}

// --- access lists --------------------------------------------------------------------------------

void AccessPart::loaded() { files_.loaded(engine_.snapshot()->rules, engine_.now()); }

void AccessPart::reload(const config::Loaded& /*loaded*/, std::vector<std::string>& findings) {
  loaded();
  for (const auto& finding : setup::access_findings(engine_.snapshot()->rules, engine_.now())) {
    findings.push_back(finding.text());
  }
}

void AccessPart::tick(const config::Settings& settings) {
  const auto current = engine_.snapshot();
  files_.look(settings.access_files, *current, engine_.now(),
              [this](auto changed) { engine_.replace(std::move(changed)); });
}

// --- sockets -------------------------------------------------------------------------------------

Started MiltersPart::open(const config::Settings& settings) {
  return server_.open(settings.milters);
}

Started MiltersPart::start(const config::Loaded& /*loaded*/) {
  server_.run();
  return {};
}

std::size_t MiltersPart::drain(std::chrono::milliseconds within) { return server_.drain(within); }

Started MetricsPart::open(const config::Settings& settings) {
  return server_.open(settings.metrics);
}

Started MetricsPart::start(const config::Loaded& /*loaded*/) { return server_.run(pages_); }

void MetricsPart::status(json& answer) const { answer["metrics"] = server_.address(); }

Started ControlPart::open(const config::Settings& settings) {
  return server_.open(settings.control);
}

Started ControlPart::start(const config::Loaded& /*loaded*/) {
  server_.run(verbs_.quick, verbs_.slow);
  return {};
}

Started PlacesPart::open(const config::Settings& settings) {
  places_.opened(settings);
  return {};
}

void PlacesPart::tick(const config::Settings& settings) { places_.look(settings.log); }

}  // namespace sekisho::app
