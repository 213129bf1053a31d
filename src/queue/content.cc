#include "queue/content.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "mail/received.h"
#include "quarantine/resend.h"

namespace sekisho::queue {

namespace {

// More than any header that the front accepts.
constexpr std::uint64_t header_octets = 8ULL * 1024 * 1024;
constexpr std::size_t piece = 64 * 1024;

// The header with the empty line behind it; all that was read if there is none.
Expected<std::string, std::string> read_header(const spool::MessageFile& file) {
  std::string text;
  while (text.size() < std::min(file.size(), header_octets)) {
    const auto more = file.read(text.size(), piece);
    if (!more) return tl::unexpected(more.error().why);
    if (more->empty()) break;
    const std::size_t from = text.size() < 3 ? 0 : text.size() - 3;
    text += *more;
    if (text.starts_with("\r\n")) return text.substr(0, 2);
    const auto end = text.find("\r\n\r\n", from);
    if (end != std::string::npos) return text.substr(0, end + 4);
  }
  return text;
}

class FileContent final : public relay::Content {
 public:
  FileContent(spool::MessageFile file, std::string header, std::uint64_t body)
      : file_(std::move(file)), header_(std::move(header)), body_(body) {}

  std::uint64_t size() const override { return header_.size() + file_.size() - body_; }

  Expected<std::string, std::string> read(std::uint64_t offset, std::size_t count) override {
    std::string octets;
    if (offset < header_.size()) octets = header_.substr(static_cast<std::size_t>(offset), count);
    if (octets.size() == count) return octets;
    const auto from = offset + octets.size() - header_.size();
    auto rest = file_.read(body_ + from, count - octets.size());
    if (!rest) return tl::unexpected(rest.error().why);
    return octets + *rest;
  }

 private:
  spool::MessageFile file_;
  std::string header_;  // as it leaves, with the empty line
  std::uint64_t body_;  // where the body begins in the file
};

}  // namespace

std::string top_of(const std::vector<policy::Edit>& edits, std::string top) {
  for (const auto& edit : edits) {
    if (edit.kind != policy::Edit::Kind::insert) continue;
    std::string field = edit.name + ":";
    if (!edit.value.starts_with(' ')) field += ' ';
    top.insert(0, field + edit.value + "\r\n");
  }
  return top;
}

std::vector<policy::Edit> removals_of(const std::vector<policy::Edit>& edits) {
  std::vector<policy::Edit> removals;
  for (const auto& edit : edits) {
    if (edit.kind == policy::Edit::Kind::remove) removals.push_back(edit);
  }
  return removals;
}

Expected<std::unique_ptr<relay::Content>, std::string> open_content(
    spool::MessageFile file, const Letter& letter, const std::optional<LocalSender>& local) {
  auto header = read_header(file);
  if (!header) return tl::unexpected(header.error());
  const std::uint64_t body = header->size();
  std::string text = letter.top + quarantine::without_fields(*header, letter.removals);
  if (local) text = header_as_it_leaves(text, *local);
  return std::make_unique<FileContent>(std::move(file), std::move(text), body);
}

Expected<std::string, std::string> header_of(const spool::MessageFile& file, const Letter& letter,
                                             std::size_t most) {
  auto header = read_header(file);
  if (!header) return header;
  std::string text = letter.top + quarantine::without_fields(*header, letter.removals);
  if (text.ends_with("\r\n\r\n")) text.resize(text.size() - 2);
  if (text.size() <= most) return text;
  // A fold belongs to its field.
  auto end = text.rfind("\r\n", most);
  while (end != std::string::npos && end > 0 && (text[end + 2] == ' ' || text[end + 2] == '\t'))
    end = text.rfind("\r\n", end - 1);
  text.resize(end == std::string::npos ? 0 : end + 2);
  return text;
}

void remove_own_received(const spool::MessageFile& file, std::string_view hostname,
                         Letter& letter) {
  const auto header = read_header(file);
  if (!header) return;
  std::size_t index = 0;
  std::string_view rest = *header;
  for (auto field = quarantine::take_field(rest); !field.empty();
       field = quarantine::take_field(rest)) {
    const auto colon = field.find(':');
    if (colon == std::string_view::npos) continue;
    if (!ascii::iequals(ascii::trim(field.substr(0, colon)), "Received")) continue;
    ++index;
    const auto read = mail::parse_received(field.substr(colon + 1));
    if (!read || !ascii::iequals(read->by, hostname)) continue;
    policy::Edit removal{policy::Edit::Kind::remove, "Received", "", index};
    auto& all = letter.removals;
    if (std::find(all.begin(), all.end(), removal) == all.end()) all.push_back(std::move(removal));
  }
}

}  // namespace sekisho::queue
