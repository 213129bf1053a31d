// config/keys.h: the one table of keys. Parser, example, manual page and dump are made from it; a
// default is what a default-constructed owner holds. Thread: immutable.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/document.h"
#include "config/reader.h"
#include "config/settings.h"
#include "config/values.h"

namespace sekisho::config {

enum class Reload {
  live,     // holds for the next message after a reload
  restart,  // keeps its old value until the daemon is started again
};

// A key's value inside its owner.
template <class Owner>
struct Slot {
  std::string expects;
  std::function<void(const std::string& key, const Value&, Owner&, Reader&)> read;
  std::function<std::string(const Owner&)> show;  // as TOML
};

// Read by the loader itself: it has no place in the settings.
struct IncludeSlot {
  std::string expects = "a list of paths with * and ?";
};

// One per section, in the order of the manual.
struct Section {
  std::string_view name;
  bool repeated = false;  // [[name]]
  std::string_view text;
};

struct KeyRow {
  std::string_view section;  // empty: before the first section
  std::string_view name;
  // Settings: in its [section]. Rules: in its [section], and in a [[policy]] by the name
  // `in_policy`. The others: in each [[milter]], [[dnsbl]] and its like, and [[policy]].
  std::variant<IncludeSlot, Slot<Settings>, Slot<milter::Options>, Slot<DnsListEntry>,
               Slot<policy::Rules>, Slot<policy::RecipientRules>>
      slot;
  Reload reload = Reload::live;
  bool required = false;         // an entry without it is an error
  std::string_view sample = {};  // for the example, where the default says nothing
  std::string_view in_policy = {};
  std::string_view text;  // one paragraph

  std::string path() const;
  std::string expects() const;
  // The default as TOML; empty when the key has none.
  std::string default_value() const;
};

const std::vector<Section>& sections();
const std::vector<KeyRow>& keys();

const Section* find_section(std::string_view name);
// Whether a section holds the lists of a kind: [[dnsbl]], [[rhsbl]], [[dnswl]].
std::optional<client::DnsListKind> list_kind(std::string_view section);

}  // namespace sekisho::config
