// What is out of order beyond one message: hops that do not work, faults of this side with their
// alarms, and messages that crash the daemon.
#include <algorithm>
#include <array>
#include <utility>

#include "queue/settled.h"
#include "relay/lane.h"
#include "relay/results.h"

namespace sekisho::queue {

namespace {

using Code = relay::Result::Code;

// A message may be under way at one crash, which another one may have caused. At the second it is
// held, so that the daemon can start.
constexpr unsigned crashes_allowed = 1;

// A hop that takes some and refuses others would else be asked for these with each success.
constexpr std::chrono::minutes wake_every{1};

// Faults that a message to the same hop cannot get past. Of others, a folder of one user or the
// file of one message, its success says nothing.
constexpr std::array<std::string_view, 5> of_hop = {relay::route_fault,
                                                    "tls:", "mx:", "egress:", "socket:"};

bool is_of_hop(const std::string& fault) {
  return std::any_of(of_hop.begin(), of_hop.end(),
                     [&](std::string_view each) { return fault.starts_with(each); });
}

bool proves_the_way(const relay::Result& result) {
  return result.code == Code::sent || (result.code == Code::failed && !result.reply.empty());
}

}  // namespace

// What mail for the domain shares with other mail: a smarthost is one hop for all domains.
std::string Runner::hop_of(const std::string& domain) const {
  if (!site_.map) return domain;
  relay::Job job;
  job.domain = domain;
  job.map = site_.map;
  return relay::destination_of(job);
}

bool Runner::fails(const std::string& hop) const {
  const auto found = failing_hops_.find(hop);
  return found != failing_hops_.end() && !found->second.ids.empty();
}

void Runner::after_result(const Settled& settled, const Slim& slim, const Progress& before,
                          const relay::Result& result) {
  const auto& domain = *slim.domain;
  if (slim.hop_failed && !settled.hop.empty()) failing_hops_[settled.hop].ids.insert(settled.id);
  if (proves_the_way(result) && !before.fault.empty()) end_fault(before.fault);
  if (result.code == Code::sent && !settled.hop.empty()) hop_works(settled.hop, settled.begun);
  if (result.code == Code::loop) note_loop(domain, result.why);
  if (result.code != Code::own_fault) return;
  note_fault(settled.id, slim);
  const auto& name = result.fault.empty() ? "route:" + domain : result.fault;
  auto& fault = faults_[name];
  fault.noted = steady_now();
  if (fault.since == WallTime{}) fault.since = wall_now();
  fault.hops.insert(settled.hop);
  needs_.alarms.raise(name, result.why);
}

// A message has got through. Whatever was out of order on its way before it began is mended.
void Runner::hop_works(const std::string& hop, SteadyTime begun) {
  wake_hop(hop);
  std::vector<std::string> over;
  for (const auto& [name, fault] : faults_) {
    if (is_of_hop(name) && fault.noted < begun && fault.hops.contains(hop)) over.push_back(name);
  }
  for (const auto& name : over) end_fault(name);
}

// One success wakes the rest for that hop: those that wait because the hop itself did not work.
void Runner::wake_hop(const std::string& hop) {
  const auto found = failing_hops_.find(hop);
  if (found == failing_hops_.end() || found->second.ids.empty()) return;
  const auto now = steady_now();
  const auto& retry = site_.options.retry;
  const auto pause = std::min<std::chrono::seconds>(wake_every, retry.front());
  if (found->second.woken && now < *found->second.woken + pause) return;
  found->second.woken = now;
  for (const auto& id : std::exchange(found->second.ids, {})) {
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) continue;
    for (auto& each : entry->second.recipients) {
      if (!each.hop_failed || hop_of(*each.domain) != hop) continue;
      each.hop_failed = false;
      each.progress =
          step(each.progress, {Event::Kind::hop_works}, around(entry->second), site_.options).next;
    }
    schedule(id, entry->second);
  }
}

// The configuration has changed, and with it what a hop is called.
void Runner::name_hops_anew() {
  failing_hops_.clear();
  for (auto& [name, fault] : faults_) fault.hops.clear();
  for (const auto& [id, entry] : entries_) {
    for (const auto& each : entry.recipients) {
      const auto fault = faults_.find(each.progress.fault);
      if (!each.hop_failed && fault == faults_.end()) continue;
      const auto hop = hop_of(*each.domain);
      if (each.hop_failed) failing_hops_[hop].ids.insert(id);
      if (fault != faults_.end()) fault->second.hops.insert(hop);
    }
  }
}

// Of messages that are over nothing is left, else a domain that never works again would be
// remembered for ever.
void Runner::forget_hops() {
  const auto waits = [this](const std::string& id) {
    const auto found = entries_.find(id);
    return found != entries_.end() &&
           std::any_of(found->second.recipients.begin(), found->second.recipients.end(),
                       [](const Slim& each) { return each.hop_failed; });
  };
  for (auto& [name, hop] : failing_hops_)
    std::erase_if(hop.ids, [&](const auto& id) { return !waits(id); });
  std::erase_if(failing_hops_, [now = steady_now()](const auto& each) {
    const auto& woken = each.second.woken;
    return each.second.ids.empty() && (!woken || *woken + wake_every < now);
  });
}

void Runner::note_fault(const std::string& id, const Slim& slim) {
  if (slim.progress.fault.empty()) return;
  auto& fault = faults_[slim.progress.fault];
  if (fault.ids.empty() || fault.probe <= wall_now()) fault.probe = wall_now() + probe_every;
  if (fault.since == WallTime{}) fault.since = wall_now();
  fault.ids.insert(id);
  fault.hops.insert(hop_of(*slim.domain));
}

// It may have ended: all that wait for its end look.
void Runner::try_after(const std::string& fault) {
  const auto found = faults_.find(fault);
  if (found == faults_.end()) return;
  for (const auto& id : std::set<std::string>(found->second.ids)) {
    const auto entry = entries_.find(id);
    if (entry != entries_.end())
      apply(id, entry->second, {Event::Kind::try_fault, Code::sent, fault});
  }
}

void Runner::end_fault(const std::string& fault) {
  needs_.alarms.clear(fault);
  const auto found = faults_.find(fault);
  if (found == faults_.end()) return;
  const auto ids = std::move(found->second.ids);
  faults_.erase(found);
  for (const auto& id : ids) {
    const auto entry = entries_.find(id);
    if (entry != entries_.end())
      apply(id, entry->second, {Event::Kind::fault_ended, Code::sent, fault});
  }
}

// One of those that are held tries whether the fault has ended.
void Runner::probe_faults() {
  for (auto& [name, fault] : faults_) {
    if (fault.probe > wall_now() && fault.probe <= wall_now() + probe_every) continue;
    fault.probe = wall_now() + probe_every;
    for (const auto& id : std::set<std::string>(fault.ids)) {
      const auto found = entries_.find(id);
      const auto is_held = [&, fault_name = name](const Slim& each) {
        return each.progress.state == State::held && each.progress.fault == fault_name;
      };
      if (found == entries_.end()) {
        fault.ids.erase(id);
        continue;
      }
      auto& recipients = found->second.recipients;
      const auto one = std::find_if(recipients.begin(), recipients.end(), is_held);
      if (one == recipients.end()) continue;
      one->progress =
          step(one->progress, {Event::Kind::flush}, around(found->second), site_.options).next;
      schedule(id, found->second);
      break;
    }
  }
}

void Runner::note_loop(const std::string& domain, const std::string& why) {
  loops_.insert(domain);
  needs_.alarms.raise("loop:" + domain, domain + ": " + why);
}

// An alarm ends when no message is left that waits or is held for it, whoever has ended that: a
// person may have deleted or released them all.
void Runner::end_alarms() {
  if (faults_.empty() && loops_.empty() && crashes_.empty()) return;
  std::set<std::string, std::less<>> faults;
  std::set<std::string, std::less<>> loops;
  std::set<std::string, std::less<>> crashes;
  for (const auto& [id, entry] : entries_) {
    for (const auto& each : entry.recipients) {
      const auto& progress = each.progress;
      if (!progress.fault.empty() && !faults.contains(progress.fault))
        faults.insert(progress.fault);
      if (progress.reason == Reason::loop) loops.insert(*each.domain);
      if (progress.reason == Reason::crash) crashes.insert(id);
    }
  }
  std::erase_if(faults_, [&](const auto& fault) {
    if (faults.contains(fault.first)) return false;
    needs_.alarms.clear(fault.first);
    return true;
  });
  const auto end = [&](std::set<std::string>& lasting, const auto& now, const std::string& what) {
    std::erase_if(lasting, [&](const std::string& each) {
      if (now.contains(each)) return false;
      needs_.alarms.clear(what + each);
      return true;
    });
  };
  end(loops_, loops, "loop:");
  end(crashes_, crashes, "crash:");
}

void Runner::note_crashes() {
  // What is not read yet may have a mark.
  if (loaded_)
    std::erase_if(marks_, [this](const auto& mark) { return !entries_.contains(mark.first); });
  for (const auto& [id, count] : marks_) {
    if (entries_.contains(id)) note_crash(id, count);
  }
  if (needs_.marks != nullptr) needs_.marks->keep(marks_);
}

void Runner::note_crash(const std::string& id, unsigned count) {
  if (count <= crashes_allowed) {
    suspects_.insert(id);
    return;
  }
  crashes_.insert(id);
  needs_.alarms.raise("crash:" + id, id +
                                         ": the daemon crashed twice while it worked on this "
                                         "message, which is held: sekisho queue show " +
                                         id);
  apply(id, entries_.at(id), {Event::Kind::crashed});
}

void Runner::no_longer_suspect(const std::string& id) {
  if (suspects_.erase(id) == 0) return;
  marks_.erase(id);
  if (needs_.marks != nullptr) needs_.marks->keep(marks_);
}

// A person has released it: it is tried alone, and held again when the daemon crashes twice more.
void Runner::forgive(const std::string& id) {
  suspects_.insert(id);
  if (marks_.erase(id) > 0 && needs_.marks != nullptr) needs_.marks->keep(marks_);
}

}  // namespace sekisho::queue
