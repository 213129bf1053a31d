#include "config/reader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/ascii.h"
#include "client/options.h"

namespace sekisho::config {
namespace {

// A list of 30,000 domains is 600 KB; what is larger is no configuration.
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
  std::error_code failure;
  const auto status = std::filesystem::status(path, failure);
  if (!std::filesystem::exists(status)) {
    return parse_error(failure ? failure.message() : "no such file");
  }
  // A pipe or device could make the start wait for ever.
  if (!std::filesystem::is_regular_file(status)) return parse_error("not a regular file");
  std::ifstream in(path, std::ios::binary);
  if (!in) return parse_error("cannot be opened: check that the daemon's user may read it");
  std::string text(max_file_octets + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return parse_error("cannot be read");
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > max_file_octets) return parse_error("larger than 1 MB");
  if (std::find(files.begin(), files.end(), path) == files.end()) files.push_back(path);
  return text;
}

std::vector<Item> Reader::read_list_file(const Item& reference) {
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
    for (Item& line : read_list_file(item)) out.push_back(std::move(line));
  };
  if (value.kind == Value::Kind::text && names_file(value.text)) {
    add(value);
    return out;
  }
  if (value.kind != Value::Kind::list) {
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
