// config/reader.h: the state while a configuration is read: findings, the places of keys, the files
// that were read. Files are regular ones of at most 1 MB.
// Errors: findings; never throws. Thread: one owner.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config/document.h"
#include "config/finding.h"

namespace sekisho::config {

// A text with its place: an element of an array, or a line of a file of values.
struct Item {
  std::string text;
  Place place;
};

class Reader {
 public:
  // A message never has an access key, wherever the zone with the key was written.
  void error(const Place& place, const std::string& message);
  void warning(const Place& place, const std::string& message);

  // The contents; a ParseError if the file cannot be read.
  Expected<std::string> read_file(const std::string& path);
  // The lines of the file of "file:PATH" without comments and empty ones.
  std::vector<Item> read_value_file(const Item& reference);
  // An array of texts with every "file:PATH", the whole value or an element, replaced by its lines.
  std::vector<Item> items(const std::string& key, const Value& value);

  // Notes the place of a key ("milter[0].socket") or of an element ("policy[0].to[2]"), for checks
  // across keys.
  void remember(const std::string& key, const Place& place) { places_[key] = place; }
  Place place_of(const std::string& key) const;
  const std::map<std::string, Place>& places() const { return places_; }
  bool given(const std::string& key) const { return places_.contains(key); }

  std::vector<Finding> findings;
  std::vector<std::string> files;
  bool skip_value_files = false;  // each "file:PATH" counts as empty

 private:
  std::map<std::string, Place> places_;
};

// A path of a file: relative ones start from the folder of that file.
std::string relative_to(const Place& place, std::string_view path);

}  // namespace sekisho::config
