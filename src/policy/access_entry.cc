#include "policy/access_entry.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/mailbox.h"
#include "policy/rule_names.h"

namespace sekisho::policy {

namespace {

using std::chrono::days;

constexpr std::size_t max_note_octets = 200;  // one line of a table, twice

// The default proof of an entry of the allowlist, and the proofs that it may name.
struct Demand {
  Proof by_default;
  std::string_view proofs;
};

constexpr Demand demand_of(IdentityKind kind) {
  switch (kind) {
    case IdentityKind::from:
      return {Proof::dmarc, "dmarc, dkim, spf, none, dkim:DOMAIN, spf:DOMAIN or ip:ADDRESS"};
    case IdentityKind::mfrom:
      return {Proof::spf, "spf or none"};
    case IdentityKind::dkim:
      return {Proof::dkim, "dkim"};
    case IdentityKind::ip:
      return {Proof::connection, ""};
    case IdentityKind::ptr:
      return {Proof::fcrdns, "fcrdns"};
    case IdentityKind::helo:
      return {Proof::none, ""};
  }
  return {Proof::none, ""};
}

std::optional<IdentityKind> kind_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  return parse_word<IdentityKind>(text.substr(0, colon));
}

bool may_demand(IdentityKind kind, Proof proof) {
  switch (proof) {
    case Proof::dmarc:
      return kind == IdentityKind::from;
    case Proof::dkim:
      return kind == IdentityKind::from || kind == IdentityKind::dkim;
    case Proof::spf:
    case Proof::none:
      return kind == IdentityKind::from || kind == IdentityKind::mfrom;
    case Proof::fcrdns:
      return kind == IdentityKind::ptr;
    case Proof::connection:
      return false;
  }
  return false;
}

// Splits the text into words, or says what is wrong; blanks inside quotes do not end a word.
Expected<std::vector<std::string_view>> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t start = 0;
  bool inside = false;
  bool quoted = false;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const bool end = i == text.size() || (!quoted && ascii::is_wsp(text[i]));
    if (end) {
      if (inside) words.push_back(text.substr(start, i - start));
      inside = false;
      continue;
    }
    if (!inside) start = i;
    inside = true;
    if (quoted && text[i] == '\\' && i + 1 < text.size()) {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    }
  }
  if (quoted) return parse_error("a quote without end", start);
  return words;
}

// A value without its quotes, which must be around all of it.
Expected<std::string> unquoted(std::string_view value) {
  if (value.find('"') == std::string_view::npos) return std::string(value);
  std::string out;
  for (std::size_t i = 1; value.front() == '"' && i < value.size(); ++i) {
    if (value[i] == '"') {
      if (i + 1 == value.size()) return out;
      break;
    }
    if (value[i] == '\\' && i + 1 < value.size()) ++i;
    out += value[i];
  }
  return parse_error("quotes belong around the whole value");
}

std::string quoted(std::string_view value) {
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// The part of the line that an error may quote. The line may be the zone of a DNS list in the wrong
// file, with an access key as a label: such keys have 16 letters and digits or more. Then the error
// gives only the line number.
std::string shown(std::string_view text) {
  constexpr std::size_t shortest_key = 16;
  std::size_t run = 0;
  for (const char c : text) {
    run = ascii::is_alnum(c) || c == '-' ? run + 1 : 0;
    if (run == shortest_key) return "(what stands there)";
  }
  return std::string(text);
}

// Reads an entry word by word.
class EntryReader {
 public:
  explicit EntryReader(AccessKind list) : list_(list) {}

  Expected<AccessEntry> read(std::string_view text) {
    if (auto checked = check_characters(text); !checked) return failed(checked);
    const auto words = words_of(text);
    if (!words) return tl::unexpected<ParseError>(words.error());
    if (words->empty()) return parse_error("no entry");
    if (auto read = read_identity(words->front()); !read) return failed(read);
    for (std::size_t i = 1; i < words->size(); ++i) {
      if (auto read = read_option((*words)[i]); !read) return failed(read);
    }
    if (list_ == AccessKind::allow) complete();
    if (list_ == AccessKind::allow && entry_.effect.nothing()) {
      return parse_error("the entry allows nothing: add skip=" +
                         joined_words(client::accusing_kinds()) + ", dmarc=accept or spf=accept");
    }
    return std::move(entry_);
  }

 private:
  using Done = Expected<void>;

  static tl::unexpected<ParseError> failed(const Done& outcome) {
    return tl::unexpected<ParseError>(outcome.error());
  }

  static Done check_characters(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (ascii::is_control(text[i]) && text[i] != '\t') {
        return parse_error("a control character", i);
      }
    }
    if (!is_utf8(text)) return parse_error("not UTF-8");
    return {};
  }

  Done read_identity(std::string_view word) {
    const auto kind = kind_of(word);
    if (!kind) {
      std::string what = "an entry begins with from:, mfrom:, dkim:, ip: or ptr:";
      if (list_ == AccessKind::deny)
        what = "an entry begins with from:, mfrom:, dkim:, ip:, ptr: or helo:";
      return parse_error(what + " and a name");
    }
    entry_.kind = *kind;
    entry_.proof = demand_of(*kind).by_default;
    const auto value = word.substr(word.find(':') + 1);
    if (value.empty()) return parse_error("nothing after the colon; no blank may follow it");
    if (*kind == IdentityKind::helo && list_ == AccessKind::allow) {
      return parse_error("anybody may say anything in HELO: helo: is for the denylist only");
    }
    return *kind == IdentityKind::ip ? read_prefix(value) : read_name(value);
  }

  Done read_prefix(std::string_view value) {
    const auto prefix = mail::IpPrefix::parse(value);
    if (!prefix) return parse_error(prefix.error().what);
    if (prefix->length() == 0) return parse_error(prefix->text() + " is everybody");
    entry_.prefix = *prefix;
    return {};
  }

  Done read_name(std::string_view value) {
    if (value.starts_with("*.")) {
      return parse_error("write ." + shown(value.substr(2)) + " for all names below it");
    }
    if (value.starts_with('@')) {
      return parse_error("write " + shown(value.substr(1)) + " for everybody in it");
    }
    if (value.find('@') != std::string_view::npos) return read_address(value);
    const bool below = value.starts_with('.');
    const auto domain = mail::DomainName::parse(below ? value.substr(1) : value);
    if (!domain) return parse_error(domain.error().what);
    if (below && domain->label_count() == 1 && list_ == AccessKind::allow) {
      return parse_error("anybody may have a name below ." + domain->text());
    }
    entry_.domain = (below ? "." : "") + domain->text();
    return {};
  }

  Done read_address(std::string_view value) {
    if (entry_.kind != IdentityKind::from && entry_.kind != IdentityKind::mfrom) {
      return parse_error(std::string(to_string(entry_.kind)) + ": takes a domain, not an address");
    }
    auto mailbox = mail::Mailbox::parse(value);
    if (!mailbox) return parse_error(mailbox.error().what);
    // It would be an address that nobody has, and the entry would never match, without a word.
    if (mailbox->local_part.find('*') != std::string::npos) {
      return parse_error("there are no patterns before the @: write the whole address, or " +
                         shown(mailbox->domain.text()) + " for everybody in it");
    }
    entry_.local_part = ascii::lower(mailbox->local_part);
    entry_.domain = mailbox->domain.text();
    return {};
  }

  Done read_option(std::string_view word) {
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) {
      return parse_error(begins_entry(word)
                             ? "one entry a line"
                             : "expected an option, as skip=dnsbl, not " + shown(word));
    }
    const auto key = word.substr(0, equals);
    const auto value = unquoted(word.substr(equals + 1));
    if (!value) return parse_error(value.error().what);
    if (std::find(given_.begin(), given_.end(), key) != given_.end()) {
      return parse_error(shown(key) + "= is given twice");
    }
    given_.push_back(key);
    if (key == "until") return read_until(*value);
    if (key == "note") return read_note(*value);
    if (list_ == AccessKind::deny) return read_deny_option(key, *value);
    if (key == "proof") return read_proof(*value);
    if (key == "skip") return read_skip(*value);
    if (key == rule_name::dmarc) {
      return read_action(key, *value, {Action::accept, Action::tag, Action::quarantine},
                         entry_.effect.dmarc);
    }
    if (key == rule_name::spf) return read_action(key, *value, {Action::accept}, entry_.effect.spf);
    return parse_error("unknown option " + shown(key) +
                       "=: there are proof=, skip=, dmarc=, spf=, until= and note=");
  }

  Done read_deny_option(std::string_view key, const std::string& value) {
    if (key != "action") {
      return parse_error(shown(key) +
                         "= is no option of the denylist: there are action=, until= and note=");
    }
    std::optional<Action> action;
    auto read = read_action(key, value, {Action::reject, Action::quarantine, Action::tag}, action);
    if (action) entry_.deny = *action;
    return read;
  }

  static Done read_action(std::string_view key, const std::string& value,
                          const std::vector<Action>& choices, std::optional<Action>& slot) {
    std::string words;
    for (const Action action : choices) {
      if (to_string(action) == value) {
        slot = action;
        return {};
      }
      words.append(words.empty() ? "" : ", ").append(to_string(action));
    }
    return parse_error(std::string(key) + "= takes " + words + ", not " + shown(value));
  }

  Done read_proof(const std::string& value) {
    const std::string_view proofs = demand_of(entry_.kind).proofs;
    if (proofs.empty()) {
      return parse_error("an address needs no proof=: nobody can borrow one for a TCP connection");
    }
    if (const auto colon = value.find(':'); colon != std::string::npos) {
      return read_voucher(std::string_view(value).substr(0, colon), value.substr(colon + 1));
    }
    const auto proof = parse_word<Proof>(value);
    if (!proof || !may_demand(entry_.kind, *proof)) {
      return parse_error(std::string(to_string(entry_.kind)) +
                         ": takes proof=" + std::string(proofs) + ", not " + shown(value));
    }
    entry_.proof = *proof;
    return {};
  }

  // "dkim:mailer.example": who vouches for the author. A name stands for itself only: below a bulk
  // mailer's domain its customers have names of their own.
  Done read_voucher(std::string_view how, const std::string& who) {
    if (entry_.kind != IdentityKind::from) {
      return parse_error(
          "only a from: entry says of whom the proof is: the others name it already");
    }
    if (how == "ip") {
      const auto prefix = mail::IpPrefix::parse(who);
      if (!prefix) return parse_error("proof=ip: " + prefix.error().what);
      if (prefix->length() == 0) return parse_error(prefix->text() + " is everybody");
      entry_.proof = Proof::connection;
      entry_.proof_prefix = *prefix;
      entry_.proof_of =
          prefix->length() == prefix->address().bits() ? prefix->address().text() : prefix->text();
      return {};
    }
    const auto proof = parse_word<Proof>(how);
    if (proof != Proof::dkim && proof != Proof::spf) {
      return parse_error("proof= takes dkim:DOMAIN, spf:DOMAIN or ip:ADDRESS, not " +
                         shown(std::string(how) + ":" + who));
    }
    const auto domain = mail::DomainName::parse(who);
    if (!domain) {
      return parse_error("proof=" + std::string(how) + ": takes one domain, which stands for " +
                         "itself and for no name below it: " + domain.error().what);
    }
    if (domain->label_count() == 1) return parse_error("proof= of the whole ." + domain->text());
    entry_.proof = *proof;
    entry_.proof_of = domain->text();
    return {};
  }

  Done read_skip(std::string_view value) {
    for (;;) {
      const auto comma = value.find(',');
      const auto word = value.substr(0, comma);
      const auto lists = parse_word<client::DnsListKind>(word);
      if (lists && !vouches(*lists)) {
        entry_.effect.skip_lists.add(*lists);
      } else if (word == "all") {
        entry_.effect.skip_lists |= client::accusing_kinds();
        all_ = true;
      } else if (word == rule_name::author) {
        if (entry_.kind != IdentityKind::ip) {
          return parse_error(
              "only an ip: entry may skip=author: who wrote it is what the others prove");
        }
        entry_.effect.skip_author = true;
      } else if (word == "smtp") {
        if (entry_.kind != IdentityKind::ip) {
          return parse_error("only an ip: entry may skip=smtp: [smtp] is about the client");
        }
        entry_.effect.skip_smtp = true;
      } else {
        return parse_error("skip= takes " + joined_words(client::accusing_kinds(), ", ") +
                           ", all, author and smtp, not " + shown(word));
      }
      if (comma == std::string_view::npos) return {};
      value.remove_prefix(comma + 1);
    }
  }

  Done read_until(const std::string& value) {
    const auto time = value.find('-') == std::string::npos ? std::nullopt : parse_time(value);
    if (!time) return parse_error("until= takes a date, as until=2027-01-31");
    // That day is the last one on which the entry holds.
    entry_.until = value.find('T') == std::string::npos ? *time + days(1) : *time;
    return {};
  }

  Done read_note(const std::string& value) {
    if (value.size() > max_note_octets) return parse_error("a note of more than 200 octets");
    entry_.note = value;
    return {};
  }

  // skip=all means everything that `all` covers, except where the entry says otherwise.
  void complete() {
    if (!all_) return;
    if (!entry_.effect.dmarc) entry_.effect.dmarc = Action::accept;
    if (!entry_.effect.spf) entry_.effect.spf = Action::accept;
  }

  AccessKind list_;
  AccessEntry entry_;
  std::vector<std::string_view> given_;
  bool all_ = false;
};

}  // namespace

Expected<AccessEntry> AccessEntry::parse(std::string_view text, AccessKind list) {
  return EntryReader(list).read(text);
}

std::string AccessEntry::identity() const {
  std::string out(to_string(kind));
  out += ':';
  if (prefix) {
    return out + (prefix->length() == prefix->address().bits() ? prefix->address().text()
                                                               : prefix->text());
  }
  if (local_part.empty()) return out + domain;
  return out + mail::Mailbox{local_part, mail::DomainName::parse(domain).value()}.text();
}

std::string AccessEntry::place() const {
  return file ? *file + ":" + std::to_string(line) : std::string();
}

std::string AccessEntry::until_text() const {
  if (!until) return {};
  const auto day = std::chrono::floor<days>(*until);
  if (day != *until) return to_iso8601(*until);
  return to_iso8601(WallTime(day) - days(1)).substr(0, 10);
}

std::string AccessEntry::text(AccessKind list) const {
  std::string out = identity();
  if (list == AccessKind::allow) {
    if (proof != demand_of(kind).by_default || !proof_of.empty()) {
      out += " proof=" + proof_text(proof, proof_of);
    }
    if (!effect.nothing()) out += " " + to_text(effect);
  } else if (deny != Action::reject) {
    out += " action=" + std::string(to_string(deny));
  }
  if (until) out += " until=" + until_text();
  if (!note.empty()) out += " note=" + quoted(note);
  return out;
}

bool begins_entry(std::string_view text) { return kind_of(text).has_value(); }

}  // namespace sekisho::policy
