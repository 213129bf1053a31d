// [lists], [[dnsbl]], [[rhsbl]], [[dnswl]]. The zone of a list may hold an access key: no finding
// quotes it.
#include <sys/stat.h>

#include <algorithm>

#include "base/ascii.h"
#include "config/checks.h"
#include "config/key_rows.h"

namespace sekisho::config {

using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

using client::DnsKindSet;
using client::DnsListDefinition;
using client::DnsListKind;
using client::DnsListOn;
using client::DnsListZone;

std::string zone_text(const DnsListZone& list) {
  const std::string codes = list.codes.text();
  return client::without_key(list.zone) + (codes.empty() ? "" : "=" + codes);
}

constexpr const char* both = ": there is a list and a list_file: remove one of them";

void read_zone(const std::string& key, std::string_view text, const Place& place,
               DnsListDefinition& slot, Reader& reader) {
  auto zone = DnsListZone::parse(text);
  if (zone) {
    slot.list = std::move(*zone);
  } else {
    reader.error(place, key + ": " + zone.error().what + " (character " +
                            std::to_string(zone.error().at + 1) + ")");
  }
}

Type<DnsListDefinition> list_zone() {
  return {"a zone, and the codes that count, in Postfix's notation",
          [](const std::string& key, const Value& value, DnsListDefinition& slot, Reader& reader) {
            if (value.kind != Value::Kind::text) {
              reader.error(value.place,
                           key + " must be a string, not " + std::string(describe(value.kind)));
            } else if (!value.text.empty() && !slot.file.empty()) {
              reader.error(value.place, key + both);
            } else if (!value.text.empty()) {
              read_zone(key, value.text, value.place, slot, reader);
            }
          },
          [](const DnsListDefinition& slot) {
            const bool hidden = !slot.file.empty() || slot.list.zone.empty();
            return toml_text(hidden ? std::string() : zone_text(slot.list));
          }};
}

// Whether the text may be a zone where a file name is expected; its key need not look like one.
bool may_be_zone(std::string_view text) {
  return text.find('/') == std::string_view::npos &&
         (text.find('=') != std::string_view::npos ||
          std::count(text.begin(), text.end(), '.') > 1);
}

// One line of the file, comments and empty ones apart.
void read_zone_file(const std::string& key, const Value& value, DnsListDefinition& slot,
                    Reader& reader) {
  if (reader.skip_value_files) return;
  const std::size_t findings = reader.findings.size();
  const auto lines = reader.read_value_file({"file:" + value.text, value.place});
  if (reader.findings.size() > findings && may_be_zone(value.text)) {
    reader.findings.resize(findings);
    reader.error(value.place,
                 key +
                     ": there is no such file that can be read, and what is written here "
                     "is not repeated, for it may be a zone: write the path of a file "
                     "that holds it");
  } else if (lines.size() == 1) {
    read_zone(key, lines.front().text, lines.front().place, slot, reader);
  } else if (reader.findings.size() == findings) {
    reader.error(value.place, key + ": " + slot.file + " must hold one line: the list");
  }
  struct stat file {};
  if (::stat(slot.file.c_str(), &file) == 0 && (file.st_mode & S_IROTH) != 0) {
    reader.warning(value.place, key + ": every local user may read " + slot.file +
                                    ": chmod o-r it, and give it the daemon's group");
  }
}

Type<DnsListDefinition> list_file() {
  const auto as_path = path();
  return {as_path.expects,
          [read = as_path.read](const std::string& key, const Value& value, DnsListDefinition& slot,
                                Reader& reader) {
            read(key, value, slot.file, reader);
            if (slot.file.empty()) return;
            if (!slot.list.zone.empty()) {
              reader.error(value.place, key + both);
            } else {
              read_zone_file(key, value, slot, reader);
            }
          },
          [](const DnsListDefinition& slot) { return toml_text(slot.file); }};
}

Expected<std::string> check_list_name(std::string_view text) {
  const auto fits = [](char c) { return ascii::is_alnum(c) || c == '_' || c == '-' || c == '.'; };
  if (text.size() > 64 || !std::all_of(text.begin(), text.end(), fits)) {
    return parse_error("a name has letters, digits, dots, hyphens and underscores, 64 at most");
  }
  return std::string(text);
}

// A kind of domain that a list of domains may be asked about.
Expected<DnsListOn> parse_on(std::string_view text) {
  const auto on = parse_word<DnsListOn>(text);
  if (on && *on != DnsListOn::client) return *on;
  return parse_error("write helo, sender, client_name, from or dkim");
}

Expected<DnsListKind> parse_skip(std::string_view text) {
  const auto kind = parse_word<DnsListKind>(text);
  if (kind && !vouches(*kind)) return *kind;
  return parse_error("write " + joined_words(client::accusing_kinds(), " or "));
}

Type<DnsKindSet> skipped_kinds() {
  const auto kinds =
      array_of<DnsListKind>(joined_words(client::accusing_kinds(), " and "), parse_skip,
                            [](const DnsListKind& kind) { return std::string(to_string(kind)); });
  return {kinds.expects,
          [read = kinds.read](const std::string& key, const Value& value, DnsKindSet& slot,
                              Reader& reader) {
            std::vector<DnsListKind> read_kinds;
            read(key, value, read_kinds, reader);
            slot = {};
            for (const DnsListKind kind : read_kinds) slot.add(kind);
          },
          [show = kinds.show](const DnsKindSet& slot) {
            std::vector<DnsListKind> shown;
            for (const DnsListKind kind : all_values<DnsListKind>()) {
              if (slot.has(kind)) shown.push_back(kind);
            }
            return show(shown);
          }};
}

// --- the rows ------------------------------------------------------------------------------------

KeyRow name_row(std::string_view sample) {
  return {.name = "name",
          .entry = in_entry<DnsListEntry>(
              text("a name of letters, digits, dots, hyphens and underscores", check_list_name),
              [](auto& e) -> auto& { return e.definition.name; }),
          .sample = sample,
          .text =
              "What replies, logs and counters call the list. Empty: its zone; a list whose "
              "zone holds an access key needs a name, for the zone is never shown then."};
}

KeyRow list_row(std::string_view sample) {
  return {.name = "list",
          .entry = in_entry<DnsListEntry>(
              list_zone(), [](auto& e) -> auto& { return e.definition; }),
          .sample = sample,
          .text =
              "The zone, and which answers count, as Postfix writes it: a number or a range in "
              "brackets for each octet, several with semicolons, \"zone=127.0.0.[2;4..11]\". "
              "Without codes all of 127.0.0.0/8 count. Error codes (127.255.255.0/24) and "
              "answers outside 127.0.0.0/8 never count: they disable the list. Required, "
              "unless there is a list_file."};
}

KeyRow list_file_row() {
  return {.name = "list_file",
          .entry = in_entry<DnsListEntry>(
              list_file(), [](auto& e) -> auto& { return e.definition; }),
          .text =
              "A file with one line, the same as list would hold: for a zone with an access "
              "key (Spamhaus DQS), which the configuration should not tell. Its mode should be "
              "0640, its group the daemon's."};
}

KeyRow action_row() {
  return {.name = "action",
          .entry = in_entry<DnsListEntry>(
              choice<policy::OnListed>(), [](auto& e) -> auto& { return e.rule.action; }),
          .text =
              "What a hit leads to. reject and tempfail are said at RCPT if the list has "
              "answered by then, else after the message. tempfail ends with dmarc.defer_for: after "
              "that a hit quarantines. log: nothing but the record."};
}

KeyRow weight_row(std::string_view paragraph) {
  return {.name = "weight",
          .entry = in_entry<DnsListEntry>(
              number<int>(1, 100), [](auto& e) -> auto& { return e.rule.weight; }),
          .text = paragraph};
}

constexpr std::string_view weight_of_hit =
    "What a hit adds to the sum that lists.threshold is compared with. Of no effect while that is "
    "0.";

KeyRow monitor_row(std::string_view paragraph) {
  return {.name = "monitor",
          .entry = in_entry<DnsListEntry>(
              boolean(), [](auto& e) -> auto& { return e.rule.monitor; }),
          .text = paragraph};
}

constexpr std::string_view monitor_of_hit =
    "Decide and log by this list, and do not apply it: Postfix's warn_if_reject. A hit then "
    "neither "
    "counts for the threshold nor as evidence.";

KeyRow self_test_row() {
  return {.name = "self_test",
          .entry = in_entry<DnsListEntry>(
              boolean(), [](auto& e) -> auto& { return e.definition.self_test; }),
          .text =
              "The list must hold its test entry: 127.0.0.2, or TEST in a list of domains (RFC "
              "5782 section 5); SURBL, URIBL and the DBL of Spamhaus may hold their own "
              "instead. false: for a list that has none. What no list may hold "
              "(127.0.0.1, INVALID) disables it either way."};
}

Rows lists_keys() {
  return {
      {.name = "use",
       .rule = at<policy::Rules>(
           choice<policy::UseLists>(), [](auto& r) -> auto& { return r.lists.use; }),
       .in_policy = "lists",
       .text = "Whether a hit means anything for a recipient. skip in a [[policy]] for "
               "postmaster@* lets those who are blocked by mistake write to you."},
      {.name = "threshold",
       .slot = at<Settings>(
           number<int>(0, 1000), [](auto& s) -> auto& { return s.rules.defaults.lists.threshold; }),
       .text = "0: each list decides alone, and the hardest action of those that hit is done. "
               "Else: it is done only if the weights of the lists that hit add up to this much. A "
               "list counts once, however many of its values are listed."},
      {.name = "rcpt_wait",
       .slot = at<Settings>(
           duration<milliseconds>(milliseconds(0), seconds(8)),
           [](auto& s) -> auto& { return s.rules.defaults.lists.rcpt_wait; }),
       .text = "How long RCPT waits for lists that may refuse there. What has not answered by then "
               "is looked at after the message. sendmail waits no longer than 10 s at RCPT."},
  };
}

Rows dnsbl_keys() {
  return {name_row(R"("zen")"),
          list_row(R"("zen.spamhaus.org=127.0.0.[2..11]")"),
          list_file_row(),
          action_row(),
          weight_row(weight_of_hit),
          monitor_row(monitor_of_hit),
          self_test_row()};
}

Rows rhsbl_keys() {
  return {name_row(R"("dbl")"),
          list_row(R"("dbl.spamhaus.org=127.0.1.[2..99]")"),
          list_file_row(),
          {.name = "on",
           .entry = in_entry<DnsListEntry>(
               array_of<DnsListOn>("helo, sender, client_name, from and dkim", parse_on,
                                   [](const DnsListOn& on) { return std::string(to_string(on)); }),
               [](auto& e) -> auto& { return e.definition.on; }),
           .text = "Which domains are looked up: of HELO, of MAIL FROM, the verified name of the "
                   "client, the Author Domain, the d= of DKIM signatures. The last two are known "
                   "only with the message."},
          action_row(),
          weight_row(weight_of_hit),
          monitor_row(monitor_of_hit),
          self_test_row()};
}

Rows dnswl_keys() {
  return {name_row(R"("dnswl")"),
          list_row(R"("list.dnswl.org=127.0.[0..255].[1..3]")"),
          list_file_row(),
          {.name = "skip",
           .entry = in_entry<DnsListEntry>(
               skipped_kinds(), [](auto& e) -> auto& { return e.rule.skip; }),
           .text = "What a hit makes of no effect: hits in these kinds of lists. Nothing else: SPF "
                   "and DMARC are judged all the same."},
          weight_row("What a hit takes off the sum that lists.threshold is compared with; for a "
                     "skip that is empty or names one kind."),
          monitor_row("Look up and log, and let a hit have no effect."),
          self_test_row()};
}

// The entries of one kind; each has two halves, in two vectors of the settings.
Repeated dns_lists(DnsListKind kind) {
  return {.make =
              [kind](const Settings&) {
                DnsListEntry entry;
                entry.definition.kind = kind;
                return AnyEntry(std::move(entry));
              },
          .add =
              [](Settings& settings, AnyEntry entry) {
                add_dns_list(settings, std::move(entry_as<DnsListEntry>(entry)));
              },
          .all =
              [kind](const Settings& settings) {
                std::vector<AnyEntry> all;
                for (DnsListEntry& entry : dns_lists_of(settings, kind)) {
                  all.emplace_back(std::move(entry));
                }
                return all;
              },
          .clear = [kind](Settings& settings) { remove_dns_lists(settings, kind); }};
}

}  // namespace

Section lists_section() {
  return {.name = "lists",
          .text = "What DNS lists lead to (RFC 5782), together.",
          .keys = lists_keys(),
          .check = check_dns_lists};
}

Section dnsbl_section() {
  return {
      .name = "dnsbl",
      .text = "A list of addresses that send spam, for the client; one entry for each.",
      .keys = dnsbl_keys(),
      .repeated = dns_lists(DnsListKind::dnsbl),
  };
}

Section rhsbl_section() {
  return {
      .name = "rhsbl",
      .text = "A list of domains that spam comes from or points to; one entry for each.",
      .keys = rhsbl_keys(),
      .repeated = dns_lists(DnsListKind::rhsbl),
  };
}

Section dnswl_section() {
  return {
      .name = "dnswl",
      .text = "A list of addresses that are known as good; one entry for each.",
      .keys = dnswl_keys(),
      .repeated = dns_lists(DnsListKind::dnswl),
  };
}

}  // namespace sekisho::config
