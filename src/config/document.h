// config/document.h: TOML text as a tree of plain values, each with its place. TOML v1.0.0; the
// only file that includes toml++ is document.cc.
// Errors: findings with line and column; never throws. Thread: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/finding.h"

namespace sekisho::config {

struct Entry;

struct Value {
  enum class Kind { text, integer, real, boolean, time, array, table };
  Kind kind = Kind::text;
  std::string text;
  std::int64_t integer = 0;
  bool boolean = false;
  std::vector<Value> items;    // array
  std::vector<Entry> entries;  // table, in the order of the file
  Place place;

  // The value of a key of a table; nullptr if there is none.
  const Value* find(std::string_view key) const;
};

struct Entry {
  std::string key;
  Place place;  // of the key
  Value value;
};

// "a string", "a list": for messages.
std::string_view describe(Value::Kind kind);

// The tree of one file; `name` is its name in findings. The root is a table.
Expected<Value, std::vector<Finding>> parse_document(std::string_view text,
                                                     const std::string& name);

// Text as a TOML basic string, with its quotes.
std::string toml_text(std::string_view text);

}  // namespace sekisho::config
