#include "spf/check_host.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "spf/lookups.h"
#include "spf/macro.h"
#include "spf/record.h"
#include "spf/validated_names.h"

namespace sekisho::spf {

namespace {

// No MTA passes a longer local part or HELO name (RFC 5321 §4.5.3.1.4 allows 512 octets for a
// command line, Postfix 2048). A longer one is cut, so that macros cannot repeat it at length.
constexpr std::size_t max_identity_octets = 1024;

Code code_of(Qualifier qualifier) {
  switch (qualifier) {
    case Qualifier::pass:
      return Code::pass;
    case Qualifier::fail:
      return Code::fail;
    case Qualifier::softfail:
      return Code::softfail;
    case Qualifier::neutral:
      return Code::neutral;
  }
  return Code::neutral;
}

// Whether a macro stands for the client's address or validated name; envelope and HELO do not
// identify the client.
bool names_client(const MacroString& spec) {
  return std::any_of(spec.parts().begin(), spec.parts().end(), [](const MacroString::Part& part) {
    return part.letter == 'i' || part.letter == 'p';
  });
}

// Text of others, made short and printable for a reason.
std::string shown(std::string_view text) {
  constexpr std::size_t limit = 80;
  std::string out(text.substr(0, limit));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return text.size() > limit ? out + "..." : out;
}

// RFC 7208 §4.3: the domain to check must be a well-formed name of several labels; an address
// literal is not, nor is an address in the place of a name.
std::optional<mail::DomainName> checked_domain(std::string_view text) {
  if (mail::IpAddress::parse(text)) return std::nullopt;
  auto domain = mail::DomainName::parse(text);
  if (!domain || domain->label_count() < 2) return std::nullopt;
  return std::move(*domain);
}

// The SPF record among the TXT records of a name, or the result if there is not exactly one.
struct Selection {
  std::optional<Record> record;
  Code code = Code::none;  // none: no record; or temperror, permerror
  std::string reason;
};

// RFC 7208 §4.4, §4.5, §4.6.
Selection select_record(const dns::Name& name, const dns::Answer& answer) {
  const std::string domain = shown(name.text());
  if (answer.is_error()) return {{}, Code::temperror, "TXT " + domain + ": " + answer.error};
  const auto found = std::find_if(answer.texts.begin(), answer.texts.end(), is_spf_record);
  if (found == answer.texts.end()) {
    const bool absent = answer.outcome == dns::Outcome::nxdomain;
    return {{}, Code::none, domain + (absent ? " does not exist" : " has no SPF record")};
  }
  if (std::any_of(std::next(found), answer.texts.end(), is_spf_record)) {
    return {{}, Code::permerror, domain + " has several SPF records"};
  }
  auto record = Record::parse(*found);
  if (!record) {
    return {{},
            Code::permerror,
            "record of " + domain + ": " + record.error().what + " at \"" +
                shown(found->substr(record.error().at, 40)) + "\""};
  }
  return {std::move(*record), Code::none, {}};
}

// One sequential reading of a policy on the answers known so far. When an answer is missing, the
// reading goes on as if it were no match. The questions that it would ask after that are the hints;
// its result does not count.
class Reading {
 public:
  Reading(const Query& query, const mail::DomainName& domain, const dns::Answers& answers,
          const Options& options)
      : query_(query), domain_(domain), options_(options), lookups_(answers, options) {
    const bool is_ascii = std::none_of(query.domain.begin(), query.domain.end(), [](char c) {
      return static_cast<unsigned char>(c) >= 0x80;
    });
    sender_domain_ = is_ascii ? query.domain : domain.text();
    if (sender_domain_.ends_with('.')) sender_domain_.pop_back();
  }

  dns::Evaluation<Result> run() {
    if (open_root()) {
      while (!outcome_ && !lookups_.refused()) step();
      // The last step had no answer, so its outcome does not count.
      if (lookups_.refused()) outcome_.reset();
      if (outcome_ && outcome_->code == Code::fail) explain();
    }
    if (!outcome_ && lookups_.refused()) too_much();
    dns::Evaluation<Result> evaluation;
    if (lookups_.waiting()) {
      evaluation.needed = lookups_.take_needed();
      evaluation.hints = lookups_.take_hints();
    } else {
      evaluation.result = std::move(outcome_);
    }
    return evaluation;
  }

 private:
  // A record that is being read. All but the first were entered by the include before `next` in the
  // frame below.
  struct Frame {
    dns::Name domain;
    Record record;
    std::size_t next = 0;
  };

  bool open_root();
  void step();
  void enter_include(const Mechanism& include);
  void enter_redirect();
  void end_of_record();
  void matched(const Mechanism& mechanism);
  int matched_length(const Mechanism& mechanism) const;
  void leave(Code code);
  void stop(Code code, std::string reason);
  void too_much();
  void explain();

  bool matches(const Mechanism& mechanism);
  bool matches_address(const Mechanism& mechanism);
  bool matches_mx(const Mechanism& mechanism);
  bool matches_ptr(const Mechanism& mechanism);
  bool matches_exists(const Mechanism& mechanism);
  bool has_client(const Mechanism& mechanism, const dns::Answer& answer) const;

  bool charge();
  bool charge_void(const dns::Answer& answer);
  // The answer to a term's own question; nullptr if the term cannot match.
  const dns::Answer* ask(const dns::Name& name, dns::Type type);
  const dns::Answer* usable(const dns::Name& name, dns::Type type, const dns::Answer* answer);
  std::optional<dns::Name> target(const Mechanism& mechanism);
  std::optional<dns::Name> expand(const MacroString& spec, bool charge_pointers);
  std::optional<MacroValues> values_for(const MacroString& spec);

  const Frame& frame() const { return frames_.back(); }

  const Query& query_;
  const mail::DomainName& domain_;
  const Options& options_;
  Lookups lookups_;
  std::string sender_domain_;
  std::vector<Frame> frames_;
  std::optional<Result> outcome_;
  bool pointers_charged_ = false;
  std::string validated_name_;
  std::string match_;       // for the reason: the term that matched first, innermost
  bool overbroad_ = false;  // that term allows nearly everybody
};

void Reading::stop(Code code, std::string reason) {
  outcome_ = Result{query_.scope, code, domain_.text(), std::move(reason), {}};
}

// RFC 7208 §4.6.4 lets a receiver limit what one evaluation may ask, and ends it with permerror.
// Not with temperror, because a retry would give the same result.
void Reading::too_much() {
  stop(Code::permerror, "more DNS questions than are asked here (query budget)");
}

bool Reading::open_root() {
  const dns::Name name = domain_;
  const dns::Answer* const answer = lookups_.find(name, dns::Type::txt);
  if (answer == nullptr) {
    // Most records name their own MX or address. Asked together with the record, these take no
    // extra time.
    lookups_.hint(name, dns::Type::mx);
    lookups_.hint(name, address_type(query_.client));
    return false;
  }
  Selection selected = select_record(name, *answer);
  if (selected.record) {
    frames_.push_back({name, std::move(*selected.record)});
  } else {
    stop(selected.code, std::move(selected.reason));
  }
  return true;
}

void Reading::step() {
  Frame& top = frames_.back();
  if (top.next == top.record.mechanisms.size()) {
    end_of_record();
    return;
  }
  const Mechanism& mechanism = top.record.mechanisms[top.next++];
  if (mechanism.kind == MechanismKind::include) {
    enter_include(mechanism);
  } else if (matches(mechanism) && !outcome_) {
    matched(mechanism);
  }
}

// RFC 7208 §5.2.
void Reading::enter_include(const Mechanism& include) {
  if (!charge()) return;
  const auto name = target(include);
  if (outcome_) return;
  if (!name || name->text().find('.') == std::string::npos) {
    // check_host() of such a name gives none (§4.3), which is a permerror here. While an answer is
    // missing, the unknown part may be %{p}.
    if (!lookups_.waiting()) stop(Code::permerror, shown(include.text) + " names no domain");
    return;
  }
  const dns::Answer* const answer = lookups_.find_included(*name);
  if (answer == nullptr) return;
  Selection selected = select_record(*name, *answer);
  if (selected.record) {
    frames_.push_back({*name, std::move(*selected.record)});
  } else if (selected.code == Code::none) {
    stop(Code::permerror, shown(include.text) + " has no SPF record");
  } else {
    stop(selected.code, std::move(selected.reason));
  }
}

// RFC 7208 §6.1: the record of the other domain takes the place of this one, its exp= too.
void Reading::enter_redirect() {
  if (!charge()) return;
  const std::string text = shown(frame().record.redirect_text);
  const auto name = expand(*frame().record.redirect, true);
  if (outcome_) return;
  if (!name || name->text().find('.') == std::string::npos) {
    stop(Code::permerror, text + " names no domain");
    return;
  }
  const dns::Answer* const answer = lookups_.find_included(*name);
  if (answer == nullptr) {
    leave(Code::neutral);
    return;
  }
  Selection selected = select_record(*name, *answer);
  if (selected.record) {
    frames_.back() = Frame{*name, std::move(*selected.record)};
  } else if (selected.code == Code::none) {
    stop(Code::permerror, text + " has no SPF record");
  } else {
    stop(selected.code, std::move(selected.reason));
  }
}

void Reading::end_of_record() {
  if (frame().record.redirect) {
    enter_redirect();
    return;
  }
  match_.clear();
  leave(Code::neutral);  // RFC 7208 §4.7
}

void Reading::matched(const Mechanism& mechanism) {
  const int length = matched_length(mechanism);
  const int shortest = query_.client.is_v4() ? shortest_ip4_length : shortest_ip6_length;
  match_ = shown(mechanism.text) + " in record of " + shown(frame().domain.text());
  overbroad_ = length < shortest && mechanism.qualifier == Qualifier::pass;
  if (overbroad_) {
    match_ += length == 0 ? ", which allows any address"
                          : ", which allows a network of /" + std::to_string(length);
  }
  leave(code_of(mechanism.qualifier));
}

// The length of the prefix that the matching term names: 0 for "all", and the full length where no
// network is named.
int Reading::matched_length(const Mechanism& mechanism) const {
  const bool is_v4 = query_.client.is_v4();
  switch (mechanism.kind) {
    case MechanismKind::all:
      return 0;
    case MechanismKind::ip4:
    case MechanismKind::ip6:
      return mechanism.network->length();
    case MechanismKind::a:
    case MechanismKind::mx:
      return is_v4 ? mechanism.ip4_length : mechanism.ip6_length;
    case MechanismKind::exists:
      // A name without a macro of the client exists for every client.
      if (!names_client(*mechanism.domain_spec)) return 0;
      break;
    case MechanismKind::include:
    case MechanismKind::ptr:
      break;
  }
  return is_v4 ? 32 : 128;
}

// A record has its result: that of the whole evaluation, or of an include, which matches if it is
// pass (RFC 7208 §5.2).
void Reading::leave(Code code) {
  std::string outer;
  while (frames_.size() > 1) {
    frames_.pop_back();
    if (code != Code::pass) return;
    const Mechanism& include = frame().record.mechanisms[frame().next - 1];
    outer = shown(include.text) + " in record of " + shown(frame().domain.text()) + " by ";
    code = code_of(include.qualifier);
  }
  stop(code, match_.empty() ? "nothing matched in record of " + shown(frame().domain.text())
                            : "matched " + outer + match_);
  if (code != Code::pass || !overbroad_) return;
  outcome_->overbroad = true;
  outcome_->code = options_.overbroad;
  if (options_.overbroad != Code::pass) outcome_->reason += ", and is not believed";
}

bool Reading::charge() {
  if (lookups_.charge()) return true;
  stop(Code::permerror, "more than " + std::to_string(options_.max_lookups) + " DNS lookups");
  return false;
}

// RFC 7208 §4.6.4 counts the terms whose lookups are void. The addresses of MX hosts are not
// counted: otherwise an IPv6 client would break every policy whose hosts have IPv4 only.
bool Reading::charge_void(const dns::Answer& answer) {
  if (!answer.is_void() || lookups_.charge_void()) return true;
  stop(Code::permerror,
       "more than " + std::to_string(options_.max_void_lookups) + " DNS lookups without an answer");
  return false;
}

const dns::Answer* Reading::ask(const dns::Name& name, dns::Type type) {
  const dns::Answer* const answer = usable(name, type, lookups_.find(name, type));
  return answer != nullptr && charge_void(*answer) ? answer : nullptr;
}

// RFC 7208 §5: a lookup that fails ends the evaluation.
const dns::Answer* Reading::usable(const dns::Name& name, dns::Type type,
                                   const dns::Answer* answer) {
  if (answer == nullptr || !answer->is_error()) return answer;
  stop(Code::temperror,
       std::string(dns::to_string(type)) + " " + shown(name.text()) + ": " + answer->error);
  return nullptr;
}

bool Reading::matches(const Mechanism& mechanism) {
  switch (mechanism.kind) {
    case MechanismKind::all:
      return true;
    case MechanismKind::ip4:
    case MechanismKind::ip6:
      return mechanism.network && mechanism.network->contains(query_.client);
    case MechanismKind::a:
      return charge() && matches_address(mechanism);
    case MechanismKind::mx:
      return charge() && matches_mx(mechanism);
    case MechanismKind::ptr:
      return charge() && matches_ptr(mechanism);
    case MechanismKind::exists:
      return charge() && matches_exists(mechanism);
    case MechanismKind::include:
      return false;  // enter_include()
  }
  return false;
}

bool Reading::has_client(const Mechanism& mechanism, const dns::Answer& answer) const {
  const int length = query_.client.is_v4() ? mechanism.ip4_length : mechanism.ip6_length;
  return std::any_of(answer.addresses.begin(), answer.addresses.end(),
                     [&](const mail::IpAddress& address) {
                       return mail::IpPrefix::around(address, length).contains(query_.client);
                     });
}

// RFC 7208 §5.3.
bool Reading::matches_address(const Mechanism& mechanism) {
  const auto name = target(mechanism);
  if (!name) return false;
  const dns::Answer* const answer = ask(*name, address_type(query_.client));
  return answer != nullptr && has_client(mechanism, *answer);
}

// RFC 7208 §5.4.
bool Reading::matches_mx(const Mechanism& mechanism) {
  const auto name = target(mechanism);
  if (!name) return false;
  const dns::Answer* const answer = ask(*name, dns::Type::mx);
  if (answer == nullptr) return false;
  if (answer->exchanges.size() > options_.max_mx_names) {
    stop(Code::permerror, shown(name->text()) + " has more than " +
                              std::to_string(options_.max_mx_names) + " MX names");
    return false;
  }
  for (const dns::Mx& mx : answer->exchanges) {
    const auto host = dns::Name::from(mx.exchange);
    if (!host) continue;  // the null MX, or no name at all
    const dns::Type type = address_type(query_.client);
    const dns::Answer* const addresses = usable(*host, type, lookups_.find(*host, type));
    if (outcome_) return false;
    if (addresses != nullptr && has_client(mechanism, *addresses)) return true;
  }
  return false;
}

// RFC 7208 §5.5: an error of the PTR lookup is no match. Only names that can match need to be
// validated.
bool Reading::matches_ptr(const Mechanism& mechanism) {
  const auto name = target(mechanism);
  if (!name) return false;
  pointers_charged_ = true;
  const dns::Answer* const answer = lookups_.find(pointer_name(query_.client), dns::Type::ptr);
  if (answer == nullptr || answer->is_error() || !charge_void(*answer)) return false;
  for (const dns::Name& candidate : pointed_names(*answer, options_)) {
    if (!is_or_is_below(candidate, *name)) continue;
    if (is_validated(candidate, query_.client, lookups_).value_or(false)) return true;
  }
  return false;
}

// RFC 7208 §5.7: the type is A, even for a client that came by IPv6.
bool Reading::matches_exists(const Mechanism& mechanism) {
  const auto name = target(mechanism);
  if (!name) return false;
  const dns::Answer* const answer = ask(*name, dns::Type::a);
  return answer != nullptr && !answer->addresses.empty();
}

// <target-name> (RFC 7208 §4.8). nullopt if it is malformed, or if %{p} is not known yet. The RFC
// leaves the malformed case open; here it is no match, as in most other implementations.
std::optional<dns::Name> Reading::target(const Mechanism& mechanism) {
  if (!mechanism.domain_spec) return frame().domain;
  return expand(*mechanism.domain_spec, true);
}

std::optional<dns::Name> Reading::expand(const MacroString& spec, bool charge_pointers) {
  // RFC 7208 §4.6.4: the PTR question of %{p} counts as well; all uses share the one question.
  if (charge_pointers && spec.uses_validated_name() && !std::exchange(pointers_charged_, true)) {
    if (!charge()) return std::nullopt;
  }
  const auto values = values_for(spec);
  return values ? expand_name(spec, *values) : std::nullopt;
}

std::optional<MacroValues> Reading::values_for(const MacroString& spec) {
  if (spec.uses_validated_name()) {
    auto name = validated_name(frame().domain, query_.client, lookups_, options_);
    if (!name) return std::nullopt;
    validated_name_ = std::move(*name);
  }
  return MacroValues{query_.client,
                     std::string_view(query_.local_part).substr(0, max_identity_octets),
                     sender_domain_,
                     frame().domain.text(),
                     std::string_view(query_.helo).substr(0, max_identity_octets),
                     query_.receiver,
                     validated_name_,
                     query_.now};
}

// RFC 7208 §6.2. Only the record that gave the result may explain it, and any failure leaves no
// text.
void Reading::explain() {
  const auto& spec = frame().record.explanation;
  if (!options_.fetch_explanation || !spec) return;
  const auto name = expand(*spec, false);
  if (!name) return;
  const dns::Answer* const answer = lookups_.find(*name, dns::Type::txt);
  if (answer == nullptr || answer->texts.size() != 1) return;
  const auto text = MacroString::parse(answer->texts.front(), MacroString::Kind::explanation);
  if (!text) return;
  const auto values = values_for(*text);
  if (values) outcome_->explanation = expand_explanation(*text, *values);
}

}  // namespace

dns::Evaluation<Result> check_host(const Query& query, const dns::Answers& answers,
                                   const Options& options) {
  const auto domain = checked_domain(query.domain);
  if (!domain) {
    return dns::Evaluation<Result>::of(
        Result{query.scope, Code::none, {}, "no domain to check: " + shown(query.domain), {}});
  }
  return Reading(query, *domain, answers, options).run();
}

}  // namespace sekisho::spf
