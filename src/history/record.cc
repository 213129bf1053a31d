#include "history/record.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <zlib.h>
#include <nlohmann/json.hpp>

#include "history/fields.h"

namespace sekisho::history {

namespace {

using nlohmann::json;

// Caught by decode().
struct Unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
T required(Expected<T> read, const std::string& text) {
  if (!read) throw Unreadable("\"" + text + "\": " + read.error().what);
  return std::move(*read);
}

// An enum goes by its word where it has one: the order of the values may change.
template <class Enum>
concept Worded = std::is_enum_v<Enum> && requires(Enum e) {
  to_string(e);
};

// --- writing ---------------------------------------------------------------------------------------

json put(const std::string& text) { return text; }
json put(bool value) { return value; }
template <std::integral Number>
json put(Number value) {
  return value;
}
template <Worded Enum>
json put(Enum value) {
  return std::string(to_string(value));
}
template <class Enum>
requires(std::is_enum_v<Enum> && !Worded<Enum>) json put(Enum value) {
  return static_cast<int>(value);
}
template <class Rep, class Period>
json put(const std::chrono::duration<Rep, Period>& value) {
  return value.count();
}
json put(const WallTime& time) { return time.time_since_epoch().count(); }
json put(const mail::IpAddress& address) { return address.text(); }
json put(const mail::DomainName& domain) { return domain.text(); }
json put(const mail::Mailbox& mailbox) {
  return json::array({mailbox.local_part, mailbox.domain.text()});
}
json put(const mail::SmtpReply& reply) {
  return json::array({reply.code(), reply.status(), reply.text()});
}
json put(const crypto::Sha256Digest& digest) { return std::string(digest.view()); }
json put(const std::pair<std::string, std::string>& pair) {
  return json::array({pair.first, pair.second});
}
json put(const mail::Header& header);
json put(const dns::Answers& answers);
json put(const session::Refusal& refusal);
template <class T>
json put(const std::optional<T>& value);
template <class T>
json put(const std::vector<T>& values);
template <class T>
requires std::is_class_v<T> json put(const T& object);

class Writer {
 public:
  template <class T>
  Writer& operator()(const char* name, const T& member) {
    json value = put(member);
    const bool absent =
        value.is_null() || ((value.is_array() || value.is_string()) && value.empty());
    if (!absent) object_[name] = std::move(value);
    return *this;
  }
  json take() { return std::move(object_); }

 private:
  json object_ = json::object();
};

template <class T>
json put(const std::optional<T>& value) {
  return value ? put(*value) : json();
}

template <class T>
json put(const std::vector<T>& values) {
  json list = json::array();
  for (const auto& value : values) list.push_back(put(value));
  return list;
}

json put(const mail::Header& header) { return put(header.fields()); }

json put(const dns::Question& question, const dns::AnswerPtr& answer) {
  return json::array({question.name.text(), put(question.type), put(*answer)});
}

json put(const dns::Answers& answers) {
  json list = json::array();
  for (const auto& [question, answer] : answers.all()) list.push_back(put(question, answer));
  return list;
}

json put(const session::Refusal& refusal) {
  return json::array({refusal.check, put(refusal.question, refusal.answer)});
}

template <class T>
requires std::is_class_v<T> json put(const T& object) {
  Writer writer;
  members(writer, object);
  return writer.take();
}

// --- reading ---------------------------------------------------------------------------------------

void get(const json& from, std::string& to) { to = from.get_ref<const std::string&>(); }
void get(const json& from, bool& to) { to = from.get<bool>(); }
template <std::integral Number>
void get(const json& from, Number& to) {
  to = from.get<Number>();
}
template <Worded Enum>
void get(const json& from, Enum& to) {
  const auto& word = from.get_ref<const std::string&>();
  // More values than any of them has.
  for (int i = 0; i < 64; ++i) {
    to = static_cast<Enum>(i);
    if (to_string(to) == word) return;
  }
  throw Unreadable("unknown word \"" + word + "\"");
}
void get(const json& from, dns::Type& to) {
  const auto type = dns::parse_type(from.get_ref<const std::string&>());
  if (!type) throw Unreadable("unknown type of a DNS record");
  to = *type;
}
template <class Enum>
requires(std::is_enum_v<Enum> && !Worded<Enum>) void get(const json& from, Enum& to) {
  to = static_cast<Enum>(from.get<int>());
}
template <class Rep, class Period>
void get(const json& from, std::chrono::duration<Rep, Period>& to) {
  to = std::chrono::duration<Rep, Period>(from.get<Rep>());
}
void get(const json& from, WallTime& to) {
  to = WallTime(std::chrono::seconds(from.get<std::int64_t>()));
}
void get(const json& from, crypto::Sha256Digest& to) {
  const auto& octets = from.get_ref<const std::string&>();
  if (octets.size() != to.octets.size()) throw Unreadable("a digest of another length");
  std::copy(octets.begin(), octets.end(), to.octets.begin());
}
void get(const json& from, std::pair<std::string, std::string>& to) {
  get(from.at(0), to.first);
  get(from.at(1), to.second);
}
void get(const json& from, mail::Header& to);
void get(const json& from, dns::Answers& to);
template <class T>
void get(const json& from, std::optional<T>& to);
template <class T>
void get(const json& from, std::vector<T>& to);
template <class T>
requires std::is_class_v<T>
void get(const json& from, T& to);

// A value; those that cannot be empty are made of their text.
template <class T>
T made(const json& from) {
  T value{};
  get(from, value);
  return value;
}
template <>
mail::IpAddress made(const json& from) {
  const auto& text = from.get_ref<const std::string&>();
  return required(mail::IpAddress::parse(text), text);
}
template <>
mail::DomainName made(const json& from) {
  const auto& text = from.get_ref<const std::string&>();
  return required(mail::DomainName::parse(text), text);
}
template <>
mail::Mailbox made(const json& from) {
  return {from.at(0).get<std::string>(), made<mail::DomainName>(from.at(1))};
}
template <>
mail::SmtpReply made(const json& from) {
  return {from.at(0).get<int>(), from.at(1).get<std::string>(), from.at(2).get<std::string>()};
}
template <>
dns::Question made(const json& from) {
  const auto name = dns::Name::from(from.at(0).get_ref<const std::string&>());
  if (!name) throw Unreadable("a question without a name");
  return {*name, made<dns::Type>(from.at(1))};
}
template <>
dns::AnswerPtr made(const json& from) {
  return std::make_shared<const dns::Answer>(made<dns::Answer>(from));
}
template <>
session::Refusal made(const json& from) {
  const auto& answer = from.at(1);
  return {from.at(0).get<std::string>(), made<dns::Question>(answer),
          made<dns::AnswerPtr>(answer.at(2))};
}

class Reader {
 public:
  explicit Reader(const json& object) : object_(object) {}
  template <class T>
  Reader& operator()(const char* name, T& member) {
    const auto found = object_.find(name);
    if (found != object_.end()) get(*found, member);
    return *this;
  }

 private:
  const json& object_;
};

template <class T>
void get(const json& from, std::optional<T>& to) {
  to = made<T>(from);
}

template <class T>
void get(const json& from, std::vector<T>& to) {
  to.clear();
  to.reserve(from.size());
  for (const auto& each : from) to.push_back(made<T>(each));
}

void get(const json& from, mail::Header& to) {
  for (const auto& each : from) to.add(made<mail::HeaderField>(each));
}

void get(const json& from, dns::Answers& to) {
  for (const auto& each : from) {
    to.add(made<dns::Question>(each), made<dns::AnswerPtr>(each.at(2)));
  }
}

template <class T>
requires std::is_class_v<T>
void get(const json& from, T& to) {
  if (!from.is_object()) throw Unreadable("something that should be an object");
  Reader reader(from);
  members(reader, to);
}

// --- compression -----------------------------------------------------------------------------------

std::string pack(const std::vector<std::uint8_t>& raw) {
  uLongf size = compressBound(static_cast<uLong>(raw.size()));
  std::string out(4 + size, '\0');
  for (std::size_t i = 0; i < 4; ++i) out[i] = static_cast<char>(raw.size() >> (24 - 8 * i));
  // The fastest level takes nine tenths of what the best one does.
  if (compress2(reinterpret_cast<Bytef*>(out.data() + 4), &size, raw.data(),
                static_cast<uLong>(raw.size()), Z_BEST_SPEED) != Z_OK) {
    throw std::runtime_error("zlib cannot compress");
  }
  out.resize(4 + size);
  return out;
}

std::vector<std::uint8_t> unpack(std::string_view octets) {
  if (octets.size() < 4) throw Unreadable("it is cut off");
  std::uint32_t size = 0;
  for (std::size_t i = 0; i < 4; ++i) size = size << 8 | static_cast<unsigned char>(octets[i]);
  if (size > max_record_octets) throw Unreadable("its length is none");
  std::vector<std::uint8_t> raw(size);
  uLongf got = size;
  if (uncompress(raw.data(), &got, reinterpret_cast<const Bytef*>(octets.data() + 4),
                 static_cast<uLong>(octets.size() - 4)) != Z_OK ||
      got != size) {
    throw Unreadable("it is damaged");
  }
  return raw;
}

}  // namespace

std::string encode(const session::Decided& decided) {
  json record = put(decided);
  record["v"] = record_version;
  return pack(json::to_cbor(record));
}

Expected<session::Decided> decode(std::string_view octets) {
  try {
    const json record = json::from_cbor(unpack(octets));
    const int version = record.at("v").get<int>();
    if (version > record_version) {
      return parse_error("the record was written by a newer sekisho (format " +
                         std::to_string(version) + "; this one reads up to " +
                         std::to_string(record_version) + ")");
    }
    return made<session::Decided>(record);
  } catch (const std::exception& error) {
    return parse_error(std::string("the record cannot be read: ") + error.what());
  }
}

}  // namespace sekisho::history
