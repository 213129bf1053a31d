#include "app/daemon.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <future>
#include <utility>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include "app/seal_file.h"
#include "app/service_manager.h"
#include "base/memory.h"
#include "cli/version.h"
#include "config/dump.h"
#include "config/keys.h"
#include "config/problems.h"
#include "config/reload.h"
#include "crypto/digest.h"
#include "metrics/engine.h"
#include "session/seal.h"
#include "setup/access_files.h"
#include "setup/snapshot.h"

namespace sekisho::app {

using nlohmann::json;

namespace {

// How long messages in flight may take to finish: the time budget of a message and a margin.
constexpr std::chrono::seconds drain_time(30);

// The policy in force, in the configuration's own words: every key of the rules, and where
// quarantine is.
std::string dispositions(const config::Settings& settings) {
  LogLine line("in force:");
  for (const auto& row : config::keys()) {
    if (!row.rule && row.section != "quarantine") continue;
    std::string value = row.slot.show(settings);
    std::erase(value, '"');
    if (!value.empty()) line.plain(row.path(), value);
  }
  return line.text();
}

}  // namespace

template <class T, class... Arguments>
T& Daemon::add(Arguments&&... arguments) {
  auto part = std::make_unique<T>(std::forward<Arguments>(arguments)...);
  T& added = *part;
  parts_.push_back(std::move(part));
  return added;
}

Daemon::Daemon(std::string config_path, config::Loaded loaded)
    : config_path_(std::move(config_path)),
      loaded_(std::move(loaded)),
      log_(LogOptions{LogOptions::Target::stderr_stream, ""}),
      journal_(log_),
      engine_(std::make_unique<session::Engine>(nullptr, journal_)) {
  // First, for it is opened last: when the sockets are there.
  add<PlacesPart>(log_);
  // Started first, and stopped last: answers of all others come on the loops.
  auto& loops = add<LoopsPart>(log_).loops();
  auto& alarms = add<AlarmsPart>(log_).alarms();
  auto& spool = add<SpoolPart>(alarms, log_);
  add<QuarantinePart>(*engine_, spool, log_);
  add<DnsListsPart>(*engine_, log_);
  add<ResolverPart>(*engine_, log_);
  add<HistoryPart>(*engine_, journal_, log_);
  access_ = &add<AccessPart>(*engine_, log_);
  metrics_ = &add<MetricsPart>(
      metrics::Server::Pages{[this] { return metrics(); }, [this] { return !stopping_.load(); }},
      log_);
  auto& house = add<HousePart>(HousePart::Needs{*engine_, alarms, log_});
  auto& queue = add<QueuePart>(QueuePart::Needs{*engine_, loops, spool, house, alarms, log_});
  add<MiltersPart>(*engine_, loops, log_);
  listeners_ =
      &add<ListenersPart>(ListenersPart::Needs{*engine_, loops, house, queue, alarms, log_});
  add<ControlPart>(
      ControlPart::Verbs{
          {{"status", [this](const json&) { return status(); }}},
          {{"reload", [this](const json&) { return on_main_thread([this] { return reload(); }); }},
           {"queue", [&queue](const json& request) { return queue.command(request); }}}},
      log_);
}

// In the reverse order: sessions may still use what started before them.
Daemon::~Daemon() {
  // After an exception nobody has called stop(): no thread may read the parts any more.
  for (const auto& part : parts_) part->drain(std::chrono::milliseconds(0));
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) (*part)->stop();
  while (!parts_.empty()) parts_.pop_back();
}

Expected<void, std::string> Daemon::open() {
  // The control socket first: whether another daemon runs is seen there before anything is taken
  // from it.
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    if (auto opened = (*part)->open(loaded_.settings); !opened) return opened;
  }
  return {};
}

Expected<void, std::string> Daemon::run() {
  // OpenSSL initialises itself once, at its first use, and stays unusable if there is no memory at
  // that moment.
  crypto::sha256("");
  // As the user that must be able to open it again.
  if (!log_.reopen(loaded_.settings.log)) {
    return tl::unexpected<std::string>("log.target: cannot be opened as this user");
  }
  auto snapshot = setup::make_snapshot(loaded_.settings, loaded_.digest);
  if (!snapshot) return tl::unexpected<std::string>(snapshot.error());
  if (auto prepared = prepare(loaded_.settings, **snapshot); !prepared) return prepared;
  open_seal();
  engine_->replace(std::move(*snapshot));
  for (const auto& part : parts_) {
    if (auto running = part->start(loaded_); !running) return running;
  }
  log_start();
  access_->loaded();
  return {};
}

Expected<void, std::string> Daemon::prepare(const config::Settings& settings,
                                            const session::Snapshot& snapshot) {
  for (const auto& part : parts_) {
    if (auto prepared = part->prepare(settings, snapshot); !prepared) return prepared;
  }
  return {};
}

void Daemon::open_seal() {
  const auto& path = loaded_.settings.session.identity.seal_file;
  if (path.empty()) return;
  auto secret = read_or_make_seal(path);
  if (!secret) {
    log_.warning(
        "identity.seal_file: " + path + ": " + secret.error() +
        "; a secret of this run alone is used, and what a content filter gives back after a "
        "restart loses our Authentication-Results");
  }
  engine_->seal_with(std::make_shared<const session::Seal>(secret ? *secret : make_secret()));
}

void Daemon::log_start() {
  for (const auto& finding : loaded_.findings) log_.warning(finding.text());
  LogLine line(std::string("sekishod ") + cli::version + " started:");
  line.field("config", config_path_).field("digest", loaded_.digest);
  for (const auto& milter : loaded_.settings.milters) {
    line.field("milter", milter.socket + " " + std::string(to_string(milter.role)));
  }
  for (const auto& socket : listeners_->sockets()) line.field("listener", socket);
  const std::string metrics_address = metrics_->address();
  if (!metrics_address.empty()) line.field("metrics", metrics_address);
  if (loaded_.settings.rules.defaults.monitor) line.field("monitor", "all");
  log_.info(line.text());
  log_in_force();
}

// Logs the policy in force, so that neither a new version nor a mistake in a file changes it
// silently.
void Daemon::log_in_force() {
  log_.info(dispositions(loaded_.settings));
  log_.info(setup::access_in_force(engine_->snapshot()->rules));
}

void Daemon::serve_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  for (;;) {
    const timespec pause{setup::AccessFiles::look_every.count(), 0};
    const int signal = sigtimedwait(&signals, nullptr, &pause);
    switch (signal) {
      case -1:  // a time-out, or an interruption
        guarded("looking around", [this] {
          for (const auto& part : parts_) part->tick(loaded_.settings);
        });
        break;
      case SIGHUP:
        guarded("reload", [this] { reload(); });
        break;
      case SIGUSR1:
        guarded("opening the log again", [this] { log_.reopen(loaded_.settings.log); });
        break;
      case SIGUSR2:
        guarded("a command", [this] { main_tasks_.run_until([] { return false; }, steady_now()); });
        break;
      default:
        return;
    }
  }
}

// The main thread goes on after any exception.
void Daemon::guarded(const char* doing, const std::function<void()>& work) {
  try {
    work();
  } catch (const std::exception& error) {
    contained([&] {
      log_.error(
          LogLine("internal error:").field("doing", doing).field("why", error.what()).text());
    });
  }
}

void Daemon::stop() {
  stopping_ = true;
  tell_service_manager("STOPPING=1");
  log_.info("stopping: messages in flight may take 30 s; a second signal ends at once");
  sigset_t again;
  sigemptyset(&again);
  for (const int signal : {SIGTERM, SIGINT}) {
    std::signal(signal, SIG_DFL);
    sigaddset(&again, signal);
  }
  pthread_sigmask(SIG_UNBLOCK, &again, nullptr);
  std::size_t cut_off = 0;
  const auto deadline = steady_now() + drain_time;
  for (const auto& part : parts_) {
    const auto left = std::max(deadline - steady_now(), SteadyTime::duration::zero());
    cut_off += part->drain(std::chrono::duration_cast<std::chrono::milliseconds>(left));
  }
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) (*part)->stop();
  if (cut_off > 0)
    log_.warning(std::to_string(cut_off) + " messages were cut off; their senders try again");
  log_.info("stopped");
}

json Daemon::on_main_thread(const std::function<json()>& work) {
  const auto answer = std::make_shared<std::promise<json>>();
  auto future = answer->get_future();
  main_tasks_.post([answer, work] {
    try {
      answer->set_value(work());
    } catch (const std::exception& error) {
      // The caller waits for an answer, so one is given even without memory.
      until_memory([&] { answer->set_value({{"ok", false}, {"error", error.what()}}); });
    }
  });
  ::kill(::getpid(), SIGUSR2);
  // When the main thread stops, it waits for this thread, and does not answer any more.
  while (future.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {
    if (stopping_) return {{"ok", false}, {"error", "sekishod is stopping"}};
  }
  return future.get();
}

json Daemon::reload() {
  try {
    return try_reload();
  } catch (const std::exception& error) {
    reload_refused_ = true;
    tell_service_manager("READY=1");
    log_.error(std::string("reload refused: ") + error.what());
    return {{"ok", false}, {"error", error.what()}};
  }
}

json Daemon::try_reload() {
  tell_service_manager_reloading();
  json answer = {{"ok", false}};
  const auto refuse = [&](std::string why) {
    log_.error("reload refused, the old configuration stays: " + why);
    reload_refused_ = true;
    answer["error"] = std::move(why);
    tell_service_manager("READY=1");
    return answer;
  };
  auto loaded = config::load_file(config_path_);
  auto findings =
      loaded ? config::problems(*loaded, config_path_, ::geteuid() == 0) : loaded.error();
  if (config::any_error(findings)) {
    std::string why;
    for (const auto& finding : findings) why += (why.empty() ? "" : "\n") + finding.text();
    return refuse(why);
  }
  std::vector<std::string> told;
  for (const auto& key : config::reload_needs_restart(loaded_.settings, loaded->settings)) {
    told.push_back(config_path_ + ": warning: " + key +
                   " has changed, which a restart puts into force");
  }
  for (const auto* all : {&loaded->findings, &findings}) {
    for (const auto& finding : *all) told.push_back(finding.text());
  }
  for (const auto& each : told) log_.warning(each);
  if (auto done = put_into_force(std::move(*loaded), told); !done) {
    answer["findings"] = told;
    return refuse(done.error());
  }
  answer["findings"] = told;
  answer["ok"] = true;
  answer["digest"] = loaded_.digest;
  tell_service_manager("READY=1");
  return answer;
}

Expected<void, std::string> Daemon::put_into_force(config::Loaded loaded,
                                                   std::vector<std::string>& findings) {
  loaded.settings = config::keep_until_restart(loaded_.settings, std::move(loaded.settings));
  const setup::Running running{engine_->snapshot(), loaded_.settings};
  auto snapshot = setup::make_snapshot(loaded.settings, loaded.digest, &running);
  if (!snapshot) return tl::unexpected(snapshot.error());
  if (auto prepared = prepare(loaded.settings, **snapshot); !prepared) return prepared;
  engine_->replace(std::move(*snapshot));
  reload_refused_ = false;
  loaded_ = std::move(loaded);
  log_.reopen(loaded_.settings.log);
  for (const auto& part : parts_) part->reload(loaded_, findings);
  log_.info(LogLine("reloaded:").field("digest", loaded_.digest).text());
  log_in_force();
  return {};
}

json Daemon::status() const {
  const auto keys = engine_->keys().status();
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(steady_now() - started_);
  std::vector<std::string> warnings;
  for (const auto& part : parts_) part->warnings(warnings);
  json answer = {
      {"ok", true},
      {"version", cli::version},
      {"pid", ::getpid()},
      {"uptime_s", uptime.count()},
      {"config", config_path_},
      {"digest", engine_->snapshot()->digest},
      {"reload_refused", reload_refused_.load()},
      {"warnings", warnings},
      {"keys", {{"entries", keys.entries}, {"hits", keys.hits}, {"misses", keys.misses}}},
      {"log", {{"lost", log_.lost()}}}};
  for (const auto& part : parts_) part->status(answer);
  answer.update(metrics::messages_json(engine_->counters()));
  return answer;
}

std::string Daemon::metrics() const {
  metrics::Families families;
  append_own(families);
  for (const auto& part : parts_) part->append_metrics(families);
  return metrics::render(families);
}

void Daemon::append_own(metrics::Families& out) const {
  using metrics::Family;
  const auto snapshot = engine_->snapshot();
  const std::chrono::duration<double> uptime = steady_now() - started_;
  Family build(Family::Kind::gauge, "sekisho_build_info", "The version that runs; always 1.");
  out.push_back(build.add({{"version", cli::version}}, 1));
  out.push_back(
      metrics::gauge("sekisho_uptime_seconds", "Since the daemon was started.", uptime.count()));
  Family digest(Family::Kind::gauge, "sekisho_config_info",
                "The digest of the configuration in force; always 1.");
  out.push_back(digest.add({{"digest", snapshot->digest}}, 1));
  out.push_back(metrics::gauge("sekisho_config_reload_refused",
                               "1 when the last reload was refused: the file has an error.",
                               reload_refused_ ? 1 : 0));
  out.push_back(metrics::counter("sekisho_log_lines_lost_total",
                                 "Lines that the log's target did not take.", log_.lost()));
  metrics::append_messages(out, engine_->counters());
  metrics::append_keys(out, engine_->keys().status());
}

}  // namespace sekisho::app
