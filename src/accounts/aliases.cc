#include "accounts/aliases.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "base/encoding.h"

namespace sekisho::accounts {

namespace {

constexpr std::size_t max_include = std::size_t{1024} * 1024;
constexpr std::size_t most_findings = 50;  // more of them are one mistake in the whole file
constexpr std::string_view include_tag = ":include:";

// The place of the first `wanted` outside of quotes; npos: none.
std::size_t find_outside_quotes(std::string_view text, char wanted) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && quoted) {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == wanted && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

// `"|prog args"` and `"alice"` without their quotes; `"John Doe"@x` stays.
std::string without_quotes(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string out;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (text[i] == '\\' && i + 2 < text.size()) ++i;
    out += text[i];
  }
  return out;
}

// Empty: the target can be used.
std::string fault_of(const std::string& target) {
  const std::string shown = escape_for_log(target, 100);
  if (target.empty()) return "an address is empty";
  if (target.starts_with("|"))
    return "\"" + shown +
           "\" is a program, and none are started; let Sieve or an LMTP server do it";
  if (target.starts_with("/"))
    return "\"" + shown + "\" is a file; deliver by LMTP or to a Maildir with a [[route]]";
  if (target.starts_with(":")) return "\"" + shown + "\" is not known; only :include:/PATH is";
  const auto bad = [](char c) { return ascii::is_control(c); };
  if (std::any_of(target.begin(), target.end(), bad)) return "\"" + shown + "\" is no address";
  if (target.starts_with('@') || target.ends_with('@')) return "\"" + shown + "\" is no address";
  if (find_outside_quotes(target, ' ') != std::string::npos)
    return "\"" + shown + "\" is no address: between two of them stands a comma";
  return {};
}

// "Alice <alice@example.jp>": the address.
std::string_view without_display_name(std::string_view target) {
  const auto open = find_outside_quotes(target, '<');
  if (open == std::string_view::npos || !target.ends_with('>')) return target;
  return ascii::trim(target.substr(open + 1, target.size() - open - 2));
}

}  // namespace

Expected<std::string, FileError> Aliases::read_included(const std::string& path) {
  return read_file(path, max_include);
}

void Aliases::found(const std::string& what) {
  if (findings_.size() < most_findings) findings_.push_back(what);
}

void Aliases::include(const std::string& path, Reading& reading, int depth) {
  AliasTargets& into = reading.into;
  if (depth >= deepest_include || ++reading.includes > most_includes) {
    into.fault = path + ": too many files include each other";
    return;
  }
  if (std::find(included_.begin(), included_.end(), path) == included_.end())
    included_.push_back(path);
  const auto text = reading.read(path);
  if (!text) {
    into.fault = path + ": " + text.error().what;
    return;
  }
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const auto line = ascii::trim(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (!line.empty() && line.front() != '#') add_targets(line, reading, depth + 1);
    if (!into.fault.empty()) return;
  }
}

void Aliases::add_targets(std::string_view list, Reading& reading, int depth) {
  AliasTargets& into = reading.into;
  while (!list.empty() && into.fault.empty()) {
    const auto comma = find_outside_quotes(list, ',');
    const auto written = ascii::trim(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (written.empty()) continue;
    const std::string target = without_quotes(without_display_name(written));
    if (ascii::istarts_with(target, include_tag)) {
      include(target.substr(include_tag.size()), reading, depth);
      continue;
    }
    into.fault = fault_of(target);
    if (into.targets.size() >= most_targets)
      into.fault = "more than " + std::to_string(most_targets) + " recipients";
    if (into.fault.empty()) into.targets.push_back(target);
  }
}

void Aliases::add_entry(std::string_view entry, const std::string& where, const Read& read) {
  const auto colon = find_outside_quotes(entry, ':');
  const std::string name = ascii::lower(without_quotes(ascii::trim(entry.substr(0, colon))));
  if (colon == std::string_view::npos || name.empty() || name == "@")
    return found(where + ": a line is NAME: TARGET, TARGET");
  Reading reading{read};
  add_targets(entry.substr(colon + 1), reading, 0);
  AliasTargets& targets = reading.into;
  if (targets.fault.empty() && targets.targets.empty()) targets.fault = "no recipients";
  if (!targets.fault.empty()) {
    targets.targets.clear();
    targets.fault = where + ": " + escape_for_log(name, 100) + ": " + targets.fault;
    found(targets.fault);
  }
  if (!names_.emplace(name, std::move(targets)).second)
    found(where + ": " + escape_for_log(name, 100) +
          " stands in an earlier line too, which counts");
}

void Aliases::add(std::string_view text, const std::string& path, const Read& read) {
  std::string entry;
  std::string where;
  std::size_t number = 0;
  const auto end_entry = [&] {
    if (!entry.empty()) add_entry(entry, where, read);
    entry.clear();
  };
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    const auto content = ascii::trim(line);
    if (content.empty() || content.front() == '#') continue;
    if (ascii::is_wsp(line.front())) {
      if (!entry.empty()) entry.append(" ").append(content);
      continue;
    }
    end_entry();
    entry = content;
    where = path + ":" + std::to_string(number);
  }
  end_entry();
}

const AliasTargets* Aliases::find(std::string_view name) const {
  const auto found = names_.find(ascii::lower(name));
  return found == names_.end() ? nullptr : &found->second;
}

}  // namespace sekisho::accounts
