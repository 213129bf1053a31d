#include "bench/load/corpus.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace sekisho::bench {
namespace {

namespace fs = std::filesystem;

std::string read_whole(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

void set_envelope(Envelope& envelope, const std::string& key, const std::string& value,
                  const fs::path& path) {
  if (key == "client") {
    envelope.client = value;
  } else if (key == "name") {
    envelope.client_name = value;
  } else if (key == "helo") {
    envelope.helo = value;
  } else if (key == "from") {
    envelope.from = value;
  } else if (key == "rcpt") {
    envelope.rcpt.push_back(value);
  } else if (key == "group") {
    envelope.group = value;
  } else if (key == "expect") {
    envelope.expect = value;
  } else {
    throw std::runtime_error(path.string() + ": unknown key " + key);
  }
}

Envelope read_envelope(const fs::path& path) {
  Envelope envelope;
  std::ifstream in(path);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  for (std::string line; std::getline(in, line);) {
    const auto equals = line.find('=');
    if (line.empty() || line[0] == '#' || equals == std::string::npos) continue;
    set_envelope(envelope, line.substr(0, equals), line.substr(equals + 1), path);
  }
  if (envelope.rcpt.empty()) envelope.rcpt.emplace_back("user@example.jp");
  return envelope;
}

// One field's lines end in CRLF; MTAs hand folds over with a bare LF and no final line end.
Field split_field(const std::string& file, const std::string& lines) {
  const auto colon = lines.find(':');
  if (colon == std::string::npos) throw std::runtime_error(file + ": not a header field: " + lines);
  Field field{lines.substr(0, colon), lines.substr(colon + 1)};
  std::erase(field.value, '\r');
  while (!field.value.empty() && field.value.back() == '\n') field.value.pop_back();
  return field;
}

}  // namespace

Message parse_message(const std::string& file, const std::string& text) {
  Message message;
  message.file = file;
  std::size_t at = 0;
  std::string field;
  while (at < text.size()) {
    const auto end = text.find("\r\n", at);
    const std::size_t next = end == std::string::npos ? text.size() : end + 2;
    const bool folded = text[at] == ' ' || text[at] == '\t';
    if (!folded && !field.empty()) {
      message.header.push_back(split_field(file, field));
      field.clear();
    }
    if (end == at) {
      at = next;
      break;
    }
    field.append(text, at, next - at);
    at = next;
  }
  if (!field.empty()) message.header.push_back(split_field(file, field));
  message.body = text.substr(at);
  return message;
}

std::vector<Message> read_corpus(const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".eml") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  if (files.empty()) throw std::runtime_error("no *.eml in " + folder);
  std::vector<Message> corpus;
  corpus.reserve(files.size());
  for (const auto& path : files) {
    Message message = parse_message(path.filename().string(), read_whole(path));
    message.envelope = read_envelope(fs::path(path).replace_extension(".env"));
    corpus.push_back(std::move(message));
  }
  return corpus;
}

}  // namespace sekisho::bench
