#include "app/daemon.h"

#include <csignal>
#include <filesystem>
#include <future>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include "app/seal_file.h"
#include "app/service_manager.h"
#include "base/memory.h"
#include "cli/version.h"
#include "client/nat_watch.h"
#include "config/checks.h"
#include "config/dump.h"
#include "config/keys.h"
#include "crypto/digest.h"
#include "metrics/engine.h"
#include "metrics/parts.h"
#include "record/log_line.h"
#include "session/seal.h"

namespace sekisho::app {

using nlohmann::json;

namespace {

// How long what is in flight may take to finish: a message's budget of time and some more.
constexpr std::chrono::seconds drain_time(30);

// As it may be written down: a zone that holds an access key, or may, has no place there. Records
// have what the lists said, so nobody needs it to decide again.
config::Settings without_secrets(config::Settings settings) {
  for (auto& each : settings.client.lists) {
    if (each.file.empty() && !client::holds_key(each.list.zone)) continue;
    each.file.clear();
    each.list.zone = "not-recorded.invalid";
  }
  return settings;
}

// The policy in force, in the configuration's own words: every key of the rules, and where
// quarantine is.
std::string dispositions(const config::Settings& settings) {
  LogLine line("in force:");
  for (const auto& row : config::keys()) {
    std::string value;
    if (const auto* rule = std::get_if<config::Slot<policy::Rules>>(&row.slot)) {
      value = rule->show(settings.rules.defaults);
    } else if (const auto* other = std::get_if<config::Slot<config::Settings>>(&row.slot);
               other != nullptr && row.section == "quarantine") {
      value = other->show(settings);
    }
    std::erase(value, '"');
    if (!value.empty()) line.plain(row.path(), value);
  }
  return line.text();
}

}  // namespace

// One line per decision, and a record where there is a history.
class Daemon::DecisionJournal final : public session::Journal {
 public:
  explicit DecisionJournal(Log& log) : log_(log) {}
  void record_to(history::Recorder* recorder) { recorder_ = recorder; }
  void decided(std::shared_ptr<const session::Decided> decided) override {
    const auto& facts = decided->outcome.facts;
    log_.info(record::log_line(facts, decided->outcome.verdict));
    watch_for_nat(facts);
    watch_for_own_fields(facts);
    if (recorder_ != nullptr) recorder_->add(std::move(decided));
  }

 private:
  // A content filter whose way back runs through us, or somebody who is trusted and speaks in our
  // name.
  void watch_for_own_fields(const policy::Facts& facts) {
    if (facts.own_fields != policy::OwnFields::removed) return;
    log_.write_limited(
        LogLevel::warning, "own fields",
        LogLine(
            "a trusted client handed in fields in our name without the proof that we wrote them, "
            "and what made the message look better was removed; if this is a content filter that "
            "gives mail back, set -o smtpd_milters= for its service in master.cf:")
            .field("client", policy::client_text(facts.client))
            .field("id", facts.id)
            .text());
  }

  void watch_for_nat(const policy::Facts& facts) {
    if (!facts.client.address || facts.role != policy::Role::mx) return;
    const auto alarm = nat_.count({*facts.client.address, facts.client.helo,
                                   facts.exemption == policy::Exemption::trusted_network,
                                   facts.exemption == policy::Exemption::authenticated},
                                  steady_now());
    if (alarm) log_.warning(alarm->text());
  }

  Log& log_;
  client::NatWatch nat_;
  history::Recorder* recorder_ = nullptr;
};

Daemon::Daemon(std::string config_path, config::Loaded loaded)
    : config_path_(std::move(config_path)),
      loaded_(std::move(loaded)),
      log_(LogOptions{LogOptions::Target::stderr_stream, ""}),
      journal_(std::make_unique<DecisionJournal>(log_)),
      list_guard_(std::make_shared<client::DnsListGuard>(
          [this](const std::string& change) { log_.warning(change); })),
      list_watch_(list_guard_),
      control_(log_),
      metrics_server_(log_) {}

Daemon::~Daemon() = default;

Expected<void, std::string> Daemon::open() {
  // Sockets first, as root where we are root; nothing here starts a thread that would keep its
  // rights.
  if (auto opened = control_.open(loaded_.settings.control); !opened)
    return tl::unexpected(opened.error());
  if (auto opened = metrics_server_.open(loaded_.settings.metrics); !opened) return opened;
  engine_ = std::make_unique<session::Engine>(nullptr, *journal_);
  engine_->guard_lists(list_guard_);
  milters_ = std::make_unique<milter::Server>(*engine_, log_);
  if (auto opened = milters_->open(loaded_.settings.milters); !opened)
    return tl::unexpected(opened.error());
  places_.opened(loaded_.settings);
  return {};
}

Expected<void, std::string> Daemon::run() {
  // OpenSSL makes itself ready at the first use, once, and stays unready for ever when there is no
  // memory just then.
  crypto::sha256("");
  // As the user that will have to open it again.
  if (!log_.reopen(loaded_.settings.log)) {
    return tl::unexpected<std::string>("log.target: cannot be opened as this user");
  }
  auto snapshot = setup::make_snapshot(loaded_.settings, loaded_.digest);
  if (!snapshot) return tl::unexpected<std::string>(snapshot.error());
  if (auto opened = open_quarantine(loaded_.settings); !opened) return opened;
  open_seal();
  watch_lists(**snapshot);
  engine_->replace(std::move(*snapshot));
  zone_file_warning_.with(
      [&](auto& warning) { warning = config::zone_file_warning(loaded_.settings); });
  if (!loaded_.settings.history.dir.empty()) open_history();
  metrics_sources_ = {
      [this](metrics::Families& out) { append_own(out); },
      [this](metrics::Families& out) { metrics::append_lists(out, list_guard_->status()); },
      [this](metrics::Families& out) { metrics::append_store(out, open_store_); },
      [this](metrics::Families& out) { metrics::append_history(out, history_.get()); },
  };
  auto scraped =
      metrics_server_.run({[this] { return metrics(); }, [this] { return !stopping_.load(); }});
  if (!scraped) return scraped;
  milters_->run();
  control_.run(
      {{"status", [this](const json&) { return status(); }}},
      {{"reload", [this](const json&) { return on_main_thread([this] { return reload(); }); }}});
  log_start();
  access_files_.loaded(engine_->snapshot()->rules, engine_->now());
  return {};
}

void Daemon::open_history() {
  history_ = std::make_unique<history::Recorder>(loaded_.settings.history, log_);
  history_->start();
  journal_->record_to(history_.get());
  record_configuration();
  auto& deferrals = engine_->deferrals();
  deferral_file_ = std::make_unique<history::DeferralFile>(loaded_.settings.history.dir, log_);
  deferrals.remember(deferral_file_->read(), wall_now(), steady_now());
  deferral_file_->start([&deferrals] { return deferrals.all(wall_now(), steady_now()); });
  deferrals.keep_in(deferral_file_.get());
}

// So that what is decided from now on can be explained when the file has changed.
void Daemon::record_configuration() {
  if (!history_) return;
  history::Configuration configuration{
      loaded_.digest, config::dump(without_secrets(loaded_.settings)), {}};
  for (const auto& [key, place] : loaded_.places) configuration.places.emplace(key, place.text());
  history_->add(std::move(configuration));
}

// Opened also where new messages go elsewhere by now: what is in it expires, and comes out of it by
// its proof.
Expected<void, std::string> Daemon::open_quarantine(const config::Settings& settings) {
  if (quarantine_) return {};
  const bool needed = settings.session.quarantine.where == session::QuarantineWhere::store;
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
  // A clock that was set back would bring the ids of what is held once more: they go on after the
  // latest, and what a burst may have borrowed.
  if (const auto latest = (*store)->latest(); latest && *latest) {
    engine_->ids_after(**latest + std::chrono::seconds(60));
  }
  quarantine_ = std::make_unique<quarantine::Service>(std::move(*store), log_);
  open_store_ = quarantine_.get();
  engine_->keep_in(quarantine_.get());
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
  const std::string metrics_address = metrics_server_.address();
  if (!metrics_address.empty()) line.field("metrics", metrics_address);
  if (loaded_.settings.rules.defaults.monitor) line.field("monitor", "all");
  log_.info(line.text());
  log_in_force();
}

// What is done with whom, so that neither a new version nor a slip in a file can change it without
// a word.
void Daemon::log_in_force() {
  log_.info(dispositions(loaded_.settings));
  log_.info(setup::access_in_force(engine_->snapshot()->rules));
}

void Daemon::watch_lists(const session::Snapshot& snapshot) {
  list_guard_->configure(snapshot.client, /*wait_for_test=*/true, steady_now());
  list_watch_.start(snapshot.resolver, snapshot.client, steady_now());
}

void Daemon::look_around() {
  places_.look(loaded_.settings.log);
  list_watch_.tick(steady_now());
  const auto current = engine_->snapshot();
  if (auto problem = current->resolver->status().problem; problem != resolver_problem_) {
    if (problem.empty()) {
      log_.info("dns: resolv.conf names servers again");
    } else {
      log_.warning("dns: " + problem);
    }
    resolver_problem_ = std::move(problem);
  }
  access_files_.look(loaded_.settings.access_files, *current, engine_->now(),
                     [this](auto changed) { engine_->replace(std::move(changed)); });
}

void Daemon::serve_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGUSR1, SIGUSR2}) sigaddset(&signals, signal);
  for (;;) {
    const timespec pause{setup::AccessFiles::look_every.count(), 0};
    const int signal = sigtimedwait(&signals, nullptr, &pause);
    switch (signal) {
      case -1:  // nothing came, or an interruption
        guarded("looking around", [this] { look_around(); });
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

// The main thread goes on, whatever has broken.
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
  const std::size_t cut_off = milters_->drain(drain_time);
  control_.stop();
  metrics_server_.stop();
  engine_->deferrals().keep_in(nullptr);
  deferral_file_.reset();
  // Its answers go to the sessions of the milters, which must still be there.
  engine_->keep_in(nullptr);
  open_store_ = nullptr;
  quarantine_.reset();
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
      // It waits for an answer, and has none of its own for that there is none.
      until_memory([&] { answer->set_value({{"ok", false}, {"error", error.what()}}); });
    }
  });
  ::kill(::getpid(), SIGUSR2);
  // The main thread that stops waits for this one: it has no time for us then.
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
  const auto restart = config::reload_needs_restart(loaded_.settings, loaded->settings);
  answer["findings"] = json::array();
  for (const auto& key : restart) {
    const std::string warning =
        config_path_ + ": warning: " + key + " has changed, which a restart puts into force";
    log_.warning(warning);
    answer["findings"].push_back(warning);
  }
  for (const auto* all : {&loaded->findings, &findings}) {
    for (const auto& finding : *all) {
      log_.warning(finding.text());
      answer["findings"].push_back(finding.text());
    }
  }
  loaded->settings = config::keep_until_restart(loaded_.settings, std::move(loaded->settings));
  const setup::Running running{engine_->snapshot(), loaded_.settings};
  auto snapshot = setup::make_snapshot(loaded->settings, loaded->digest, &running);
  if (!snapshot) return refuse(snapshot.error());
  if (auto opened = open_quarantine(loaded->settings); !opened) return refuse(opened.error());
  watch_lists(**snapshot);
  engine_->replace(std::move(*snapshot));
  reload_refused_ = false;
  loaded_ = std::move(*loaded);
  zone_file_warning_.with(
      [&](auto& warning) { warning = config::zone_file_warning(loaded_.settings); });
  record_configuration();
  if (history_) {
    history_->set_limits(loaded_.settings.history.keep, loaded_.settings.history.max_size);
  }
  log_.reopen(loaded_.settings.log);
  const auto current = engine_->snapshot();
  access_files_.loaded(current->rules, engine_->now());
  for (const auto& finding : setup::access_findings(current->rules, engine_->now())) {
    answer["findings"].push_back(finding.text());
  }
  log_.info(LogLine("reloaded:").field("digest", loaded_.digest).text());
  log_in_force();
  tell_service_manager("READY=1");
  answer["ok"] = true;
  answer["digest"] = loaded_.digest;
  return answer;
}

std::vector<std::string> Daemon::warnings(const session::Snapshot& snapshot) const {
  std::vector<std::string> out;
  auto zone_file = zone_file_warning_.with([](const auto& warning) { return warning; });
  if (!zone_file.empty()) out.push_back(std::move(zone_file));
  if (auto problem = snapshot.resolver->status().problem; !problem.empty())
    out.push_back(std::move(problem));
  return out;
}

json Daemon::status() const {
  const auto snapshot = engine_->snapshot();
  const auto keys = engine_->keys().status();
  const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(steady_now() - started_);
  json answer = {
      {"ok", true},
      {"version", cli::version},
      {"pid", ::getpid()},
      {"uptime_s", uptime.count()},
      {"config", config_path_},
      {"digest", snapshot->digest},
      {"reload_refused", reload_refused_.load()},
      {"metrics", metrics_server_.address()},
      {"warnings", warnings(*snapshot)},
      {"resolver", metrics::resolver_json(snapshot->resolver->status())},
      {"keys", {{"entries", keys.entries}, {"hits", keys.hits}, {"misses", keys.misses}}},
      {"lists", metrics::lists_json(list_guard_->status())},
      {"quarantine", metrics::quarantine_json(open_store_)},
      {"history", metrics::history_json(history_.get())},
      {"log", {{"lost", log_.lost()}}}};
  answer.update(metrics::messages_json(engine_->counters()));
  return answer;
}

std::string Daemon::metrics() const {
  metrics::Families families;
  for (const auto& source : metrics_sources_) source(families);
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
  metrics::append_resolver(out, snapshot->resolver->status());
  metrics::append_keys(out, engine_->keys().status());
}

}  // namespace sekisho::app
