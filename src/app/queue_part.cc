#include "app/queue_part.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <sys/statvfs.h>
#include <nlohmann/json.hpp>

#include "app/mail_hosts.h"
#include "metrics/queue.h"
#include "quarantine/tables.h"
#include "queue/control.h"
#include "queue/tables.h"

namespace sekisho::app {

using nlohmann::json;
using Started = Expected<void, std::string>;

namespace {

// As Postfix: room for one and a half of the largest message, and more than that for its index.
constexpr std::uint64_t least_octets = 64ULL * 1024 * 1024;
// A message needs one; the index and its log some more.
constexpr std::uint64_t least_inodes = 200;
constexpr const char* room_alarm = "room";
// Deliveries under way may end before the daemon does: what a server answers in time. A third of
// the time that the daemon has for all of its sessions, which wait behind it.
constexpr std::chrono::seconds drain_most{10};
// The commits of what the transport has cut off.
constexpr std::chrono::seconds last_commits{3};

std::string what_is_missing(const std::string& folder, std::uint64_t message_size) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) return folder + ": " + std::strerror(errno);
  const auto octets = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  if (octets < std::max(least_octets, message_size + message_size / 2))
    return folder + ": only " + std::to_string(octets / 1024 / 1024) + " MB are left";
  // Some file systems have no fixed number of inodes, and say 0.
  if (status.f_files != 0 && status.f_favail < least_inodes)
    return folder + ": only " + std::to_string(status.f_favail) + " inodes are left";
  return {};
}

smtp::Asked asked(const relay::Callout::Answer& answer) {
  using From = relay::Callout::Answer::Code;
  switch (answer.code) {
    case From::exists:
      return {smtp::Asked::Code::exists, answer.reply};
    case From::missing:
      return {smtp::Asked::Code::missing, answer.reply};
    case From::unknown:
      return {smtp::Asked::Code::later, answer.reply};
  }
  return {};
}

}  // namespace

std::string state_folder(const config::Settings& settings) {
  return std::filesystem::path(settings.queue.dir).parent_path().string();
}

// --- the store -----------------------------------------------------------------------------------

Started SpoolPart::prepare(const config::Settings& settings,
                           const session::Snapshot& /*snapshot*/) {
  if (store_ || settings.listeners.empty()) return {};
  spool::Options options;
  options.dir = settings.queue.dir;
  options.max_size = 0;  // what was promised is kept: quarantine.max_size is Intake's to apply
  // The order never changes: spool/store.h.
  auto opened = spool::Store::open(
      options, spool::Access::owner,
      {std::make_shared<const quarantine::Tables>(), std::make_shared<const queue::Tables>()},
      [this](const std::string& alarm) { log_.error("spool: " + alarm); });
  if (!opened)
    return tl::unexpected("queue.dir: " + settings.queue.dir + ": " + opened.error().why);
  store_ = std::move(*opened);
  look_at_room(settings);
  return {};
}

void SpoolPart::tick(const config::Settings& settings) {
  if (store_) look_at_room(settings);
}

void SpoolPart::look_at_room(const config::Settings& settings) {
  auto missing = what_is_missing(settings.queue.dir, settings.limits.message_size);
  if (missing.empty()) {
    alarms_.clear(room_alarm);
  } else {
    alarms_.raise(room_alarm, "no mail is taken: " + missing);
  }
  no_room_.with(
      [&](auto& now) { now = missing.empty() ? std::nullopt : std::optional(std::move(missing)); });
}

std::optional<std::string> SpoolPart::no_room() const {
  return no_room_.with([](const auto& now) { return now; });
}

// --- the queue -----------------------------------------------------------------------------------

QueuePart::QueuePart(const Needs& needs)
    : needs_(needs),
      resolver_(needs.engine),
      qmgr_(needs.log, "qmgr"),
      smtp_(needs.log, "smtp"),
      lmtp_(needs.log, "lmtp"),
      bounce_(needs.log, "bounce") {}

// An error leaves whom we trusted before.
Started QueuePart::trust(const config::Settings& settings) {
  auto made = relay::make_trust(settings.tls.ca_file);
  if (!made) return tl::unexpected(made.error());
  trust_ = std::move(*made);
  return {};
}

relay::TransportOptions QueuePart::options(const config::Settings& settings) const {
  return {settings.dns, trust_, settings.aliases.delimiter};
}

queue::Runner::Site QueuePart::site(const config::Settings& settings) const {
  const auto smtp = needs_.house.sites().now();
  const auto& postmaster = settings.session.identity.postmaster;
  return {settings.queue,
          smtp->routes,
          smtp->directory,
          smtp->origin,
          smtp->hostname,
          postmaster.empty() ? "postmaster@" + smtp->origin : postmaster,
          settings.session.identity.local_sender};
}

Started QueuePart::start(const config::Loaded& loaded) {
  const auto& store = needs_.spool.store();
  if (!store) return {};
  const auto& settings = loaded.settings;
  if (auto trusted = trust(settings); !trusted) return trusted;
  auto marks = queue::CrashMarks::open(state_folder(settings) + "/crashes");
  if (!marks) return tl::unexpected(marks.error());
  marks_ = std::move(*marks);
  transport_ = std::make_unique<relay::SmtpTransport>(needs_.loops, resolver_, options(settings));
  begin_callouts(settings);
  runner_ = std::make_unique<queue::Runner>(queue::Runner::Needs{store,
                                                                 *transport_,
                                                                 {qmgr_, smtp_, lmtp_, bounce_},
                                                                 needs_.alarms,
                                                                 [this, store] {
                                                                   auto id =
                                                                       needs_.engine.next_id();
                                                                   while (store->has_message(id))
                                                                     id = needs_.engine.next_id();
                                                                   return id;
                                                                 },
                                                                 marks_.get()},
                                            site(settings));
  open_.with([&](auto& runner) { runner = runner_.get(); });
  seen_ = needs_.house.sites().now();
  secrets_.look(*needs_.house.map());
  intake_ = std::make_unique<queue::Intake>(
      queue::Intake::Needs{store, [this] { return needs_.house.directory(); },
                           [this](const std::string& domain, const mail::IpAddress& client,
                                  std::function<void(bool)> done) {
                             ask_mail_hosts(resolver_, domain, client, std::move(done));
                           },
                           [this](queue::Message message) {
                             open_.with([&](auto* runner) {
                               if (runner != nullptr) runner->queued(std::move(message));
                             });
                           },
                           [most = settings.quarantine.max_size] { return most; }});
  return {};
}

void QueuePart::begin_callouts(const config::Settings& settings) {
  disk_ = std::make_unique<relay::Workers>(1);
  callout_ = std::make_unique<relay::Callout>(
      *transport_, needs_.loops, *disk_, smtp_, needs_.alarms,
      relay::Callout::Options{.file = state_folder(settings) + "/asked-recipients"});
}

void QueuePart::reload(const config::Loaded& loaded, std::vector<std::string>& findings) {
  if (!runner_) return;
  const auto& settings = loaded.settings;
  if (auto trusted = trust(settings); !trusted) findings.push_back(trusted.error());
  transport_->configure(options(settings));
  // What a person has mended is tried at once.
  transport_->forget("");
  seen_ = needs_.house.sites().now();
  secrets_.look(*needs_.house.map());
  runner_->reload(site(settings));
}

// A command may have changed rows; the files of aliases and recipients are read every minute.
void QueuePart::tick(const config::Settings& settings) {
  if (!runner_) return;
  runner_->look();
  for (const auto& fault : secrets_.look(*needs_.house.map())) {
    qmgr_.info(fault + ": another password or token is there, and is tried");
    runner_->try_again(fault);
  }
  const auto now = needs_.house.sites().now();
  if (now == seen_) return;
  seen_ = now;
  runner_->replace(site(settings));
}

void QueuePart::ask(const mail::Path& recipient, std::function<void(smtp::Asked)> done) {
  callout_->ask(
      recipient, needs_.house.map(),
      [done = std::move(done)](const relay::Callout::Answer& answer) { done(asked(answer)); });
}

json QueuePart::command(const json& request) {
  if (!runner_) return {{"ok", false}, {"error", "there is no [[listener]], and so no queue"}};
  // What a person wants tried is tried as if nothing were known of the next hops.
  if (request.value("act", std::string()) == to_string(queue::Act::flush)) transport_->forget("");
  return queue::answer(*runner_, request);
}

// Its messages are not cut off for anybody: they wait for the next start.
std::size_t QueuePart::drain(std::chrono::milliseconds within) {
  if (runner_) runner_->drain(std::min<std::chrono::milliseconds>(within, drain_most));
  return 0;
}

// What is put from now on waits for the next start. The transport ends what is under way on the
// loops, which still run; what a next hop has taken until then is recorded.
void QueuePart::stop() {
  if (!transport_) return;
  callout_.reset();
  transport_->stop();
  if (runner_) runner_->drain(last_commits);
  open_.with([](auto& runner) { runner = nullptr; });
  runner_.reset();
}

void QueuePart::status(json& answer) const {
  open_.with([&](const auto* runner) {
    if (runner != nullptr) answer["queue"] = metrics::queue_json(runner->counts());
  });
}

void QueuePart::append_metrics(metrics::Families& out) const {
  open_.with([&](const auto* runner) {
    if (runner != nullptr) metrics::append_queue(out, runner->counts());
  });
}

}  // namespace sekisho::app
