#include "config/smtp_values.h"

#include <algorithm>

#include "base/ascii.h"
#include "config/suggest.h"
#include "mail/mailbox.h"

namespace sekisho::config {
namespace {

// How the errors of a value begin.
std::string wrong_value(const std::string& key, std::string_view text) {
  return key + " = " + toml_text(text) + ": ";
}

bool is_text(const std::string& key, const Value& value, Reader& reader) {
  if (value.kind == Value::Kind::text) return true;
  reader.error(value.place, key + " must be a string, not " + std::string(describe(value.kind)));
  return false;
}

void read_paths(const std::string& key, const Value& value, std::vector<std::string>& slot,
                Reader& reader) {
  std::vector<std::string> paths;
  const auto add = [&](const Value& element) {
    if (element.kind != Value::Kind::text || element.text.empty()) {
      return reader.error(element.place,
                          key + " must be a list of paths, and one is empty or no text");
    }
    std::string path = relative_to(element.place, element.text);
    if (std::find(paths.begin(), paths.end(), path) != paths.end()) {
      return reader.error(element.place, key + ": " + path + " is given twice");
    }
    paths.push_back(std::move(path));
  };
  if (value.kind != Value::Kind::array) {
    return reader.error(value.place, key + " must be a list of paths, [\"…\"], not " +
                                         std::string(describe(value.kind)));
  }
  for (const Value& element : value.items) add(element);
  slot = std::move(paths);
}

std::string show_texts(const std::vector<std::string>& texts) {
  std::vector<std::string> elements;
  elements.reserve(texts.size());
  for (const auto& each : texts) elements.push_back(toml_text(each));
  return show_array(elements);
}

Expected<mail::PrefixSet::Entry> parse_network(std::string_view text) {
  const auto entry = mail::PrefixSet::parse_entry(text);
  if (!entry) return parse_error(entry.error());
  return *entry;
}

Expected<std::string> check_network(std::string_view text) {
  return parse_network(text).map([](const auto& entry) { return entry.text(); });
}

std::string words_with_colons(const std::vector<std::string>& kinds) {
  std::string out;
  for (const auto& kind : kinds) {
    out.append(out.empty() ? "" : (kind == kinds.back() ? " or " : ", ")).append(kind + ":PATH");
  }
  return out;
}

}  // namespace

std::string hint_for_field(const std::string& name, const std::vector<std::string>& known) {
  if (const std::string meant = nearest(name, known); !meant.empty()) {
    return "; did you mean " + meant + "?";
  }
  std::string list;
  for (const std::string& each : known) list.append(list.empty() ? "" : ", ").append(each);
  return "; here may stand: " + list;
}

Type<std::string> placed_text(std::string expects, const CheckPlaced& check) {
  return {std::move(expects),
          [check](const std::string& key, const Value& value, std::string& slot, Reader& reader) {
            if (!is_text(key, value, reader)) return;
            if (value.text.empty()) return slot.clear();
            if (auto checked = check(value.text, value.place)) {
              slot = std::move(*checked);
            } else {
              reader.error(value.place, wrong_value(key, value.text) + checked.error().what);
            }
          },
          [](const std::string& slot) { return toml_text(slot); }};
}

Type<std::string> path_by_kind(const std::vector<std::string>& kinds) {
  const std::string expects = words_with_colons(kinds);
  return placed_text(
      expects,
      [kinds, expects](std::string_view text, const Place& place) -> Expected<std::string> {
        const auto colon = text.find(':');
        const auto kind = text.substr(0, colon);
        const bool known = std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
        if (!known || colon == std::string_view::npos || colon + 1 == text.size() ||
            std::any_of(text.begin(), text.end(), ascii::is_control)) {
          return parse_error("write " + expects);
        }
        return std::string(kind) + ":" + relative_to(place, text.substr(colon + 1));
      });
}

Type<std::vector<std::string>> paths() { return {"a list of paths", read_paths, show_texts}; }

Type<std::vector<std::string>> listen_addresses() {
  auto type = texts("addresses, ADDRESS:PORT", check_listen_address);
  type.read = [read = type.read](const std::string& key, const Value& value,
                                 std::vector<std::string>& slot, Reader& reader) {
    if (value.kind != Value::Kind::text) return read(key, value, slot, reader);
    Value list;
    list.kind = Value::Kind::array;
    list.place = value.place;
    list.items = {value};
    read(key, list, slot, reader);
  };
  return type;
}

Expected<std::string> check_proxy(std::string_view text) {
  constexpr std::string_view xclient = "xclient:";
  const bool by_xclient = text.starts_with(xclient);
  const auto prefix = mail::IpPrefix::parse(text.substr(by_xclient ? xclient.size() : 0));
  if (!prefix) return parse_error("write an address, a network, or xclient:ADDRESS");
  const bool single = prefix->length() == prefix->address().bits();
  return (by_xclient ? std::string(xclient) : "") +
         (single ? prefix->address().text() : prefix->text());
}

Expected<std::string> check_login(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), ascii::is_control)) {
    return parse_error("a login holds no control characters");
  }
  return std::string(text);
}

Expected<std::string> check_mailbox(std::string_view text) {
  const auto mailbox = mail::Mailbox::parse(text);
  if (!mailbox) return parse_error("write one address, as in reports@example.jp");
  return mailbox->text();
}

Expected<std::string> check_delimiter(std::string_view text) {
  if (text.size() == 1 && std::string_view("+-_=.#").find(text) != std::string_view::npos) {
    return std::string(text);
  }
  return parse_error("write one of + - _ = . #");
}

// The tag of a syslog line (RFC 3164 §5.3 has none of these other octets) before its slash.
Expected<std::string> check_tag(std::string_view text) {
  const auto fits = [](char c) { return ascii::is_alnum(c) || c == '_' || c == '-' || c == '.'; };
  constexpr std::size_t longest = 32;
  if (text.size() <= longest && std::all_of(text.begin(), text.end(), fits)) {
    return std::string(text);
  }
  return parse_error("letters, digits, and . _ -, at most 32");
}

Expected<std::string> check_v4(std::string_view text) {
  const auto address = mail::IpAddress::parse(text);
  if (!address || !address->is_v4()) return parse_error("write one IPv4 address of this host");
  return address->text();
}

Expected<std::string> check_v6(std::string_view text) {
  const auto percent = std::min(text.find('%'), text.size());
  const auto address = mail::IpAddress::parse(text.substr(0, percent));
  if (!address || address->is_v4()) return parse_error("write one IPv6 address of this host");
  return address->text() + std::string(text.substr(percent));
}

Type<mail::PrefixSet> prefix_set() {
  const auto list = array_of<mail::PrefixSet::Entry>(
      "addresses and networks, each excluded by a ! before it", parse_network,
      [](const mail::PrefixSet::Entry& each) { return each.text(); });
  return {
      list.expects,
      [list](const std::string& key, const Value& value, mail::PrefixSet& slot, Reader& reader) {
        std::vector<mail::PrefixSet::Entry> entries;
        list.read(key, value, entries, reader);
        slot = {};
        for (const auto& entry : entries) slot.add(entry);
      },
      [list](const mail::PrefixSet& slot) { return list.show(slot.entries()); }};
}

Type<std::vector<std::string>> permit_networks() {
  return texts("addresses and networks, each excluded by a ! before it", check_network);
}

Type<std::vector<std::string>> route_domains() {
  return texts("domains: example.jp, .example.jp (the names below it) or *",
               relay::parse_route_domain);
}

Type<std::vector<mail::IpAddress>> addresses() {
  return array_of<mail::IpAddress>("addresses", mail::IpAddress::parse,
                                   [](const mail::IpAddress& each) { return each.text(); });
}

Type<relay::Via> via() {
  return {
      "lmtp:unix:/PATH, lmtp:HOST:PORT, maildir:/PATH/{domain}/{user}, smtp:[HOST]:PORT, "
      "smtps:[HOST]:PORT, smtp:DOMAIN:PORT, mx or discard",
      [](const std::string& key, const Value& value, relay::Via& slot, Reader& reader) {
        if (!is_text(key, value, reader)) return;
        if (auto read = relay::parse_via(value.text)) {
          slot = std::move(*read);
        } else {
          reader.error(value.place, wrong_value(key, value.text) + read.error().what);
        }
      },
      [](const relay::Via& slot) { return toml_text(relay::text_of(slot)); }};
}

Type<std::optional<relay::Recipients>> recipients_of_route() {
  return {"users, any, ask or file:PATH",
          [](const std::string& key, const Value& value, std::optional<relay::Recipients>& slot,
             Reader& reader) {
            if (!is_text(key, value, reader)) return;
            if (value.text.empty()) return slot.reset();
            auto read = relay::parse_recipients(value.text);
            if (!read) {
              return reader.error(value.place, wrong_value(key, value.text) + read.error().what);
            }
            read->path = relative_to(value.place, read->path);
            slot = std::move(*read);
          },
          [](const std::optional<relay::Recipients>& slot) {
            return toml_text(slot ? relay::text_of(*slot) : std::string());
          }};
}

Type<std::vector<std::chrono::seconds>> durations(std::chrono::milliseconds least,
                                                  std::chrono::milliseconds most) {
  const auto one = duration<std::chrono::seconds>(least, most);
  return {"a list of durations from " + show_duration(least) + " to " + show_duration(most),
          [one](const std::string& key, const Value& value, std::vector<std::chrono::seconds>& slot,
                Reader& reader) {
            if (value.kind != Value::Kind::array || value.items.empty()) {
              return reader.error(value.place, key + " must be a list, as in [\"5m\", \"1h\"]");
            }
            slot.assign(value.items.size(), {});
            for (std::size_t i = 0; i < slot.size(); ++i) {
              one.read(key + "[" + std::to_string(i) + "]", value.items[i], slot[i], reader);
            }
          },
          [one](const std::vector<std::chrono::seconds>& slot) {
            std::vector<std::string> elements;
            elements.reserve(slot.size());
            for (const auto& each : slot) elements.push_back(one.show(each));
            return show_array(elements);
          }};
}

}  // namespace sekisho::config
