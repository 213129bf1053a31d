#include "config/reader.h"

#include <algorithm>
#include <filesystem>

#include "base/ascii.h"
#include "base/read_file.h"
#include "client/options.h"

namespace sekisho::config {
namespace {

// A file of 30,000 domains is 600 KB; a larger file is not a configuration.
constexpr std::size_t max_file_octets = std::size_t{1024} * 1024;
constexpr std::string_view file_prefix = "file:";

bool names_file(std::string_view text) { return text.starts_with(file_prefix); }

}  // namespace

void Reader::error(const Place& place, const std::string& message) {
  findings.push_back({Finding::Level::error, place, client::without_keys(message)});
}

void Reader::warning(const Place& place, const std::string& message) {
  findings.push_back({Finding::Level::warning, place, client::without_keys(message)});
}

Expected<std::string> Reader::read_file(const std::string& path) {
  auto text = sekisho::read_file(path, max_file_octets);
  if (!text) {
    return parse_error(text.error().code == FileError::Code::failed
                           ? "cannot be opened: check that the daemon's user may read it"
                           : text.error().what);
  }
  if (std::find(files.begin(), files.end(), path) == files.end()) files.push_back(path);
  return std::move(*text);
}

std::vector<Item> Reader::read_value_file(const Item& reference) {
  std::vector<Item> out;
  if (skip_value_files) return out;
  const std::string path =
      relative_to(reference.place, std::string_view(reference.text).substr(file_prefix.size()));
  const auto text = read_file(path);
  if (!text) {
    error(reference.place, path + ": " + text.error().what);
    return out;
  }
  std::size_t number = 0;
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    std::string_view line(text->data() + at, end - at);
    at = end + 1;
    ++number;
    line = ascii::trim(line.substr(0, line.find('#')));
    if (!line.empty()) out.push_back({std::string(line), {path, number, 1}});
  }
  return out;
}

std::vector<Item> Reader::items(const std::string& key, const Value& value) {
  std::vector<Item> out;
  const auto add = [&](const Value& element) {
    const Item item{element.text, element.place};
    if (!names_file(item.text)) return out.push_back(item);
    for (Item& line : read_value_file(item)) out.push_back(std::move(line));
  };
  if (value.kind == Value::Kind::text && names_file(value.text)) {
    add(value);
    return out;
  }
  if (value.kind != Value::Kind::array) {
    error(value.place, key + " must be a list, [\"…\"], or \"file:PATH\", not " +
                           std::string(describe(value.kind)));
    return out;
  }
  for (const Value& element : value.items) {
    if (element.kind == Value::Kind::text) {
      add(element);
    } else {
      error(element.place,
            key + " must be a list of strings, and this is " + std::string(describe(element.kind)));
    }
  }
  return out;
}

Place Reader::place_of(const std::string& key) const {
  const auto found = places_.find(key);
  return found == places_.end() ? Place{} : found->second;
}

std::string relative_to(const Place& place, std::string_view path) {
  if (path.empty()) return {};
  return (std::filesystem::path(place.file).parent_path() / path).lexically_normal().string();
}

}  // namespace sekisho::config
