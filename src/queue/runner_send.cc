// How messages whose turn has come become jobs of the transport.
#include <algorithm>
#include <utility>

#include "base/memory.h"
#include "queue/content.h"
#include "queue/settled.h"
#include "relay/results.h"

namespace sekisho::queue {

namespace {

// Recipients of one transaction: what every server takes (RFC 5321 §4.5.3.1.8).
constexpr std::size_t recipients_of_job = 100;

// Reads the message of a job; the thread says what it works on while it does.
class MarkedContent final : public relay::Content {
 public:
  MarkedContent(std::unique_ptr<relay::Content> content, std::string id)
      : content_(std::move(content)), id_(std::move(id)) {}
  std::uint64_t size() const override { return content_->size(); }
  Expected<std::string, std::string> read(std::uint64_t offset, std::size_t count) override {
    const CrashMarks::Here here(id_);
    return content_->read(offset, count);
  }

 private:
  std::unique_ptr<relay::Content> content_;
  std::string id_;
};

// Places of recipients that are added to a message here; tables.cc gives larger ones.
std::uint32_t next_place(const Message& message) {
  constexpr std::uint32_t others = 1'000'000;
  std::uint32_t next = 0;
  for (const auto& to : message.recipients) {
    if (to.place < others) next = std::max(next, to.place + 1);
  }
  return next;
}

// A Maildir asks nobody whether its user exists, so the lists are asked when the message leaves:
// what programs of this host send is accepted for whomever they name. Takes those out of the job;
// true for each of its targets that is one.
std::vector<bool> take_unknown(relay::Job& job, const Runner::Site& site) {
  const auto* route = site.map ? site.map->find(job.domain) : nullptr;
  if (route == nullptr || route->via.kind != relay::Via::Kind::maildir || !site.directory)
    return std::vector<bool>(job.targets.size());
  std::vector<bool> unknown;
  std::vector<relay::Target> known;
  for (auto& target : job.targets) {
    const auto exists = site.directory->exists(target.path, route);
    unknown.push_back(exists == accounts::Existence::missing);
    if (!unknown.back()) known.push_back(std::move(target));
  }
  job.targets = std::move(known);
  return unknown;
}

// Their results, at the places of their targets.
void add_unknown(relay::JobResult& result, const std::vector<bool>& unknown) {
  for (std::size_t i = 0; i < unknown.size(); ++i) {
    if (!unknown[i]) continue;
    relay::Result failed;
    failed.code = relay::Result::Code::failed;
    failed.status = "5.1.1";
    failed.why = "there is no such user here";
    const auto at = std::min(i, result.results.size());
    result.results.insert(result.results.begin() + static_cast<std::ptrdiff_t>(at),
                          std::move(failed));
  }
}

}  // namespace

std::string Runner::qualified(const std::string& address) const {
  return mail::Path(address).has_domain() ? address : address + "@" + site_.origin;
}

void Runner::ready(const std::string& id, Entry& entry) {
  const auto is_due = [now = wall_now()](const Slim& each) {
    return each.progress.state == State::waiting && !each.ready && each.progress.next <= now;
  };
  // Before any is marked: what is marked must be pushed.
  for (const auto& each : entry.recipients) {
    if (is_due(each) && each.expand) return expand(id, entry);
  }
  std::set<std::string> domains;
  for (auto& each : entry.recipients) {
    if (!is_due(each)) continue;
    each.ready = true;
    domains.insert(*each.domain);
  }
  for (const auto& domain : domains) {
    const auto hop = hop_of(domain);
    if (suspects_.contains(id)) {
      suspects_ready_.push_back({hop, domain, id});
    } else {
      ready_.push({hop, domain, id}, fails(hop));
    }
  }
}

// A message that was under way when the daemon crashed is tried while nothing else is: if the
// daemon crashes again, it was this one.
// While nothing can be recorded, nothing is sent: after a restart it would be sent again.
void Runner::pump() {
  if (!again_.empty() && !needs_.spool->health().healthy) return;
  while (!alone_ && !draining_) {
    if (!suspects_ready_.empty()) {
      if (ready_.under_way() > 0) return;
      const auto item = std::move(suspects_ready_.front());
      suspects_ready_.pop_front();
      ready_.begin(item.hop);
      alone_ = item.id;
      if (!send_all(item)) alone_.reset();
      continue;
    }
    const auto item = ready_.pop();
    if (!item) return;
    send_all(*item);
  }
}

// False: there is nothing to send any more.
bool Runner::send_all(const Ready::Item& item) {
  const auto found = entries_.find(item.id);
  std::map<std::optional<std::string>, std::vector<std::uint32_t>> by_sender;
  const auto* message = found == entries_.end() ? nullptr : full(item.id, found->second);
  for (std::size_t i = 0; message != nullptr && i < message->recipients.size(); ++i) {
    const auto& to = message->recipients[i];
    auto* slim = find_slim(found->second, to.place);
    if (slim == nullptr || !slim->ready || *slim->domain != item.domain) continue;
    slim->ready = false;
    if (slim->progress.state == State::waiting) by_sender[to.sender].push_back(to.place);
  }
  bool first = true;
  for (const auto& [sender, places] : by_sender) {
    for (std::size_t at = 0; at < places.size(); at += recipients_of_job) {
      const auto end = std::min(places.size(), at + recipients_of_job);
      if (!std::exchange(first, false)) ready_.begin(item.hop);
      send(item, found->second,
           {places.begin() + static_cast<std::ptrdiff_t>(at),
            places.begin() + static_cast<std::ptrdiff_t>(end)});
    }
  }
  if (!first) return true;
  ready_.give_back(item.hop);
  if (message == nullptr && found != entries_.end()) {
    put_off(found->second);
    schedule(item.id, found->second);
  }
  return false;
}

// It cannot be read now: its turn comes again.
void Runner::put_off(Entry& entry) {
  for (auto& each : entry.recipients) {
    each.ready = false;
    each.progress.next = std::max(each.progress.next, wall_now() + std::chrono::seconds(10));
  }
}

void Runner::send(const Ready::Item& item, Entry& entry, const std::vector<std::uint32_t>& places) {
  const auto sent =
      std::make_shared<Sent>(Sent{item.id, item.hop, item.domain, places,
                                  CrashMarks::UnderWay(needs_.marks, item.id), steady_now()});
  ++entry.under_way;
  for (const auto place : places) {
    auto* slim = find_slim(entry, place);
    slim->progress = step(slim->progress, {Event::Kind::begin}, around(entry), site_.options).next;
  }
  auto job = job_for(*entry.full, places, item.domain);
  const auto unknown = take_unknown(job, site_);
  auto done = [this, tasks = tasks_, sent, unknown](relay::JobResult result) {
    add_unknown(result, unknown);
    const auto kept = std::make_shared<const relay::JobResult>(std::move(result));
    // Nobody else would say what has come of it.
    until_memory([&] { tasks->post([this, sent, kept] { arrived(sent, *kept); }); });
  };
  const auto targets = job.targets.size();
  if (targets == 0) return done({});
  if (contained([&] { needs_.transport.deliver(std::move(job), done); })) return;
  relay::JobResult none;
  none.results.assign(targets, relay::make_result(relay::Result::Code::deferred, "4.3.0",
                                                  "it could not be begun: no memory"));
  done(std::move(none));
}

relay::Job Runner::job_for(const Message& message, const std::vector<std::uint32_t>& places,
                           const std::string& domain) const {
  relay::Job job;
  job.id = message.letter.id;
  job.sender = mail::Path(message.letter.sender);
  job.parameters = message.letter.parameters;
  job.domain = domain;
  job.map = site_.map;
  for (const auto& to : message.recipients) {
    if (std::find(places.begin(), places.end(), to.place) == places.end()) continue;
    if (to.sender) job.sender = mail::Path(*to.sender);
    job.targets.push_back({mail::Path(qualified(to.address)), to.parameters});
  }
  std::optional<LocalSender> local;
  // Our own notices keep their author: whoever gets an answer to one reads it as from us.
  if (message.letter.origin == "local" && !message.letter.own &&
      leaves_host(site_.map ? site_.map->find(domain) : nullptr)) {
    local = {site_.local_sender, site_.origin, site_.hostname};
    job.sender = mail::Path(sender_as_it_leaves(job.sender.raw(), *local));
  }
  job.open = [spool = needs_.spool, letter = std::make_shared<const Letter>(message.letter),
              local]() -> Expected<std::unique_ptr<relay::Content>, std::string> {
    const CrashMarks::Here here(letter->id);
    auto file = spool->open_message(letter->id);
    if (!file) return tl::unexpected(file.error().why);
    auto content = open_content(std::move(*file), *letter, local);
    if (!content) return content;
    return std::make_unique<MarkedContent>(std::move(*content), letter->id);
  };
  return job;
}

std::vector<Recipient> Runner::expanded(const Message& message, const Recipient& to,
                                        std::string& fault) const {
  std::vector<Recipient> all;
  Recipient one = to;
  one.expand = false;
  one.progress.fault.clear();
  if (!site_.directory) return {one};
  const mail::Path path(qualified(to.address));
  const auto expansion = site_.directory->expand(mail::Path(message.letter.sender),
                                                 site_.directory->reversed(path).value_or(path));
  fault = expansion.fault;
  if (fault.empty() && expansion.recipients.empty()) fault = "its aliases lead nowhere";
  for (const auto& each : expansion.recipients) {
    one.address = each.path.raw();
    one.sender.reset();
    if (each.sender) one.sender = each.sender->raw();
    all.push_back(one);
  }
  return all;
}

// Aliases of one that has none of them looked up yet. Its rows are on the disk before it is sent:
// else it would be sent again after a crash.
void Runner::expand(const std::string& id, Entry& entry) {
  const CrashMarks::Here here(id);
  auto* message = full(id, entry);
  if (message == nullptr) return put_off(entry);
  const auto settled = std::make_shared<Settled>();
  settled->id = id;
  const auto before = message->recipients;
  for (const auto& to : before) {
    auto* slim = find_slim(entry, to.place);
    if (slim == nullptr || !slim->expand || slim->progress.next > wall_now()) continue;
    std::string fault;
    auto added = expanded(*message, to, fault);
    if (!fault.empty()) {
      relay::Result result;
      result.code = relay::Result::Code::own_fault;
      result.status = "4.3.5";
      result.why = fault;
      result.fault = "alias:" + to.address;
      slim->progress =
          step(slim->progress, {Event::Kind::begin}, around(entry), site_.options).next;
      auto at = std::find_if(message->recipients.begin(), message->recipients.end(),
                             [&](const auto& each) { return each.place == to.place; });
      take_result(entry, *at, result, *settled);
      continue;
    }
    if (!to.progress.fault.empty()) end_fault(to.progress.fault);
    const auto place = to.place;
    settled->replaced.push_back(place);
    std::erase_if(message->recipients, [&](const auto& each) { return each.place == place; });
    std::erase_if(entry.recipients, [&](const auto& each) { return each.place == place; });
    auto next = std::max(next_place(*message), place < 1'000'000 ? place + 1 : 0);
    for (auto& each : added) {
      each.place = next++;
      entry.recipients.push_back(
          {each.place, each.progress, domain_of(qualified(each.address)), false});
      settled->changed.push_back(each);
      message->recipients.push_back(std::move(each));
    }
  }
  commit(settled);
}

}  // namespace sekisho::queue
