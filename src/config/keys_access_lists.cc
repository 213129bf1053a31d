#include <algorithm>

#include "config/key_rows.h"

namespace sekisho::config {
namespace {

using Paths = std::vector<std::string>;

void read_paths(const std::string& key, const Value& value, Paths& slot, Reader& reader) {
  Paths paths;
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

std::string show_paths(const Paths& paths) {
  std::vector<std::string> elements;
  for (const auto& path : paths) elements.push_back(toml_text(path));
  return show_array(elements);
}

// Files with a syntax of their own: not those of "file:PATH", which hold the values of a key.
Type<Paths> paths() { return {"a list of paths", read_paths, show_paths}; }

Rows allowlist_keys() {
  return {
      {.name = "files",
       .slot = at<Settings>(
           paths(), [](auto& s) -> auto& { return s.access_files.allowlist; }),
       .text =
           "Files of entries that let mail skip what they name, once it has proven whose it is; "
           "see THE ALLOWLIST AND THE DENYLIST below. They are read again when they change. The "
           "default file need not exist; any other must."},
  };
}

Rows denylist_keys() {
  return {
      {.name = "files",
       .slot = at<Settings>(
           paths(), [](auto& s) -> auto& { return s.access_files.denylist; }),
       .text = "Files of entries whose mail is refused, whether its identity is proven or forged. "
               "Denial comes before the allowlist."},
  };
}

}  // namespace

Section allowlist_section() {
  return {.name = "allowlist",
          .text = "Whose mail may skip a rule, once it is proven to be theirs.",
          .keys = allowlist_keys()};
}

Section denylist_section() {
  return {.name = "denylist", .text = "Whose mail is refused.", .keys = denylist_keys()};
}

}  // namespace sekisho::config
