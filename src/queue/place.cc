#include "queue/place.h"

#include "quarantine/tables.h"
#include "queue/content.h"
#include "queue/tables.h"
#include "spool/folder.h"

namespace sekisho::queue {

namespace {

struct Command {
  Act act;
  WallTime now;
  const std::string& hostname;
};

// As Runner::begin_count_anew().
Outcome<void> begin_count_anew(spool::Store& spool, Change& change, const Command& command,
                               Letter& letter) {
  const auto file = spool.open_message(letter.id);
  if (!file) return {};
  remove_own_received(*file, command.hostname, letter);
  return save_letter(change.database(), letter);
}

Outcome<void> act_on(spool::Store& spool, Change& change, const Options& options,
                     const Command& command, const std::string& id) {
  const auto act = command.act;
  auto message = find(change.database(), id);
  if (!message) return failed(message.error());
  Circumstances around{command.now};
  around.null_sender = message->letter.sender.empty();
  around.own = message->letter.own;
  around.may_bounce = message->letter.may_bounce;
  for (auto& to : message->recipients) {
    if (to.progress.reason == Reason::loop && (act == Act::release || act == Act::requeue)) {
      auto anew = begin_count_anew(spool, change, command, message->letter);
      if (!anew) return anew;
    }
    to.progress = step(to.progress, {Event::Kind::restart}, around, options).next;
    to.progress = step(to.progress, {event_of(act)}, around, options).next;
    if (!is_final(to.progress.state)) {
      if (auto saved = save(change.database(), id, to); !saved) return saved;
    } else if (auto gone = finish(change, id, to.place); !gone) {
      return failed(gone.error());
    }
  }
  return {};
}

Outcome<void> all_ids(Database& database, std::vector<std::string>& ids) {
  return database.query("SELECT id FROM queued ORDER BY number", {}, [&](const Row& row) {
    ids.emplace_back(row.text(0));
    return true;
  });
}

}  // namespace

Outcome<std::shared_ptr<spool::Store>> open_place(const Options& options, std::uint64_t max_size,
                                                  spool::Access access, spool::Store::Alarm alarm) {
  spool::Options place;
  place.dir = options.dir;
  place.max_size = max_size;
  auto opened = spool::Store::open(
      place, access,
      {std::make_shared<const quarantine::Tables>(), std::make_shared<const Tables>()},
      std::move(alarm));
  if (!opened) return failed(opened.error());
  return std::shared_ptr<spool::Store>(std::move(*opened));
}

Outcome<Runner::Answer> act_without_daemon(spool::Store& spool, const Options& options, Act act,
                                           std::vector<std::string> ids, WallTime now,
                                           const std::string& hostname) {
  const auto folder = spool::Folder::open(options.dir, false);
  if (!folder) return failed(folder.error());
  const auto lock = (*folder)->lock();
  if (!lock) return failed(lock.error());
  Runner::Answer answer;
  auto done = spool.change([&](Change& change) -> Outcome<void> {
    if (ids.empty()) {
      if (auto read = all_ids(change.database(), ids); !read) return read;
    }
    for (const auto& id : ids) {
      auto acted = act_on(spool, change, options, {act, now, hostname}, id);
      if (!acted && acted.error().kind != Failure::Kind::not_found) return acted;
      answer[id] = acted ? "" : acted.error().why;
    }
    return {};
  });
  if (!done) return failed(done.error());
  return answer;
}

}  // namespace sekisho::queue
