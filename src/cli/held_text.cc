#include "cli/held_text.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "mail/encoded_word.h"
#include "record/held.h"

namespace sekisho::cli {

using quarantine::HeldRow;

namespace {

// "ID", "TIME (UTC)", "STATE" and "RULE".
constexpr std::size_t id_columns = 9;
constexpr std::size_t time_columns = 16;
constexpr std::size_t state_columns = 9;
constexpr std::size_t rule_columns = 8;

// The first recipient, and the number of the others, which is never cut.
void add_people(std::string& out, const std::vector<std::string>& recipients, std::size_t columns,
                Charset charset) {
  if (recipients.empty()) return append_cell(out, "", columns, charset);
  const std::string more =
      recipients.size() > 1 ? " +" + std::to_string(recipients.size() - 1) : "";
  if (more.empty() || more.size() >= columns)
    return append_cell(out, recipients.front(), columns, charset);
  const std::string first = printable(recipients.front(), columns - more.size(), charset);
  out.append(first).append(more).append(columns - columns_of(first) - more.size(), ' ');
}

std::string all_people(const std::vector<std::string>& recipients) {
  std::string all;
  for (const auto& to : recipients) all.append(all.empty() ? "" : ",").append(to);
  return all;
}

void end_line(std::string& out) {
  out.erase(out.find_last_not_of(' ') + 1);
  out += '\n';
}

// The width of a line of a page: a sender's text is cut after about a screen.
constexpr std::size_t page_columns = 1000;

void add(std::string& out, std::string_view label, std::string_view text, Charset charset) {
  constexpr std::size_t width = 12;
  if (text.empty()) return;
  out += label;
  out.append(label.size() < width ? width - label.size() : 1, ' ');
  out += printable(text, page_columns, charset) + '\n';
}

std::string string_at(const nlohmann::json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const nlohmann::json& at(const nlohmann::json& object, const char* key) {
  static const nlohmann::json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(key);
  return found == object.end() ? nothing : *found;
}

std::string with_reason(std::string text, const nlohmann::json& object) {
  const auto reason = string_at(object, "reason");
  return reason.empty() ? text : text + "  (" + reason + ")";
}

void add_results(std::string& out, const nlohmann::json& decision, Charset charset) {
  const auto& author = at(decision, "author");
  const auto domain = string_at(author, "domain");
  add(out, "author", with_reason(domain.empty() ? string_at(author, "result") : domain, author),
      charset);
  for (const auto& spf : at(decision, "spf")) {
    const bool helo = string_at(spf, "scope") == "helo";
    add(out, helo ? "spf helo" : "spf",
        with_reason(string_at(spf, "result") + "  " + string_at(spf, "domain"), spf), charset);
  }
  const auto& dkim = at(decision, "dkim");
  if (dkim.empty()) add(out, "dkim", "none: no signature", charset);
  for (const auto& one : dkim) {
    add(out, "dkim",
        with_reason(string_at(one, "result") + "  " + string_at(one, "domain") + " " +
                        string_at(one, "selector") + " " + string_at(one, "algorithm"),
                    one),
        charset);
  }
  const auto& dmarc = at(decision, "dmarc");
  std::string policy = string_at(dmarc, "result");
  if (const auto of = string_at(dmarc, "policy_domain"); !of.empty()) {
    policy += "  " + string_at(dmarc, "tag") + "=" + string_at(dmarc, "policy") + " of " + of;
  }
  add(out, "dmarc", with_reason(policy, dmarc), charset);
}

}  // namespace

std::string short_time(WallTime time) {
  std::string text = to_iso8601(time);  // 2026-11-21T09:30:00Z
  text[10] = ' ';
  return text.substr(0, 16);
}

std::string short_size(std::uint64_t octets) {
  constexpr std::array units = {"B", "KB", "MB", "GB", "TB"};
  auto value = static_cast<double>(octets);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text.data();
}

HeldTable::HeldTable(std::size_t columns, Charset charset, bool states)
    : charset_(charset), states_(states), rules_(columns >= 100), uncut_(columns == uncut_columns) {
  // Nothing is cut: these are minimum widths.
  if (uncut_) columns = 120;
  const std::size_t fixed = id_columns + 1 + time_columns + 1 + (states ? state_columns + 1 : 0) +
                            (rules_ ? rule_columns + 1 : 0);
  const std::size_t left = columns - std::min(columns, fixed);
  // Author, recipient and subject share the rest.
  const bool narrow = left < 20;
  from_ = narrow ? (left > 0 ? (left - 1) / 2 : 0) : std::max<std::size_t>(left * 2 / 6, 8);
  to_ = narrow ? (left > from_ ? left - from_ - 1 : 0) : std::max<std::size_t>(left * 3 / 12, 8);
  subject_ = !narrow && left > from_ + to_ + 2 ? left - from_ - to_ - 2 : 0;
}

void HeldTable::add_cell(std::string& out, std::string_view text, std::size_t columns) const {
  if (uncut_) {
    append_uncut_cell(out, text, columns, charset_);
  } else {
    append_cell(out, text, columns, charset_);
  }
  out += ' ';
}

void HeldTable::add_title(std::string& out) const {
  const auto add = [&](const char* title, std::size_t columns) { add_cell(out, title, columns); };
  add("ID", id_columns);
  add("TIME (UTC)", time_columns);
  if (states_) add("STATE", state_columns);
  if (rules_) add("RULE", rule_columns);
  add("AUTHOR", from_);
  add("TO", to_);
  if (subject_ > 0) add("SUBJECT", subject_);
  end_line(out);
}

void HeldTable::add(std::string& out, const HeldRow& held) const {
  out.append(held.id).append(" ").append(short_time(held.time)).append(" ");
  const auto add = [&](std::string_view text, std::size_t columns) {
    add_cell(out, text, columns);
  };
  if (states_) add(to_string(held.state), state_columns);
  if (rules_) add(held.rule, rule_columns);
  if (held.author.empty()) {
    add("<" + held.mail_from + ">", from_);
  } else {
    add(held.author, from_);
  }
  if (uncut_) {
    add(all_people(held.recipients), to_);
  } else {
    add_people(out, held.recipients, to_, charset_);
    out += ' ';
  }
  if (subject_ > 0) add(held.subject, subject_);
  end_line(out);
}

std::string held_table(const std::vector<HeldRow>& rows, std::size_t columns, Charset charset,
                       bool states) {
  const HeldTable table(columns, charset, states);
  std::string out;
  table.add_title(out);
  for (const auto& held : rows) table.add(out, held);
  return out;
}

namespace {

std::string way_back(const quarantine::HeldMessage& message) {
  if (message.held.state != quarantine::State::deleted) return {};
  if (!message.gone_from) return "; the message is gone";
  return "; `sekisho quarantine undelete` brings it back before " + short_time(*message.gone_from) +
         " UTC";
}

}  // namespace

std::string held_page(const quarantine::HeldMessage& message, Charset charset) {
  const HeldRow& held = message.held;
  std::string out;
  add(out, "id", held.id, charset);
  add(out, "state",
      std::string(to_string(held.state)) + " since " + short_time(held.changed) + " UTC" +
          way_back(message),
      charset);
  add(out, "remark", held.remark, charset);
  add(out, "held", short_time(held.time) + " UTC, expires " + short_time(held.expires) + " UTC",
      charset);
  if (held.repeats > 0) {
    add(out, "repeats",
        std::to_string(held.repeats) + ", the last " + short_time(held.last_repeat) + " UTC",
        charset);
  }
  add(out, "queue id", held.queue_id, charset);
  add(out, "client", held.client, charset);
  add(out, "sender", "<" + held.mail_from + ">", charset);
  for (const auto& to : held.recipients) {
    const bool has_it = std::find(held.delivered_to.begin(), held.delivered_to.end(), to) !=
                        held.delivered_to.end();
    add(out, "recipient", "<" + to + ">" + (has_it ? "  (has it)" : ""), charset);
  }
  for (const auto& to : held.delivered_to) {
    if (std::find(held.recipients.begin(), held.recipients.end(), to) == held.recipients.end())
      add(out, "copy to", "<" + to + ">", charset);
  }
  add(out, "from", held.author, charset);
  add(out, "subject", held.subject, charset);
  add(out, "message-id", held.message_id, charset);
  add(out, "size", short_size(held.size), charset);
  add(out, "why", "rule=" + held.rule + "  " + held.reason, charset);
  for (const auto& [time, who, what] : message.acts)
    add(out, "done", short_time(time) + " UTC by " + who + ": " + what, charset);
  return out;
}

std::string why_text(const quarantine::HeldMessage& message, Charset charset) {
  std::string out;
  const HeldRow& held = message.held;
  add(out, "id", held.id, charset);
  add(out, "held", short_time(held.time) + " UTC", charset);
  add(out, "rule", held.rule, charset);
  add(out, "reason", held.reason, charset);
  const auto read = record::held_json(message.detail.decision);
  if (!read) return out + "The record of the decision cannot be read: " + read.error() + "\n";
  const auto& decision = *read;
  const auto& verdict = at(decision, "verdict");
  for (const auto& evidence : at(verdict, "evidence")) {
    if (evidence.is_string()) add(out, "evidence", evidence.get<std::string>(), charset);
  }
  add(out, "client", held.client, charset);
  add_results(out, decision, charset);
  for (const auto& to : at(verdict, "recipients")) {
    add(out, "recipient",
        with_reason("<" + string_at(to, "to") + "> " + string_at(to, "action"), to), charset);
  }
  if (const auto results = string_at(decision, "authentication_results"); !results.empty()) {
    const auto begin = results.find_first_not_of(' ');
    out += "\nAuthentication-Results: " +
           printable_lines(std::string_view(results).substr(std::min(begin, results.size())),
                           charset) +
           "\n";
  }
  return out;
}

std::string raw_text(std::string_view message, Charset charset) {
  return printable_lines(message, charset);
}

std::string defanged(const HeldRow& held, std::string_view message) {
  std::string text =
      "Held message " + held.id +
      ", defanged by sekisho: every line begins with \"| \", control characters are\n"
      "escaped, \"://\" is written \"[:]//\". It may be hostile. `sekisho quarantine "
      "show --raw` has its octets.\n\n";
  std::string_view rest = message;
  while (!rest.empty()) {
    const std::size_t feed = rest.find('\n');
    std::string line = printable_lines(rest.substr(0, feed));
    rest.remove_prefix(feed == std::string_view::npos ? rest.size() : feed + 1);
    for (std::size_t at = line.find("://"); at != std::string::npos; at = line.find("://", at + 5))
      line.replace(at, 3, "[:]//");
    text += "| " + line + "\n";
  }
  return text;
}

}  // namespace sekisho::cli
