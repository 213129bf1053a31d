#include "record/codec.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <zstd.h>
#include <nlohmann/json.hpp>

#include "base/words.h"
#include "record/fields.h"
#include "record/sample.h"

namespace sekisho::record {

namespace {

using nlohmann::json;

// With the dictionary: 2.1 KB for each in half the time of level 1, which makes them 1.7 KB.
constexpr int compression_level = -5;

// Thrown by the reader, caught by decode().
struct Unreadable : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <class T>
T required(Expected<T> read, const std::string& text) {
  if (!read) throw Unreadable("\"" + text + "\": " + read.error().what);
  return std::move(*read);
}

// An enum is written as its word, because the order of the values may change. Versions before 0.2
// wrote these as the number of the value; so these values must keep their numbers as long as such
// records exist.
template <class Enum>
concept OnceANumber = std::same_as<Enum, policy::Edit::Kind> ||
    std::same_as<Enum, session::Outcome::Held> || std::same_as<Enum, session::HoldCode> ||
    std::same_as<Enum, dkim::Canonicalisation> || std::same_as<Enum, dkim::BodyHash::Coverage>;

// --- writing -------------------------------------------------------------------------------------
// Written directly as CBOR (RFC 8949 §3): an intermediate tree would cost as much as all the rest.

// A head: the major type and a number.
void head(std::string& out, unsigned major, std::uint64_t number) {
  if (number < 24) {
    out += static_cast<char>(major << 5U | static_cast<unsigned>(number));
    return;
  }
  // Or how many octets of it follow: 1, 2, 4 or 8.
  unsigned info = 24;
  std::size_t octets = 1;
  while (octets < 8 && number >> (8 * octets) != 0) {
    octets *= 2;
    ++info;
  }
  std::array<char, 9> text{static_cast<char>(major << 5U | info)};
  for (std::size_t i = octets; i > 0; --i, number >>= 8U)
    text[i] = static_cast<char>(number & 0xFF);
  out.append(text.data(), octets + 1);
}

void put(std::string& out, std::string_view text) {
  head(out, 3, text.size());
  out += text;
}
void put(std::string& out, const std::string& text) { put(out, std::string_view(text)); }
void put(std::string& out, bool value) { out += value ? '\xf5' : '\xf4'; }
template <std::integral Number>
void put(std::string& out, Number value) {
  if constexpr (std::is_signed_v<Number>) {
    if (value < 0) return head(out, 1, static_cast<std::uint64_t>(-(value + 1)));
  }
  head(out, 0, static_cast<std::uint64_t>(value));
}
template <Worded Enum>
void put(std::string& out, Enum value) {
  put(out, to_string(value));
}
template <class Rep, class Period>
void put(std::string& out, const std::chrono::duration<Rep, Period>& value) {
  put(out, value.count());
}
void put(std::string& out, const WallTime& time) { put(out, time.time_since_epoch()); }
void put(std::string& out, const mail::IpAddress& address) { put(out, address.text()); }
void put(std::string& out, const mail::DomainName& domain) { put(out, domain.text()); }
void put(std::string& out, const mail::Path& path) { put(out, path.raw()); }
void put(std::string& out, const mail::Mailbox& mailbox) {
  head(out, 4, 2);
  put(out, mailbox.local_part);
  put(out, mailbox.domain.text());
}
void put(std::string& out, const mail::SmtpReply& reply) {
  head(out, 4, 3);
  put(out, reply.code());
  put(out, reply.status());
  put(out, reply.text());
}
void put(std::string& out, const crypto::Sha256Digest& digest) { put(out, digest.view()); }
void put(std::string& out, const std::pair<std::string, std::string>& pair) {
  head(out, 4, 2);
  put(out, pair.first);
  put(out, pair.second);
}
void put(std::string& out, const mail::Header& header);
void put(std::string& out, const dns::Answers& answers);
void put(std::string& out, const session::Refusal& refusal);
template <class T>
void put(std::string& out, const std::optional<T>& value);
template <class T>
void put(std::string& out, const std::vector<T>& values);
template <class T>
requires std::is_class_v<T>
void put(std::string& out, const T& object);

// Members that are not written: empty ones, and those equal to their default, which the reader
// already has in a new object. So a default must not change without a new record_version.
template <class T>
concept Simple = std::is_arithmetic_v<T> || std::is_enum_v<T> || std::same_as<T, std::string> ||
    std::same_as<T, mail::Path>;
template <class T>
bool absent(const T& value, const void* fresh) {
  if constexpr (Simple<T>) {
    return value == *static_cast<const T*>(fresh);
  } else {
    return false;
  }
}
template <class T>
bool absent(const std::optional<T>& value, const void* /*fresh*/) {
  return !value;
}
template <class T>
bool absent(const std::vector<T>& values, const void* /*fresh*/) {
  return values.empty();
}

// A new object with pointers to its members, in the order of members().
template <class T>
class Fresh {
 public:
  static const std::vector<const void*>& places() {
    static const Fresh fresh;
    return fresh.places_;
  }
  template <class Member>
  Fresh& operator()(const char* /*name*/, const Member& member) {
    places_.push_back(&member);
    return *this;
  }
  // Only what is in a set is written, so no comparison is needed.
  template <Worded Enum>
  Fresh& flags(const char* /*prefix*/, const SetOf<Enum>& /*set*/) {
    return *this;
  }

 private:
  Fresh() { members(*this, object_); }
  const T object_{};
  std::vector<const void*> places_;
};

class Writer {
 public:
  Writer(std::string& out, const std::vector<const void*>& fresh)
      : out_(out), fresh_(fresh.begin()) {}
  template <class T>
  Writer& operator()(const char* name, const T& member) {
    if (absent(member, *fresh_++)) return *this;
    put(out_, std::string_view(name));
    put(out_, member);
    return *this;
  }
  template <Worded Enum>
  Writer& flags(const char* prefix, const SetOf<Enum>& set) {
    for (const Enum value : all_values<Enum>()) {
      if (!set.has(value)) continue;
      put(out_, std::string(prefix).append(to_string(value)));
      put(out_, true);
    }
    return *this;
  }

 private:
  std::string& out_;
  std::vector<const void*>::const_iterator fresh_;
};

// A map of indefinite length, because the number of members is not known at its beginning.
constexpr char map_begins = '\xbf';
constexpr char map_ends = '\xff';

template <class T>
void put(std::string& out, const std::optional<T>& value) {
  put(out, *value);
}

template <class T>
void put(std::string& out, const std::vector<T>& values) {
  head(out, 4, values.size());
  for (const auto& value : values) put(out, value);
}

void put(std::string& out, const mail::Header& header) { put(out, header.fields()); }

void put(std::string& out, const dns::Question& question, const dns::AnswerPtr& answer) {
  head(out, 4, 3);
  put(out, question.name.text());
  put(out, question.type);
  put(out, *answer);
}

void put(std::string& out, const dns::Answers& answers) {
  head(out, 4, answers.size());
  for (const auto& [question, answer] : answers.all()) put(out, question, answer);
}

void put(std::string& out, const session::Refusal& refusal) {
  head(out, 4, 2);
  put(out, refusal.check);
  put(out, refusal.question, refusal.answer);
}

template <class T>
requires std::is_class_v<T>
void put(std::string& out, const T& object) {
  out += map_begins;
  Writer writer(out, Fresh<T>::places());
  members(writer, object);
  out += map_ends;
}

// --- reading -------------------------------------------------------------------------------------

void get(const json& from, std::string& to) { to = from.get_ref<const std::string&>(); }
void get(const json& from, bool& to) { to = from.get<bool>(); }
template <std::integral Number>
void get(const json& from, Number& to) {
  to = from.get<Number>();
}
template <Worded Enum>
void get(const json& from, Enum& to) {
  if (OnceANumber<Enum> && from.is_number_unsigned()) {
    const auto number = from.get<std::size_t>();
    if (number >= count_of<Enum>) throw Unreadable("unknown number " + std::to_string(number));
    to = all_values<Enum>()[number];
    return;
  }
  const auto& word = from.get_ref<const std::string&>();
  const auto value = parse_word<Enum>(word);
  if (!value) throw Unreadable("unknown word \"" + word + "\"");
  to = *value;
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
void get(const json& from, mail::Path& to) { to = mail::Path(from.get_ref<const std::string&>()); }
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
  return required(mail::IpAddress::parse_published(text), text);
}
template <>
mail::DomainName made(const json& from) {
  const auto& text = from.get_ref<const std::string&>();
  return required(mail::DomainName::parse(text), text);
}
template <>
mail::Path made(const json& from) {
  return mail::Path(from.get_ref<const std::string&>());
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
  template <Worded Enum>
  Reader& flags(const char* prefix, SetOf<Enum>& set) {
    for (const Enum value : all_values<Enum>()) {
      bool in_set = false;
      (*this)(std::string(prefix).append(to_string(value)).c_str(), in_set);
      if (in_set) set.add(value);
    }
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
  to = T{};  // unwritten members get the defaults of a new object
  Reader reader(from);
  members(reader, to);
}

// --- compression ---------------------------------------------------------------------------------

std::vector<std::uint8_t> unpack(std::string_view octets, std::string_view dictionary) {
  const auto size = ZSTD_getFrameContentSize(octets.data(), octets.size());
  // The two values for "unknown" and "no frame" are larger than any length.
  if (size > max_record_octets)
    throw Unreadable("it is damaged, or was written by a sekisho older than this one");
  std::vector<std::uint8_t> raw(size);
  const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context{ZSTD_createDCtx(),
                                                                     ZSTD_freeDCtx};
  if (!context) throw std::bad_alloc();
  const auto got = ZSTD_decompress_usingDict(context.get(), raw.data(), raw.size(), octets.data(),
                                             octets.size(), dictionary.data(), dictionary.size());
  if (ZSTD_isError(got) != 0 || got != size) throw Unreadable("it is damaged");
  return raw;
}

std::string written(const session::Decided& decided) {
  std::string raw;
  raw.reserve(8192);
  raw += map_begins;
  put(raw, std::string_view("v"));
  put(raw, record_version);
  Writer writer(raw, Fresh<session::Decided>::places());
  members(writer, decided);
  raw += map_ends;
  return raw;
}

}  // namespace

struct Encoder::Stream {
  explicit Stream(std::string_view dictionary) {
    if (!context) throw std::bad_alloc();
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, compression_level);
    ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1);
    ZSTD_CCtx_loadDictionary(context.get(), dictionary.data(), dictionary.size());
  }

  std::string pack(std::string_view raw) {
    std::string out(ZSTD_compressBound(raw.size()), '\0');
    const auto size = ZSTD_compress2(context.get(), out.data(), out.size(), raw.data(), raw.size());
    if (ZSTD_isError(size) != 0) throw std::runtime_error("zstd cannot compress");
    out.resize(size);
    return out;
  }

  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(), ZSTD_freeCCtx};
};

Encoder::Encoder(std::string_view dictionary) : stream_(std::make_unique<Stream>(dictionary)) {}
Encoder::~Encoder() = default;

std::string Encoder::encode(const session::Decided& decided) {
  return stream_->pack(written(decided));
}

std::string make_dictionary() {
  return written(made<session::Decided>(json::parse(sample_decision)));
}

Expected<session::Decided> decode(std::string_view octets, std::string_view dictionary) {
  try {
    const json record = json::from_cbor(unpack(octets, dictionary));
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

}  // namespace sekisho::record
