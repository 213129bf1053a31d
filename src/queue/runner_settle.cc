// What comes of attempts and commands: the next state, the commit, the log, the sender.
#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/memory.h"
#include "queue/content.h"
#include "queue/log_lines.h"
#include "queue/settled.h"
#include "queue/summary.h"
#include "relay/results.h"

namespace sekisho::queue {

namespace {

using Code = relay::Result::Code;

// How long a change that could not be committed waits.
constexpr std::chrono::seconds commit_again{1};

// The last dialogue of a recipient, for people: at most so much of it.
constexpr std::size_t dialogue_octets = 8 * 1024;

std::string text_of(const std::vector<relay::DialogueLine>& dialogue) {
  std::string text;
  for (const auto& line : dialogue) {
    const std::string one = std::string(1, line.who) + ": " + line.text + "\n";
    if (text.size() + one.size() > dialogue_octets) break;
    text += one;
  }
  return text;
}

Event event_for(const relay::Result& result) {
  Event event{Event::Kind::result, result.code, result.fault};
  // A next hop that says so itself is a loop; none that is left may be a mistake in the DNS.
  event.at_once =
      (result.code == Code::own_fault && result.fault.starts_with(relay::route_fault)) ||
      (result.code == Code::loop && !result.reply.empty());
  return event;
}

// Whether the hop itself did not work, so that its other mail waits for the same.
bool is_of_hop(const relay::Result& result) {
  return result.code == Code::deferred && (result.reply.empty() || result.reply.starts_with("421"));
}

// The end of the way: what is taken there is delivered.
bool is_local(const relay::Route* route) {
  using Kind = relay::Via::Kind;
  return route != nullptr && (route->via.kind == Kind::lmtp_unix || route->via.kind == Kind::lmtp ||
                              route->via.kind == Kind::maildir);
}

// What a delivery says that is cut off when the daemon ends, and at most what a hop that is away
// would have said.
bool is_without_a_word(const relay::Result& result) {
  return result.code == Code::deferred && result.reply.empty();
}

}  // namespace

void Runner::arrived(const std::shared_ptr<Sent>& sent, const relay::JobResult& result) {
  if (std::exchange(sent->over, true)) return;
  ready_.end(sent->hop, std::none_of(result.results.begin(), result.results.end(), is_of_hop));
  if (alone_ == sent->id) alone_.reset();
  settle(*sent, result);
  no_longer_suspect(sent->id);
  sent->mark = {};
  note_busy();
  pump();
}

// What the next hop has said is in the bounce too: a message may crash the daemon here as well.
void Runner::settle(const Sent& sent, const relay::JobResult& result) {
  const CrashMarks::Here here(sent.id);
  auto& entry = entries_.at(sent.id);
  --entry.under_way;
  const auto settled = std::make_shared<Settled>();
  settled->id = sent.id;
  settled->hop = sent.hop;
  settled->begun = sent.begun;
  settled->lmtp = is_local(site_.map ? site_.map->find(sent.domain) : nullptr);
  auto& message = *entry.full;
  const std::string dialogue = text_of(result.dialogue);
  for (std::size_t i = 0; i < sent.places.size() && i < result.results.size(); ++i) {
    for (auto& to : message.recipients) {
      if (to.place != sent.places[i]) continue;
      if (draining_ && is_without_a_word(result.results[i])) continue;
      to.last.dialogue = dialogue;
      take_result(entry, to, result.results[i], *settled);
    }
  }
  add_bounces(entry, message, *settled);
  if (!settled->changed.empty() || !draining_) commit(settled);
}

void Runner::take_result(Entry& entry, Recipient& to, const relay::Result& result,
                         Settled& settled) {
  auto& slim = *find_slim(entry, to.place);
  const auto before = slim.progress;
  const auto took = step(before, event_for(result), around(entry), site_.options);
  slim.progress = to.progress = took.next;
  slim.hop_failed = is_of_hop(result);
  to.last.why = result.why;
  to.last.reply = result.reply;
  to.last.status = result.status;
  to.last.host = result.host;
  to.last.time = wall_now();
  settled.lines.push_back(delivery_line(settled.id, to, result, entry.arrived));
  if (took.notice == Notice::failed) settled.told.emplace_back(Report::failed, to);
  if (took.notice == Notice::delayed) settled.told.emplace_back(Report::delayed, to);
  if (took.next.state == State::sent && !result.dsn)
    settled.told.emplace_back(settled.lmtp ? Report::delivered : Report::relayed, to);
  settled.changed.push_back(to);
  const auto* route = site_.map ? site_.map->find(*slim.domain) : nullptr;
  const auto count = [&](auto& ended) {
    ended.sent += took.next.state == State::sent ? 1 : 0;
    ended.bounced += took.next.state == State::bounced ? 1 : 0;
    ended.deferred += result.code == Code::deferred ? 1 : 0;
  };
  counts_.with([&](Counts& counts) {
    count(counts);
    count(counts.by_route[route == nullptr ? by_mx : route->domain.front()]);
  });
  after_result(settled, slim, before, result);
}

// What the sender asked to be told, one message for each address that is to be told.
void Runner::add_bounces(const Entry& entry, const Message& message, Settled& settled) {
  std::map<std::pair<Report, std::string>, std::vector<Recipient>> told;
  for (const auto& [report, to] : settled.told) {
    const auto& sender = to.sender ? *to.sender : message.letter.sender;
    if (sender.empty() || entry.own || !entry.may_bounce) continue;
    if (wants(report, to.parameters)) told[{report, sender}].push_back(to);
  }
  settled.told.clear();
  for (auto& [what, recipients] : told) {
    Bounce bounce;
    bounce.report = what.first;
    bounce.id = needs_.next_id();
    bounce.to = what.second;
    bounce.origin = site_.origin;
    bounce.hostname = site_.hostname;
    bounce.now = wall_now();
    bounce.give_up = site_.options.give_up;
    bounce.recipients = std::move(recipients);
    if (const auto file = needs_.spool->open_message(message.letter.id)) {
      bounce.whole = what.first == Report::failed && wants_whole(message.letter.parameters) &&
                     file->size() <= bounce_octets;
      bounce.original = header_of(*file, message.letter, bounce_octets).value_or("");
      const auto whole = bounce.whole ? file->read_all() : spool::Outcome<std::string>();
      const auto body = whole ? whole->find("\r\n\r\n") : std::string::npos;
      bounce.whole = bounce.whole && body != std::string::npos;
      if (bounce.whole) bounce.original += whole->substr(body + 2);
    }
    settled.lines.push_back(settled.id + ": sender " +
                            (what.first == Report::failed ? "non-delivery" : "delivery status") +
                            " notification: " + bounce.id);
    settled.bounces.emplace_back(std::move(bounce), message.letter);
  }
}

Outcome<void> Runner::Settled::write(Change& change) {
  gone = false;
  if (letter) {
    if (auto saved = save_letter(change.database(), *letter); !saved) return saved;
  }
  for (const auto& to : changed) {
    if (is_final(to.progress.state)) continue;
    if (auto saved = save(change.database(), id, to); !saved) return saved;
  }
  const auto finish_one = [&](std::uint32_t place) -> Outcome<void> {
    auto over = finish(change, id, place);
    if (!over) return failed(over.error());
    gone |= *over;
    return {};
  };
  for (const auto place : replaced) {
    if (auto done = finish_one(place); !done) return done;
  }
  for (const auto& to : changed) {
    if (!is_final(to.progress.state)) continue;
    if (auto done = finish_one(to.place); !done) return done;
  }
  return {};
}

Outcome<void> Runner::Settled::write_told(Change& change, std::size_t number) {
  for (const auto& to : bounces[number].first.recipients) {
    if (!is_final(to.progress.state)) {
      if (auto saved = save(change.database(), id, to); !saved) return saved;
    } else if (auto over = finish(change, id, to.place); !over) {
      return failed(over.error());
    }
  }
  return {};
}

void Runner::commit(const std::shared_ptr<Settled>& settled) {
  auto& entry = entries_.at(settled->id);
  // An older change that must be repeated would undo a newer one.
  if (entry.committing > 0) entry.later.push_back(settled);
  ++entry.committing;
  ++committing_;
  schedule(settled->id, entry);
  if (entry.committing == 1) write(settled);
}

void Runner::write(const std::shared_ptr<Settled>& settled) {
  if (!settled->bounces.empty()) return put_bounce(settled);
  needs_.spool->change_soon([settled](Change& change) { return settled->write(change); },
                            when_stored(settled));
}

bool Runner::Settled::take_in(const Settled& later) {
  if (!bounces.empty() || !later.bounces.empty() || lmtp != later.lmtp) return false;
  changed.insert(changed.end(), later.changed.begin(), later.changed.end());
  replaced.insert(replaced.end(), later.replaced.begin(), later.replaced.end());
  lines.insert(lines.end(), later.lines.begin(), later.lines.end());
  asked.insert(asked.end(), later.asked.begin(), later.asked.end());
  if (later.letter) letter = later.letter;
  return true;
}

// Together, where that can be: a message for many domains is not as many commits.
void Runner::write_later(Entry& entry) {
  const auto next = entry.later.front();
  entry.later.pop_front();
  while (!entry.later.empty() && next->take_in(*entry.later.front())) {
    entry.later.pop_front();
    --entry.committing;
    --committing_;
  }
  write(next);
}

// Of several bounces one after the other. Each carries the rows that it tells of, and the last one
// the others too: whenever the daemon dies, nobody is told of a failure and tried again.
void Runner::put_bounce(const std::shared_ptr<Settled>& settled) {
  const CrashMarks::Here here(settled->id);
  const auto& [bounce, of] = settled->bounces[settled->next_bounce];
  const std::string text = compose(bounce, of);
  auto message = bounce_message(bounce, text);
  auto draft = needs_.spool->draft();
  draft.append(text);
  std::vector<spool::Part> parts = {{std::string(tables_name), write_record(message, index_)}};
  settled->made.resize(settled->next_bounce);
  settled->made.push_back(std::move(message));
  const auto with = [settled, number = settled->next_bounce](Change& change) {
    const bool last = number + 1 == settled->bounces.size();
    return last ? settled->write(change) : settled->write_told(change, number);
  };
  needs_.spool->put_with(std::move(draft), bounce.id, std::move(parts), with, when_stored(settled));
}

// Nobody else would say what has come of it, so that must not be lost for want of memory.
spool::Store::Done Runner::when_stored(const std::shared_ptr<Settled>& settled) {
  return [this, tasks = tasks_, settled](const spool::Outcome<spool::Stored>& outcome) {
    until_memory([&] {
      const std::string failure = outcome ? "" : outcome.error().why + " ";
      tasks->post([this, settled, failure] { stored(settled, failure); });
    });
  };
}

void Runner::stored(const std::shared_ptr<Settled>& settled, const std::string& failure) {
  const bool is_bounce = settled->next_bounce < settled->bounces.size();
  if (failure.empty() && is_bounce && ++settled->next_bounce < settled->bounces.size())
    return put_bounce(settled);
  committed(settled, failure);
}

void Runner::committed(const std::shared_ptr<Settled>& settled, const std::string& failure) {
  auto& entry = entries_.at(settled->id);
  if (!failure.empty()) {
    needs_.logs.qmgr.write_limited(LogLevel::error, "queue commit",
                                   "queue: a change cannot be recorded: " + failure);
    for (const auto& asked : std::exchange(settled->asked, {}))
      asked->answer[settled->id] = "it is not recorded yet: " + failure;
    again_.emplace_back(steady_now() + commit_again, settled);
    return;
  }
  for (const auto& asked : std::exchange(settled->asked, {})) asked->answer[settled->id].clear();
  --entry.committing;
  --committing_;
  tell(*settled);
  note_busy();
  // Of other changes the rows may be there still.
  std::set<std::uint32_t> over;
  for (const auto& to : settled->changed) {
    if (is_final(to.progress.state)) over.insert(to.place);
  }
  const auto is_over = [&](const auto& each) { return over.contains(each.place); };
  std::erase_if(entry.recipients, is_over);
  if (entry.full) std::erase_if(entry.full->recipients, is_over);
  if (!entry.later.empty()) write_later(entry);
  for (auto& bounce : settled->made) take(std::move(bounce));
  const auto again = entries_.find(settled->id);
  if (again->second.recipients.empty() && again->second.under_way == 0 &&
      again->second.committing == 0) {
    if (again->second.scheduled) due_.erase({*again->second.scheduled, settled->id});
    entries_.erase(again);
    return;
  }
  schedule(settled->id, again->second);
  if (again->second.scheduled && *again->second.scheduled <= wall_now()) {
    look_at(settled->id);
    pump();
    slim_down_if_many_wait(settled->id);
  } else {
    slim_down(settled->id);
  }
}

void Runner::tell(const Settled& settled) {
  for (const auto& line : settled.lines)
    (settled.lmtp ? needs_.logs.lmtp : needs_.logs.smtp).info(line);
  for (const auto& bounce : settled.bounces) {
    needs_.logs.bounce.info(settled.id + ": sender notification of " +
                            std::string(to_string(bounce.first.report)) + ": " + bounce.first.id);
  }
  if (settled.gone) needs_.logs.qmgr.info(settled.id + ": removed");
}

// Once a day, if there is something that a person must know.
void Runner::write_summary() {
  constexpr std::chrono::hours day{24};
  constexpr std::chrono::hours first{1};  // on a new host
  if (site_.postmaster.empty()) return;
  WallTime last{};
  std::vector<Quarantined> quarantined;
  const auto now = wall_now();
  auto read = needs_.spool->read([&](Database& database) -> Outcome<void> {
    auto found = last_summary(database);
    if (!found) return failed(found.error());
    last = *found;
    if (last <= now && now < last + day) return {};
    auto held = quarantined_since(database, last);
    if (!held) return failed(held.error());
    quarantined = std::move(*held);
    return {};
  });
  if (!read || (last <= now && now < last + day)) return;
  const bool is_new = last == WallTime{};
  const auto text = summary_text(counts(), quarantined, needs_.alarms.lasting(), site_.hostname);
  const auto noted = is_new ? now - day + first : now;
  const auto note = [noted](Change& change) { return note_summary(change.database(), noted); };
  if (text.empty() || is_new) return needs_.spool->change_soon(note, [](auto&&) {});
  const OwnHeader header{needs_.next_id(),          site_.postmaster, site_.origin, site_.hostname,
                         "Mail that waits for you", "auto-generated", now};
  const std::string content =
      own_header(header) + "Content-Type: text/plain; charset=utf-8\r\n\r\n" + text;
  auto message = std::make_shared<Message>(own_message(header, content));
  auto draft = needs_.spool->draft();
  draft.append(content);
  needs_.spool->put_with(std::move(draft), header.id,
                         {{std::string(tables_name), write_record(*message, index_)}}, note,
                         [this, tasks = tasks_, message](const auto& stored) {
                           if (!stored) return;
                           tasks->post([this, message] { take(std::move(*message)); });
                         });
}

}  // namespace sekisho::queue
