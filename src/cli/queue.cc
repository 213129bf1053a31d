#include "cli/queue.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/ask.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "cli/person.h"
#include "cli/quarantine_store.h"
#include "cli/queue_text.h"
#include "control/client.h"
#include "queue/place.h"
#include "queue/tables.h"

namespace sekisho::cli {

namespace {

struct OpenQueue {
  config::Settings settings;
  std::shared_ptr<spool::Store> spool;
};

OrComplaint<OpenQueue> open_queue(const std::string& path) {
  auto loaded = load_configuration(path, config::ValueFiles::skip);
  if (!loaded) return complaint(config);
  OpenQueue open{std::move(loaded->settings), nullptr};
  auto spool = queue::open_place(open.settings.queue, 0, spool::Access::guest,
                                 [](const std::string& sentence) { warn(sentence); });
  if (!spool) {
    return complaint(exit_code_of(spool.error().kind),
                     open.settings.queue.dir + ": " + spool.error().why +
                         (open.settings.listeners.empty()
                              ? "; note: there is no [[listener]], so this host has no queue"
                              : ""));
  }
  open.spool = std::move(*spool);
  return open;
}

// What the daemon knows and the index does not; nothing if it does not answer.
QueueNow queue_now(const OpenQueue& open) {
  const auto answer =
      control::ask(open.settings.control.socket, {{"verb", "queue"}, {"act", "active"}});
  if (!answer) return {};
  QueueNow now{answer->value("ids", std::set<std::string>()), {}};
  const auto faults = answer->value("faults", nlohmann::json::object());
  for (const auto& [fault, times] : faults.items())
    now.faults[fault] = {times.value("since", ""), times.value("next", "")};
  return now;
}

int print_all(const OpenQueue& open, bool json) {
  const auto now = queue_now(open);
  std::size_t count = 0;
  auto read = open.spool->read([&](spool::Database& database) {
    return queue::each_message(database, [&](const queue::Message& message) {
      const std::string text =
          json ? queue_json(message, now)
                         .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                     "\n"
               : queue_lines(message, now);
      ++count;
      return std::fputs(text.c_str(), stdout) >= 0;
    });
  });
  if (!read) return complain(complaint_of(read.error()));
  if (!json && count == 0) std::puts("nothing waits");
  return ok;
}

std::map<std::string, std::size_t> counted(const queue::Message& message) {
  std::map<std::string, std::size_t> counts;
  for (const auto& to : message.recipients) {
    std::string name(to_string(to.progress.state));
    name += " " + std::string(to_string(to.progress.reason));
    ++counts[name];
  }
  return counts;
}

// By the daemon; nullopt if none answers.
std::optional<OrComplaint<queue::Runner::Answer>> act_by_daemon(
    const OpenQueue& open, queue::Act act, const std::vector<std::string>& ids) {
  const auto answer = control::ask(open.settings.control.socket,
                                   {{"verb", "queue"}, {"act", to_string(act)}, {"ids", ids}});
  if (answer) return answer->value("results", queue::Runner::Answer());
  if (answer.error().unreachable) return std::nullopt;
  return complaint(unavailable, answer.error().what);
}

OrComplaint<queue::Runner::Answer> act_on(const OpenQueue& open, queue::Act act,
                                          const std::vector<std::string>& ids) {
  if (auto acted = act_by_daemon(open, act, ids)) return std::move(*acted);
  if (act == queue::Act::flush)
    return complaint(unavailable, "sekishod does not answer at " + open.settings.control.socket +
                                      ", and only it can send");
  auto acted = queue::act_without_daemon(*open.spool, open.settings.queue, act, ids, wall_now(),
                                         open.settings.session.identity.hostname);
  if (!acted) return tl::unexpected(complaint_of(acted.error(), open.settings.control.socket));
  return std::move(*acted);
}

std::string_view done_word(queue::Act act) {
  switch (act) {
    case queue::Act::hold:
      return "held";
    case queue::Act::release:
      return "released";
    case queue::Act::flush:
      return "tried now";
    case queue::Act::remove:
      return "deleted";
    case queue::Act::requeue:
      return "queued anew";
  }
  return {};
}

// Empty: all, which only ALL or no word at all means: a script's empty variable is neither.
OrComplaint<std::vector<std::string>> named_ids(const QueueOptions& options) {
  std::vector<std::string> ids;
  const bool all = std::find(options.ids.begin(), options.ids.end(), "ALL") != options.ids.end();
  if (all || options.ids.empty()) return ids;
  for (const auto& word : options.ids) {
    auto named = parse_ids(word == "-" ? standard_input() : word);
    if (!named) return complaint(usage, named.error());
    ids.insert(ids.end(), named->begin(), named->end());
  }
  if (ids.empty()) return complaint(usage, "no id is named; ALL means all: nothing is changed");
  return ids;
}

void add_act(CLI::App& parent, queue::Act act, const char* about, int& result) {
  const auto options = std::make_shared<QueueOptions>();
  auto* verb = parent.add_subcommand(std::string(to_string(act)), about);
  verb->add_option("-c,--config", options->config,
                   "Configuration file (default /etc/sekisho/milter.conf)");
  auto* ids = verb->add_option("ID", options->ids, "Ids, or ALL; - reads ids from standard input");
  if (act != queue::Act::flush) ids->required();
  if (act == queue::Act::remove)
    verb->add_flag("-y,--yes", options->yes, "With ALL: do not ask before");
  verb->callback([options, act, &result] { result = queue_act(act, *options); });
}

void add_look(CLI::App& parent, const char* name, const char* about, int& result,
              int (*run)(const QueueOptions&), bool with_id) {
  const auto options = std::make_shared<QueueOptions>();
  auto* verb = parent.add_subcommand(name, about);
  verb->add_option("-c,--config", options->config,
                   "Configuration file (default /etc/sekisho/milter.conf)");
  if (with_id) verb->add_option("ID", options->ids, "Its id")->required()->expected(1);
  verb->add_flag("--json", options->json, "Print JSON, one object a line");
  verb->callback([options, run, &result] { result = run(*options); });
}

}  // namespace

int queue_list(const QueueOptions& options) {
  const auto open = open_queue(options.config);
  return open ? print_all(*open, options.json) : complain(open.error());
}

int queue_show(const QueueOptions& options) {
  const auto open = open_queue(options.config);
  if (!open) return complain(open.error());
  const auto ids = named_ids(options);
  if (!ids) return complain(ids.error());
  if (ids->empty()) return complain(usage, "show needs an id");
  queue::Message message;
  auto read = open->spool->read([&](spool::Database& database) -> spool::Outcome<void> {
    auto found = queue::find(database, ids->front());
    if (!found) return spool::failed(found.error());
    message = std::move(*found);
    return {};
  });
  if (!read) return complain(complaint_of(read.error(), ids->front()));
  const auto now = queue_now(*open);
  const auto text = options.json
                        ? queue_json(message, now)
                                  .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                              "\n"
                        : queue_page(message, now);
  std::fputs(text.c_str(), stdout);
  return ok;
}

int queue_stats(const QueueOptions& options) {
  const auto open = open_queue(options.config);
  if (!open) return complain(open.error());
  std::map<std::string, std::size_t> counts;
  std::size_t messages = 0;
  std::uint64_t octets = 0;
  WallTime oldest{};
  auto read = open->spool->read([&](spool::Database& database) {
    return queue::each_message(database, [&](const queue::Message& message) {
      if (messages++ == 0 || message.letter.arrived < oldest) oldest = message.letter.arrived;
      octets += message.letter.size;
      for (const auto& [name, count] : counted(message)) counts[name] += count;
      return true;
    });
  });
  if (!read) return complain(complaint_of(read.error()));
  if (options.json) {
    nlohmann::json all = {{"messages", messages}, {"octets", octets}, {"recipients", counts}};
    all["oldest"] = messages > 0 ? nlohmann::json(to_iso8601(oldest)) : nlohmann::json();
    std::printf("%s\n", all.dump().c_str());
    return ok;
  }
  std::printf("messages  %zu\noctets    %llu\n", messages, static_cast<unsigned long long>(octets));
  if (messages > 0) std::printf("oldest    %s\n", to_iso8601(oldest).c_str());
  for (const auto& [name, count] : counts) std::printf("%s  %zu\n", name.c_str(), count);
  return ok;
}

int queue_act(queue::Act act, const QueueOptions& options) {
  const auto ids = named_ids(options);
  if (!ids) return complain(ids.error());
  const auto open = open_queue(options.config);
  if (!open) return complain(open.error());
  if (act == queue::Act::remove && ids->empty() && !options.yes) {
    if (const auto sure = confirm("Delete all messages of the queue", "nothing", "deleted");
        sure != ok)
      return sure;
  }
  const auto acted = act_on(*open, act, *ids);
  if (!acted) return complain(acted.error());
  ActLog log(open->settings);
  int code = ok;
  for (const auto& [id, why] : *acted) {
    if (why.empty()) {
      std::printf("%s  %s\n", id.c_str(), std::string(done_word(act)).c_str());
      log.tell("queue " + std::string(to_string(act)), id, done_word(act));
    } else {
      code = complain(no_input, (id.empty() ? "" : id + ": ") + why);
    }
  }
  return code;
}

void add_queue(CLI::App& app, int& result) {
  auto* verb = app.add_subcommand("queue", "Mail that waits to be delivered");
  verb->require_subcommand(1);
  add_look(*verb, "list", "What waits, the oldest first", result, queue_list, false);
  add_look(*verb, "show", "One message: why it waits, and the last dialogue", result, queue_show,
           true);
  add_act(*verb, queue::Act::hold, "Do not try it before it is released", result);
  add_act(*verb, queue::Act::release, "Try what is held, with its whole time before it", result);
  add_act(*verb, queue::Act::flush, "Try now (default: all that waits)", result);
  add_act(*verb, queue::Act::remove, "Delete it; nobody is told", result);
  add_act(*verb, queue::Act::requeue, "As if it had come now", result);
  add_look(*verb, "stats", "How many wait, and for what", result, queue_stats, false);
}

}  // namespace sekisho::cli
