#include "queue/message.h"

#include <charconv>

#include "spool/record.h"

namespace sekisho::queue {

namespace {

using spool::Record;

constexpr std::string_view format = "1";

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string write_removals(const std::vector<policy::Edit>& removals) {
  Record record;
  for (const auto& edit : removals) {
    record.add("field", edit.name).add("index", std::to_string(edit.index));
  }
  return record.octets();
}

std::optional<std::vector<policy::Edit>> read_removals(std::string_view octets) {
  const auto record = Record::parse(octets);
  if (!record) return std::nullopt;
  std::vector<policy::Edit> removals;
  for (const auto& [name, value] : record->fields()) {
    if (name == "field") {
      removals.push_back({policy::Edit::Kind::remove, value, "", 0});
    } else if (const auto index = number(value); index && !removals.empty()) {
      removals.back().index = static_cast<std::size_t>(*index);
    }
  }
  return removals;
}

std::string write_recipient(const Recipient& to) {
  Record record;
  record.add("address", to.address).add("original", to.original);
  for (const auto& parameter : to.parameters) record.add("parameter", parameter);
  if (to.sender) record.add("sender", *to.sender);
  if (to.expand) record.add("expand", "yes");
  record.add("state", to_string(to.progress.state)).add("reason", to_string(to.progress.reason));
  if (!to.last.why.empty()) record.add("why", to.last.why);
  return record.octets();
}

std::optional<Recipient> read_recipient(std::string_view octets, WallTime arrived) {
  const auto record = Record::parse(octets);
  if (!record) return std::nullopt;
  Recipient to;
  to.address = record->get("address");
  to.original = record->get("original");
  to.parameters = record->all("parameter");
  if (const auto sender = record->all("sender"); !sender.empty()) to.sender = sender.front();
  to.expand = !record->get("expand").empty();
  to.progress = accepted(arrived);
  to.progress.state = parse_word<State>(record->get("state")).value_or(State::waiting);
  to.progress.reason = parse_word<Reason>(record->get("reason")).value_or(Reason::none);
  to.last.why = record->get("why");
  return to;
}

}  // namespace

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text.append(text.empty() ? "" : "\n").append(word);
  return text;
}

std::vector<std::string> split(std::string_view lines) {
  std::vector<std::string> words;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    words.emplace_back(lines.substr(0, end));
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
  }
  return words;
}

std::string write_letter(const Letter& letter) {
  Record record;
  record.add("format", format).add("sender", letter.sender);
  for (const auto& parameter : letter.parameters) record.add("parameter", parameter);
  record.add("arrived", std::to_string(letter.arrived.time_since_epoch().count()));
  record.add("origin", letter.origin).add("login", letter.login).add("client", letter.client);
  if (letter.may_bounce) record.add("may_bounce", "yes");
  if (letter.own) record.add("own", "yes");
  record.add("top", letter.top).add("removals", write_removals(letter.removals));
  return record.octets();
}

std::optional<Letter> read_letter(std::string_view octets) {
  const auto record = Record::parse(octets);
  if (!record || record->get("format") != format) return std::nullopt;
  const auto arrived = number(record->get("arrived"));
  auto removals = read_removals(record->get("removals"));
  if (!arrived || !removals) return std::nullopt;
  Letter letter;
  letter.sender = record->get("sender");
  letter.parameters = record->all("parameter");
  letter.arrived = WallTime(std::chrono::seconds(*arrived));
  letter.origin = record->get("origin");
  letter.login = record->get("login");
  letter.client = record->get("client");
  letter.may_bounce = !record->get("may_bounce").empty();
  letter.own = !record->get("own").empty();
  letter.top = record->get("top");
  letter.removals = std::move(*removals);
  return letter;
}

std::string write_record(const Message& message, std::string_view index) {
  Record record;
  record.add("id", message.letter.id).add("index", index);
  record.add("letter", write_letter(message.letter));
  for (const auto& to : message.recipients) record.add("recipient", write_recipient(to));
  return record.octets();
}

std::optional<Recorded> read_record(std::string_view octets) {
  const auto record = Record::parse(octets);
  if (!record) return std::nullopt;
  auto letter = read_letter(record->get("letter"));
  if (!letter) return std::nullopt;
  Recorded recorded{{std::move(*letter), {}}, std::string(record->get("index"))};
  recorded.message.letter.id = record->get("id");
  for (const auto& each : record->all("recipient")) {
    auto to = read_recipient(each, recorded.message.letter.arrived);
    if (!to) return std::nullopt;
    to->place = static_cast<std::uint32_t>(recorded.message.recipients.size());
    recorded.message.recipients.push_back(std::move(*to));
  }
  if (recorded.message.recipients.empty()) return std::nullopt;
  return recorded;
}

}  // namespace sekisho::queue
