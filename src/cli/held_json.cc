// Held messages for programs.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/held_text.h"

namespace sekisho::cli {

using quarantine::HeldRow;

namespace {

// In the order of their names.
template <class Put>
void each_field(const HeldRow& held, const Put& put) {
  put("author", std::string_view(held.author));
  put("changed", std::string_view(to_iso8601(held.changed)));
  put("client", std::string_view(held.client));
  put("delivered_to", held.delivered_to);
  put("expires", std::string_view(to_iso8601(held.expires)));
  put("id", std::string_view(held.id));
  if (held.repeats > 0) put("last_repeat", std::string_view(to_iso8601(held.last_repeat)));
  put("mail_from", std::string_view(held.mail_from));
  put("message_id", std::string_view(held.message_id));
  put("queue_id", std::string_view(held.queue_id));
  put("reason", std::string_view(held.reason));
  put("recipients", held.recipients);
  put("remark", std::string_view(held.remark));
  put("repeats", held.repeats);
  put("rule", std::string_view(held.rule));
  put("size", held.size);
  put("state", to_string(held.state));
  put("subject", std::string_view(held.subject));
  put("time", std::string_view(to_iso8601(held.time)));
}

bool is_plain(char c) { return c >= ' ' && c < '\x7f' && c != '"' && c != '\\'; }

void append(std::string& out, std::string_view text) {
  if (std::all_of(text.begin(), text.end(), is_plain)) {
    out.append("\"").append(text).append("\"");
  } else {
    out += nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  }
}

void append(std::string& out, std::uint64_t number) { out += std::to_string(number); }

void append(std::string& out, const std::vector<std::string>& texts) {
  out += '[';
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out += ',';
    append(out, std::string_view(texts[i]));
  }
  out += ']';
}

}  // namespace

nlohmann::json held_json(const HeldRow& held) {
  auto object = nlohmann::json::object();
  each_field(held, [&](const char* name, const auto& value) { object[name] = value; });
  return object;
}

void append_held_json(std::string& out, const HeldRow& held) {
  char before = '{';
  each_field(held, [&](const char* name, const auto& value) {
    out += before;
    out.append("\"").append(name).append("\":");
    append(out, value);
    before = ',';
  });
  out += '}';
}

}  // namespace sekisho::cli
