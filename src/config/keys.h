// config/keys.h: the one table of keys. Parser, example, manual page, dump, reload and what-if use
// it; a default is the value in a default-constructed owner.
// Thread: immutable.
#pragma once

#include <any>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/document.h"
#include "config/reader.h"
#include "config/settings.h"

namespace sekisho::config {

enum class Reload {
  live,     // takes effect at the next message after a reload
  restart,  // keeps its old value until a restart
};

// A key's value inside its owner.
template <class Owner>
struct Slot {
  std::string expects;             // completes "must be …": "a whole number from 1 to 50"
  std::vector<std::string> words;  // all values, if they are words
  std::function<void(const std::string& key, const Value&, Owner&, Reader&)> read;
  std::function<std::string(const Owner&)> show;  // as TOML
  std::function<void(const Owner& from, Owner& to)> copy;

  explicit operator bool() const { return read != nullptr; }
};

// Sets a key that is one of some words.
template <class Owner>
void set_word(const Slot<Owner>& slot, std::string_view word, Owner& owner) {
  Value value;
  value.text = word;
  Reader reader;
  slot.read({}, value, owner, reader);
}

// An entry of a [[section]]; only the section and its keys know the type.
using AnyEntry = std::any;

struct KeyRow {
  std::string_view name;
  // Where the value is. A key of a [section] has `slot`, and `rule` besides when it may stand in a
  // [[policy]] too; a key of a [[section]] has `entry`.
  Slot<Settings> slot = {};
  Slot<policy::Rules> rule = {};
  Slot<AnyEntry> entry = {};
  // The entries of a [[section]] are matched after a change by their keys that need a restart.
  Reload reload = Reload::live;
  bool required = false;         // an entry without it is an error
  bool in_example = false;       // set in the example, not commented out
  std::string_view sample = {};  // the value in the example, if the default is not useful
  std::string_view in_policy = {};
  std::string_view text = {};     // one paragraph
  std::string_view section = {};  // empty: before the first section

  std::string path() const;
  std::string expects() const;
  // The default as TOML; empty if the key is required.
  std::string default_value() const;
};

using Rows = std::vector<KeyRow>;

// How the entries of a [[section]] are kept in the settings.
struct Repeated {
  std::function<AnyEntry(const Settings&)> make;  // one without a key
  std::function<void(Settings&, AnyEntry)> add;
  std::function<std::vector<AnyEntry>(const Settings&)> all;
  std::function<void(Settings&)> clear;
  // For entries with rules of their own: makes a rule a key of the entry. Such entries start from
  // the rules for everybody, and are read after them.
  std::function<Slot<AnyEntry>(const Slot<policy::Rules>&)> rule = {};
  Rows rules = {};  // made by `rule` from all rules, each by its name `in_policy`
};

struct Section {
  std::string_view name;
  std::string_view text;
  Rows keys;
  std::optional<Repeated> repeated = {};  // [[name]]
  // Checks across keys that are each valid.
  void (*check)(const Settings&, Reader&) = nullptr;

  const KeyRow* find(std::string_view key) const;
  // All keys of the section.
  std::vector<std::string> key_names() const;
  bool needs_restart() const;  // whether one of its keys does
};

// In the order of the manual.
const std::vector<Section>& sections();
// The keys before the first section, then those of all sections.
const Rows& keys();

const Section* find_section(std::string_view name);
const KeyRow* find_key(std::string_view path);  // "spf.fail"

}  // namespace sekisho::config
