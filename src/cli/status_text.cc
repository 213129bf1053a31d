#include "cli/status_text.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/encoding.h"

namespace sekisho::cli {

using nlohmann::json;

namespace {

constexpr std::size_t width = 79;  // a terminal of 80 columns wraps a line that fills it
constexpr std::size_t label_width = 18;

std::string duration(long long seconds) {
  char text[64];
  std::snprintf(text, sizeof text, "%lldd %02lld:%02lld:%02lld", seconds / 86400,
                seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
  return text;
}

std::string scalar(const json& value) {
  return escape_for_log(value.is_string() ? value.get<std::string>() : value.dump(), 400);
}

// The parts of a value; a line may be broken between them: "pass 7" and "fail 2" of an object.
std::vector<std::string> parts(const json& value) {
  std::vector<std::string> out;
  if (value.is_object()) {
    for (const auto& [key, inner] : value.items()) {
      out.push_back(escape_for_log(key, 40) + " " + scalar(inner));
    }
  } else if (value.is_array()) {
    for (const auto& inner : value) out.push_back(scalar(inner));
  } else {
    out.push_back(scalar(value));
  }
  if (out.empty()) out.emplace_back("-");
  return out;
}

// A part that is wider than a line is broken at its blanks.
void break_long(std::vector<std::string>& all, std::size_t room) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].size() <= room) continue;
    const auto blank = all[i].rfind(' ', room);
    if (blank == std::string::npos || blank == 0) continue;
    std::string rest = all[i].substr(blank + 1);
    all[i].erase(blank);
    all.insert(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, std::move(rest));
  }
}

// "  label              part  part", continued below its first part.
void put_line(std::string& out, const std::string& label, const json& value) {
  std::string line = "  " + label;
  line.append(label.size() < label_width ? label_width - label.size() : 0, ' ');
  const std::size_t indent = line.size();
  auto all = parts(value);
  break_long(all, width - std::min(width, indent + 1));
  for (const auto& part : all) {
    const bool first = line.size() == indent;
    if (!first && line.size() + 2 + part.size() > width) {
      out += line + "\n";
      line.assign(indent, ' ');
    }
    line += (first || line.size() == indent ? " " : "  ") + part;
  }
  out += line + "\n";
}

void put_section(std::string& out, const char* title, const json& section) {
  if (section.empty()) return;
  out += std::string(title) + "\n";
  for (const auto& [key, value] : section.items()) put_line(out, escape_for_log(key, 40), value);
}

// "decision           half within 5 ms  99% within 100 ms  mean 7.125 ms  messages 12"
void put_times(std::string& out, const json& times) {
  out += "times\n";
  const auto bound = [](const json& value) {
    return value.is_number() ? "within " + value.dump() + " ms" : std::string("longer than 21 s");
  };
  for (const auto& [what, time] : times.items()) {
    json shown = json::array();
    if (time.contains("mean_ms")) {
      shown.push_back("half " + bound(time.value("half_within_ms", json())));
      shown.push_back("99% " + bound(time.value("99_percent_within_ms", json())));
      shown.push_back("mean " + time["mean_ms"].dump() + " ms");
    }
    put_line(out, escape_for_log(what, 40), shown);
  }
}

// "  zen                dnsbl  healthy  lookups 12  listed 1"
void put_lists(std::string& out, const json& lists) {
  if (lists.empty()) return;
  out += "lists\n";
  for (const auto& [name, list] : lists.items()) {
    if (!list.is_object()) continue;
    json shown = json::array({list.value("kind", json("?")), list.value("state", json("?"))});
    for (const char* count : {"lookups", "listed"}) {
      shown.push_back(count + (" " + list.value(count, json()).dump()));
    }
    put_line(out, escape_for_log(name, 40), shown);
  }
}

}  // namespace

std::string status_text(const json& answer) {
  const auto text = [&](const char* key) { return scalar(answer.value(key, json("?"))); };
  std::string out = "sekishod " + text("version") + ", process " + text("pid") + ", up " +
                    duration(answer.value("uptime_s", 0LL)) + "\n";
  out += "configuration " + text("config") + ", digest " + text("digest") + "\n";
  if (answer.value("reload_refused", false)) {
    out += "the last reload was refused: see sekisho config check\n";
  }
  for (const auto& warning : answer.value("warnings", json::array())) {
    put_line(out, "WARNING", warning);
  }
  if (const auto where = answer.value("metrics", std::string()); !where.empty()) {
    out += "metrics at http://" + escape_for_log(where, 60) + "/metrics\n";
  }
  for (const char* section :
       {"listeners", "queue", "certificates", "sessions", "verdicts", "monitored", "results",
        "times", "resolver", "keys", "lists", "quarantine", "history", "log"}) {
    if (!answer.contains(section)) continue;
    if (std::string_view(section) == "times") {
      put_times(out, answer[section]);
    } else if (std::string_view(section) == "lists") {
      put_lists(out, answer[section]);
    } else {
      put_section(out, section, answer[section]);
    }
  }
  return out;
}

}  // namespace sekisho::cli
