#include "dmarc/record.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/ascii.h"

namespace sekisho::dmarc {

namespace {

// At most this many URIs of one list are kept. RFC 7489 §6.2 asks for at least two. Real records
// have one to five, and a longer list only multiplies the reports that a stranger's record makes us
// send.
constexpr std::size_t max_uris = 20;

std::string_view trim_wsp(std::string_view text) {
  while (!text.empty() && ascii::is_wsp(text.front())) text.remove_prefix(1);
  while (!text.empty() && ascii::is_wsp(text.back())) text.remove_suffix(1);
  return text;
}

// Cuts `text` at its first `separator` and returns what stood before it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::size_t end = text.find(separator);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

// dmarc-value, and TAB beside it: dmarc-urilist allows WSP around its commas.
bool is_value(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return c == '\t' || (!ascii::is_control(c) && static_cast<unsigned char>(c) < 0x7f);
  });
}

// A registered tag as it is in the record.
struct Tag {
  std::string_view name;
  std::string_view value = {};
  bool present = false;
  bool valid = false;
};

// The registered tags (RFC 9989 §9.3) that evaluation reads, and `pct` of RFC 7489.
class Tags {
 public:
  void add(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return;
    const std::string_view name = trim_wsp(text.substr(0, equals));
    const std::string_view value = trim_wsp(text.substr(equals + 1));
    for (Tag& tag : tags_) {
      if (!ascii::iequals(tag.name, name)) continue;
      // A tag that occurs twice makes a DKIM tag list invalid (RFC 6376 §3.2), and RFC 9989 §4.8
      // discards invalid syntax. So neither value counts; otherwise the order would decide which
      // policy applies.
      tag.valid = !tag.present && is_value(value);
      tag.present = true;
      tag.value = value;
    }
  }

  const Tag& operator[](std::string_view name) const {
    return *std::find_if(tags_.begin(), tags_.end(),
                         [&](const Tag& tag) { return tag.name == name; });
  }

  // The value in lower case, if the tag is present and valid: literals in the ABNF ignore case.
  std::optional<std::string> keyword(std::string_view name) const {
    const Tag& tag = (*this)[name];
    if (!tag.valid) return std::nullopt;
    return ascii::lower(tag.value);
  }

 private:
  std::array<Tag, 11> tags_{{{.name = "p"},
                             {.name = "sp"},
                             {.name = "np"},
                             {.name = "adkim"},
                             {.name = "aspf"},
                             {.name = "fo"},
                             {.name = "t"},
                             {.name = "psd"},
                             {.name = "rua"},
                             {.name = "ruf"},
                             {.name = "pct"}}};
};

std::optional<Policy> to_policy(const std::optional<std::string>& word) {
  if (word == "none") return Policy::none;
  if (word == "quarantine") return Policy::quarantine;
  if (word == "reject") return Policy::reject;
  return std::nullopt;
}

// obs-dmarc-report-size = "!" 1*DIGIT [ "k" / "m" / "g" / "t" ]
bool is_report_size(std::string_view text) {
  if (!text.empty() &&
      std::string_view("kmgt").find(ascii::to_lower(text.back())) != std::string_view::npos) {
    text.remove_suffix(1);
  }
  return !text.empty() && std::all_of(text.begin(), text.end(), ascii::is_digit);
}

// A URI by RFC 3986 §2 and §3.1: a scheme, and only characters that stand in URIs. `!` must be
// encoded in a dmarc-uri.
bool is_uri(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const std::string_view scheme = text.substr(0, colon);
  if (!ascii::is_alpha(scheme.front())) return false;
  const auto in_scheme = [](char c) {
    return ascii::is_alnum(c) || c == '+' || c == '-' || c == '.';
  };
  if (!std::all_of(scheme.begin(), scheme.end(), in_scheme)) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return ascii::is_alnum(c) ||
           std::string_view("-._~:/?#[]@$&'()*+=%").find(c) != std::string_view::npos;
  });
}

// dmarc-urilist, the valid ones of it, without their obsolete size limits.
std::vector<std::string> parse_uris(const Tag& tag) {
  std::vector<std::string> uris;
  std::string_view rest = tag.valid ? tag.value : std::string_view();
  while (!rest.empty() && uris.size() < max_uris) {
    std::string_view uri = trim_wsp(take_until(rest, ','));
    const std::size_t limit = uri.find('!');
    if (limit != std::string_view::npos) {
      if (!is_report_size(uri.substr(limit + 1))) continue;
      uri = uri.substr(0, limit);
    }
    if (is_uri(uri)) uris.emplace_back(uri);
  }
  return uris;
}

// dmarc-fo: each of 0, 1, d, s at most once, and not 0 with 1 (RFC 9989 §4.7); else the default.
std::string parse_fo(const Tags& tags) {
  const auto value = tags.keyword("fo");
  if (!value || !tags["ruf"].present) return "0";
  std::string seen;
  std::string_view rest = *value;
  while (!rest.empty()) {
    const std::string_view option = trim_wsp(take_until(rest, ':'));
    if (option.size() != 1 || std::string_view("01ds").find(option[0]) == std::string_view::npos)
      return "0";
    if (seen.find(option[0]) != std::string::npos) return "0";
    if (!seen.empty()) seen += ':';
    seen += option;
  }
  const bool both = seen.find('0') != std::string::npos && seen.find('1') != std::string::npos;
  return both || seen.empty() ? "0" : seen;
}

unsigned parse_pct(const Tag& tag) {
  if (!tag.valid || tag.value.size() > 3 ||
      !std::all_of(tag.value.begin(), tag.value.end(), ascii::is_digit)) {
    return 100;
  }
  unsigned pct = 0;
  for (const char digit : tag.value) pct = pct * 10 + static_cast<unsigned>(digit - '0');
  return std::min(pct, 100U);
}

// RFC 9989 §4.10.1: without a valid p, or with an sp or np that is not valid, the record counts as
// p=none if it has a valid address for reports; otherwise DMARC is not applied.
void read_policies(const Tags& tags, Record& record) {
  Published& published = record.published;
  const auto p = to_policy(tags.keyword("p"));
  published.sp = to_policy(tags.keyword("sp"));
  published.np = to_policy(tags.keyword("np"));
  if (!p) {
    record.defect = tags["p"].present ? "p is not valid" : "p is missing";
  } else if (tags["sp"].present && !published.sp) {
    record.defect = "sp is not valid";
  } else if (tags["np"].present && !published.np) {
    record.defect = "np is not valid";
  } else {
    published.p = *p;
    return;
  }
  published.p = Policy::none;
  published.sp.reset();
  published.np.reset();
  record.usable = !published.rua.empty();
}

bool is_version(std::string_view tag) {
  const std::size_t equals = tag.find('=');
  if (equals == std::string_view::npos || tag.empty() || ascii::is_wsp(tag.front())) return false;
  // "v" is an ABNF literal, which ignores case; "DMARC1" is %s, which does not.
  return ascii::iequals(trim_wsp(tag.substr(0, equals)), "v") &&
         trim_wsp(tag.substr(equals + 1)) == "DMARC1";
}

}  // namespace

Expected<Record> parse_record(std::string_view text) {
  std::string_view rest = text;
  if (!is_version(take_until(rest, ';')))
    return parse_error("the record does not start with v=DMARC1");

  Tags tags;
  while (!rest.empty()) tags.add(take_until(rest, ';'));

  Record record;
  Published& published = record.published;
  published.adkim_strict = tags.keyword("adkim") == "s";
  published.aspf_strict = tags.keyword("aspf") == "s";
  published.testing = tags.keyword("t") == "y";
  const auto psd = tags.keyword("psd");
  published.psd = psd == "y" ? Psd::yes : psd == "n" ? Psd::no : Psd::unknown;
  published.rua = parse_uris(tags["rua"]);
  published.ruf = parse_uris(tags["ruf"]);
  published.fo = parse_fo(tags);
  record.pct = parse_pct(tags["pct"]);
  read_policies(tags, record);
  return record;
}

}  // namespace sekisho::dmarc
