#include "policy/access_file.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/fnv.h"

namespace sekisho::policy {

namespace {

// With more, it is probably the wrong file.
constexpr std::size_t max_findings = 100;
// An address has 320 octets at most, a note 200.
constexpr std::size_t max_line_octets = 1000;
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

// The line up to a `#` that begins it or follows a blank, outside of quotes.
std::string_view without_comment(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (quoted && line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      quoted = !quoted;
    } else if (line[i] == '#' && !quoted && (i == 0 || ascii::is_blank(line[i - 1]))) {
      return line.substr(0, i);
    }
  }
  return line;
}

class FileReader {
 public:
  FileReader(const std::string& path, AccessKind list)
      : list_(list), name_(std::make_shared<const std::string>(path)) {
    file_.path = path;
    file_.present = true;
  }

  void read_line(std::string_view line) {
    ++number_;
    line = ascii::trim(without_comment(line));
    if (line.empty()) return;
    if (line.size() > max_line_octets) return bad("a line of more than 1000 octets");
    auto entry = AccessEntry::parse(line, list_);
    if (!entry) return bad(entry.error().what);
    entry->file = name_;
    entry->line = number_;
    if (auto remark = never_does_anything(*entry); list_ == AccessKind::allow && !remark.empty()) {
      find(false, std::move(remark));
    }
    file_.entries.push_back(std::move(*entry));
  }

  AccessFile finish(std::string_view text) {
    file_.digest = digest_of(text);
    return std::move(file_);
  }

 private:
  void bad(std::string what) {
    ++file_.bad_lines;
    find(true, std::move(what));
  }
  void find(bool bad_line, std::string message) {
    if (file_.findings.size() == max_findings) return;
    file_.findings.push_back({bad_line, file_.path, number_, escape_for_log(message, 200)});
  }

  AccessKind list_;
  std::shared_ptr<const std::string> name_;
  AccessFile file_;
  std::size_t number_ = 0;
};

}  // namespace

std::string AccessFinding::text() const {
  return file + (line == 0 ? "" : ":" + std::to_string(line)) + ": " + message;
}

AccessFile parse_access_file(std::string_view text, const std::string& path, AccessKind list) {
  FileReader reader(path, list);
  std::string_view rest = text;
  if (rest.starts_with(byte_order_mark)) rest.remove_prefix(byte_order_mark.size());
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    reader.read_line(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return reader.finish(text);
}

std::string never_does_anything(const AccessEntry& entry) {
  const bool by_dmarc = entry.proof == Proof::dmarc;
  if (!by_dmarc && entry.proof != Proof::spf) return {};
  AccessEffect left = entry.effect;
  // With dmarc=pass neither the DMARC rule nor the SPF rule acts; with spf=pass the SPF rule does
  // not.
  if (by_dmarc) left.dmarc.reset();
  left.spf.reset();
  if (!left.nothing()) return {};
  const bool two = entry.effect.dmarc && entry.effect.spf;
  const std::string_view options = two ? "dmarc= and spf=" : entry.effect.dmarc ? "dmarc=" : "spf=";
  return entry.identity() + ": " + std::string(options) + (two ? " never do" : " never does") +
         " anything here, for what " + std::string(to_string(entry.proof)) + "=pass proves needs " +
         (two ? "them" : "it") + " not";
}

std::string lets_others_in(IdentityKind kind, std::string_view identity,
                           const AccessEffect& effect) {
  if (!effect.dmarc || *effect.dmarc > Action::tag) return {};
  std::string_view whoever;
  std::string_view proof;
  switch (kind) {
    case IdentityKind::dkim:
      whoever = "has its signature";
      proof = "dkim:SIGNER";
      break;
    case IdentityKind::mfrom:
      whoever = "may send with that MAIL FROM";
      proof = "spf:DOMAIN";
      break;
    case IdentityKind::ptr:
      whoever = "sends from a host of that name";
      proof = "ip:ADDRESS";
      break;
    case IdentityKind::from:
    case IdentityKind::ip:
    case IdentityKind::helo:
      return {};
  }
  return std::string(identity) + " dmarc=" + std::string(to_string(*effect.dmarc)) +
         " lets through whoever " + std::string(whoever) +
         ", under any name in From: (of a provider of bulk mail, every customer); unless it is a "
         "list that many write to, name the author too: from:AUTHOR proof=" +
         std::string(proof) + " dmarc=" + std::string(to_string(*effect.dmarc));
}

std::uint64_t digest_of(std::string_view text) { return Fnv().add(text).value(); }

}  // namespace sekisho::policy
