#include "cli/quarantine_store.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <set>

#include "base/encoding.h"
#include "cli/configuration.h"
#include "cli/copied_id.h"
#include "cli/when.h"
#include "history/archive.h"
#include "queue/place.h"

namespace sekisho::cli {

namespace {

// The most octets of ids on standard input: more than those of any store.
constexpr std::size_t input_octets = 64 * 1024 * 1024;

bool is_empty(const FilterOptions& options) {
  return options.since.empty() && options.until.empty() && options.from.empty() &&
         options.to.empty() && options.rule.empty() && options.state.empty() &&
         options.text.empty() && !options.limit;
}

}  // namespace

std::string standard_input() {
  std::string text;
  std::string chunk(65536, '\0');
  std::clearerr(stdin);
  std::cin.clear();
  while (text.size() < input_octets) {
    std::cin.read(chunk.data(), static_cast<std::streamsize>(chunk.size()));
    const auto got = static_cast<std::size_t>(std::cin.gcount());
    if (got == 0) break;
    text.append(chunk, 0, got);
  }
  return text;
}

ExitCode exit_code_of(spool::Failure::Kind kind) {
  using Kind = spool::Failure::Kind;
  switch (kind) {
    case Kind::not_found:
      return no_input;
    case Kind::refused:
    case Kind::exists:
    case Kind::damaged:
      return data_error;
    case Kind::read_only:
      return no_permission;
    case Kind::io:
    case Kind::not_synced:
      return os_error;
    case Kind::no_space:
    case Kind::limit:
    case Kind::locked:
    case Kind::unavailable:
      break;
  }
  return temporary;
}

Complaint complaint_of(const spool::Failure& failure, const std::string& about) {
  return {exit_code_of(failure.kind), (about.empty() ? "" : about + ": ") + failure.why};
}

std::vector<std::string> held_elsewhere(const config::Settings& settings) {
  switch (settings.session.quarantine.where) {
    case session::QuarantineWhere::store:
      break;
    case session::QuarantineWhere::mta:
      return {
          "[quarantine] where = \"mta\": the MTA holds what is quarantined, and not a store of "
          "ours",
          "Postfix:   postqueue -p            what is held has a ! behind its queue id",
          "           postcat -vq QUEUEID     look at it",
          "           postsuper -H QUEUEID    release it; -d deletes it",
          "sendmail:  mailq -qQ               what is held, and why",
          "           sendmail -qQ -Q -qIQUEUEID    release it",
          "sekisho history --action quarantine tells ids and reasons; where = \"store\" holds mail "
          "here"};
    case session::QuarantineWhere::junk:
      return {
          "[quarantine] where = \"junk\": what is quarantined is delivered with "
          "X-Sekisho-Disposition: "
          "quarantine, for a rule of the mailbox to file",
          "sekisho history --action quarantine tells ids and reasons; where = \"store\" holds mail "
          "here"};
  }
  return {};
}

const std::string& folder_of_held(const config::Settings& settings) {
  return settings.listeners.empty() ? settings.quarantine.dir : settings.queue.dir;
}

spool::Outcome<OpenHeld> open_held(const config::Settings& settings,
                                   const std::function<void(const std::string&)>& tell) {
  if (settings.listeners.empty()) {
    auto store = quarantine::Store::open(settings.quarantine, quarantine::Access::guest, tell);
    if (!store) return spool::failed(store.error());
    return OpenHeld{std::move(*store), nullptr};
  }
  auto opened =
      queue::open_place(settings.queue, settings.quarantine.max_size, spool::Access::guest, tell);
  if (!opened) return spool::failed(opened.error());
  return OpenHeld{std::make_unique<quarantine::Store>(settings.quarantine, *opened), *opened};
}

OrComplaint<OpenStore> open_store(const std::string& config_path, config::ValueFiles lists) {
  auto loaded = load_configuration(config_path, lists);
  if (!loaded) return complaint(config);
  OpenStore open{std::move(loaded->settings), nullptr, nullptr};
  auto held = open_held(open.settings, [](const std::string& sentence) {
    std::fprintf(stderr, "sekisho: %s\n", sentence.c_str());
  });
  if (!held) {
    const auto& failure = held.error();
    const auto elsewhere = held_elsewhere(open.settings);
    std::error_code ignored;
    if (!elsewhere.empty() && !std::filesystem::exists(open.settings.quarantine.dir, ignored)) {
      complain(no_input, elsewhere.front());
      for (std::size_t i = 1; i < elsewhere.size(); ++i)
        std::fprintf(stderr, "  %s\n", elsewhere[i].c_str());
      return complaint(no_input);
    }
    std::string what = folder_of_held(open.settings) + ": " + failure.why;
    if (!elsewhere.empty()) what += "; note " + elsewhere.front();
    return complaint(exit_code_of(failure.kind), what);
  }
  open.store = std::move(held->store);
  open.spool = std::move(held->spool);
  return open;
}

OrComplaint<quarantine::Filter> make_filter(const FilterOptions& options, WallTime now) {
  quarantine::Filter filter;
  for (const auto& [option, text, slot] : {std::tuple("--since", &options.since, &filter.since),
                                           std::tuple("--until", &options.until, &filter.before)}) {
    if (text->empty()) continue;
    *slot = parse_when(*text, now);
    if (!*slot) {
      return complaint(usage, std::string(option) +
                                  ": write 2026-11-21, 2026-11-21T09:30:00Z, or how "
                                  "long ago, as in 36h or 2d");
    }
  }
  if (!options.state.empty() && options.state != "any") {
    filter.state = parse_word<quarantine::State>(options.state);
    if (!filter.state)
      return complaint(usage, "--state: one of held, released, delivered, deleted, expired, any");
  }
  filter.waiting = options.state.empty();
  for (const auto& [option, text, slot] : {std::tuple("--from", &options.from, &filter.from),
                                           std::tuple("--to", &options.to, &filter.to)}) {
    auto pattern = mail::NamePattern::parse(*text);
    if (!pattern) return complaint(usage, std::string(option) + ": " + pattern.error().what);
    *slot = std::move(*pattern);
  }
  filter.rule = options.rule;
  filter.text = options.text;
  filter.limit = options.limit.value_or(0);
  return filter;
}

OrComplaint<std::vector<quarantine::HeldRow>> find_held(quarantine::Store& store,
                                                        const FilterOptions& options,
                                                        WallTime now) {
  auto filter = make_filter(options, now);
  if (!filter) return tl::unexpected(filter.error());
  auto rows = store.list(*filter);
  if (!rows) return tl::unexpected(complaint_of(rows.error()));
  return std::move(*rows);
}

Expected<std::vector<std::string>, std::string> parse_ids(std::string_view words) {
  constexpr std::string_view blanks = " \t\r\n";
  std::vector<std::string> ids;
  for (std::size_t at = words.find_first_not_of(blanks); at != std::string_view::npos;
       at = words.find_first_not_of(blanks, at)) {
    const std::size_t end = std::min(words.find_first_of(blanks, at), words.size());
    const std::string_view word = words.substr(at, end - at);
    const std::string id = history::normal_id(copied_id(word));
    if (!quarantine::is_id(id)) {
      return tl::unexpected<std::string>("\"" + escape_for_log(word, 40) +
                                         "\" is no id; one looks like K7Q2-4DMX");
    }
    ids.push_back(id);
    at = end;
  }
  return ids;
}

OrComplaint<std::vector<std::string>> selected_ids(quarantine::Store& store,
                                                   const QuarantineOptions& options, WallTime now) {
  std::vector<std::string> ids;
  bool all = false;
  for (const auto& word : options.ids) {
    if (word == "ALL") {
      all = true;
      auto rows = find_held(store, options.filter, now);
      if (!rows) return tl::unexpected(rows.error());
      for (const auto& held : *rows) ids.push_back(held.id);
      continue;
    }
    auto named = parse_ids(word == "-" ? standard_input() : word);
    if (!named) return complaint(usage, named.error());
    ids.insert(ids.end(), named->begin(), named->end());
  }
  if (!all && !is_empty(options.filter)) {
    return complaint(usage,
                     "a filter needs ALL: without it, exactly the ids that are named are meant" +
                         std::string(options.filter.to.empty()
                                         ? ""
                                         : "; --to is a filter: whom a release goes to instead is "
                                           "--deliver-to"));
  }
  if (ids.empty()) {
    return complaint(
        no_input, std::string(all ? "nothing is held that matches" : "standard input names no id") +
                      ": nothing is changed");
  }
  std::set<std::string, std::less<>> seen;
  std::erase_if(ids, [&](const std::string& id) { return !seen.insert(id).second; });
  return ids;
}

bool names_all(const QuarantineOptions& options) {
  return std::find(options.ids.begin(), options.ids.end(), "ALL") != options.ids.end();
}

OrComplaint<Selection> open_selected(const QuarantineOptions& options, config::ValueFiles lists) {
  auto open = open_store(options.config, lists);
  if (!open) return tl::unexpected(open.error());
  auto ids = selected_ids(*open->store, options, wall_now());
  if (!ids) return tl::unexpected(ids.error());
  return Selection{std::move(*open), std::move(*ids)};
}

std::string messages(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " message" : " messages");
}

}  // namespace sekisho::cli
