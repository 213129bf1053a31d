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
#include "config/values.h"
#include "history/archive.h"

namespace sekisho::cli {

namespace {

// Ids that standard input may name at once: more than any store holds.
constexpr std::size_t input_octets = 64 * 1024 * 1024;

bool is_empty(const FilterOptions& options) {
  return options.since.empty() && options.until.empty() && options.from.empty() &&
         options.to.empty() && options.rule.empty() && options.state.empty() &&
         options.text.empty() && !options.limit;
}

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

}  // namespace

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

OrExit<OpenStore> open_store(const std::string& config_path, config::ValueFiles lists) {
  auto loaded = load_configuration(config_path, lists);
  if (!loaded) return tl::unexpected<int>(config);
  OpenStore open{std::move(loaded->settings), nullptr};
  auto store = quarantine::Store::open(
      open.settings.quarantine, quarantine::Access::guest,
      [](const std::string& sentence) { std::fprintf(stderr, "sekisho: %s\n", sentence.c_str()); });
  if (!store) {
    const auto& failure = store.error();
    const auto elsewhere = held_elsewhere(open.settings);
    std::error_code ignored;
    if (!elsewhere.empty() && !std::filesystem::exists(open.settings.quarantine.dir, ignored)) {
      complain(no_input, elsewhere.front());
      for (std::size_t i = 1; i < elsewhere.size(); ++i)
        std::fprintf(stderr, "  %s\n", elsewhere[i].c_str());
      return tl::unexpected<int>(no_input);
    }
    std::string what = open.settings.quarantine.dir + ": " + failure.why;
    if (!elsewhere.empty()) what += "; note " + elsewhere.front();
    return tl::unexpected<int>(complain(exit_code_of(failure.kind), what));
  }
  open.store = std::move(*store);
  return open;
}

std::optional<WallTime> parse_when(std::string_view text, WallTime now) {
  const bool ends_in_unit = !text.empty() && text.find_first_of("hdms") == text.size() - 1;
  if (ends_in_unit) {
    const auto ago = config::parse_duration(text);
    if (!ago) return std::nullopt;
    return now - std::chrono::duration_cast<std::chrono::seconds>(*ago);
  }
  return parse_time(text);
}

namespace {

bool pattern(const char* option, const std::string& text, mail::NamePattern& slot) {
  auto parsed = mail::NamePattern::parse(text);
  if (!parsed) complain(usage, std::string(option) + ": " + parsed.error().what);
  if (parsed) slot = std::move(*parsed);
  return parsed.has_value();
}

}  // namespace

OrExit<quarantine::Filter> make_filter(const FilterOptions& options, WallTime now) {
  quarantine::Filter filter;
  const auto time = [&](const char* option, const std::string& text,
                        std::optional<WallTime>& slot) {
    if (text.empty()) return true;
    slot = parse_when(text, now);
    if (!slot) {
      complain(usage, std::string(option) +
                          ": write 2026-11-21, 2026-11-21T09:30:00Z, or how "
                          "long ago, as in 36h or 2d");
    }
    return slot.has_value();
  };
  if (!time("--since", options.since, filter.since) ||
      !time("--until", options.until, filter.before))
    return tl::unexpected<int>(usage);
  if (!options.state.empty() && options.state != "any") {
    filter.state = parse_word<quarantine::State>(options.state);
    if (!filter.state) {
      return tl::unexpected<int>(
          complain(usage, "--state: one of held, released, delivered, deleted, expired, any"));
    }
  }
  filter.waiting = options.state.empty();
  if (!pattern("--from", options.from, filter.from) || !pattern("--to", options.to, filter.to))
    return tl::unexpected<int>(usage);
  filter.rule = options.rule;
  filter.text = options.text;
  filter.limit = options.limit.value_or(0);
  return filter;
}

OrExit<std::vector<quarantine::HeldRow>> find_held(quarantine::Store& store,
                                                   const FilterOptions& options, WallTime now) {
  auto filter = make_filter(options, now);
  if (!filter) return tl::unexpected<int>(filter.error());
  auto rows = store.list(*filter);
  if (!rows)
    return tl::unexpected<int>(complain(exit_code_of(rows.error().kind), rows.error().why));
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

OrExit<std::vector<std::string>> selected_ids(quarantine::Store& store,
                                              const QuarantineOptions& options, WallTime now) {
  std::vector<std::string> ids;
  bool all = false;
  for (const auto& word : options.ids) {
    if (word == "ALL") {
      all = true;
      auto rows = find_held(store, options.filter, now);
      if (!rows) return tl::unexpected<int>(rows.error());
      for (const auto& held : *rows) ids.push_back(held.id);
      continue;
    }
    auto named = parse_ids(word == "-" ? standard_input() : word);
    if (!named) return tl::unexpected<int>(complain(usage, named.error()));
    ids.insert(ids.end(), named->begin(), named->end());
  }
  if (!all && !is_empty(options.filter)) {
    return tl::unexpected<int>(complain(
        usage, "a filter needs ALL: without it, exactly the ids that are named are meant" +
                   std::string(options.filter.to.empty()
                                   ? ""
                                   : "; --to is a filter: whom a release goes to instead is "
                                     "--deliver-to")));
  }
  if (ids.empty()) {
    return tl::unexpected<int>(complain(
        no_input, std::string(all ? "nothing is held that matches" : "standard input names no id") +
                      ": nothing is changed"));
  }
  std::set<std::string, std::less<>> seen;
  std::erase_if(ids, [&](const std::string& id) { return !seen.insert(id).second; });
  return ids;
}

}  // namespace sekisho::cli
