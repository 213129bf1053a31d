#include "dkim/verify.h"

#include <algorithm>
#include <array>
#include <numeric>

#include "crypto/digest.h"
#include "dkim/body_hash.h"
#include "dkim/field_index.h"
#include "dkim/key_record.h"
#include "dkim/signature.h"
#include "dkim/signed_header.h"

namespace sekisho::dkim {

namespace {

constexpr std::string_view field_name = "DKIM-Signature";

// Key records tried for one signature. RFC 6376 §3.6.2.2 leaves more than one undefined; two may
// happen while a key is replaced. With more, the order of the answer would decide which are tried:
// then none is.
constexpr std::size_t max_key_records = 2;

// At most this many signatures are read, to choose those that are verified. Mail that passed ten
// lists has some twenty.
constexpr std::size_t max_read = 100;

// A conclusion about one signature, or about one signature with one key.
struct Finding {
  Code code = Code::permerror;
  std::string reason;
  unsigned key_bits = 0;
  bool testing = false;
};

Finding permerror(std::string reason) { return {Code::permerror, std::move(reason)}; }

// Which of two findings with different keys counts, independent of the order of the records.
bool outranks(const Finding& a, const Finding& b) {
  const auto rank = [](Code code) {
    constexpr std::array order = {Code::pass, Code::policy, Code::fail};
    return std::find(order.begin(), order.end(), code) - order.begin();
  };
  return rank(a.code) < rank(b.code);
}

// §3.5 t= and x=. A signature made after the first receipt (by the relay itself, when it passed the
// message on) is not from the future, as long as it is from the past now.
std::optional<Finding> check_times(const Signature& signature, WallTime now, WallTime received,
                                   std::chrono::seconds skew) {
  const auto seconds = [](WallTime time) { return time.time_since_epoch().count(); };
  if (signature.signed_at && *signature.signed_at > seconds(now) + skew.count()) {
    return permerror("signed in the future");
  }
  if (signature.expires_at && *signature.expires_at < seconds(received) - skew.count()) {
    return permerror("expired");
  }
  return std::nullopt;
}

// One DKIM-Signature field.
struct Candidate {
  const mail::HeaderField* field = nullptr;
  Claims claims;
  std::optional<Signature> signature;  // nullopt: `refused` says why
  Finding refused;

  // Once the body has ended:
  BodyHash body;
  bool body_matches = false;
  crypto::Sha256Digest header;                      // only if body_matches
  std::vector<crypto::Sha256Digest> other_headers;  // likewise, if blanks are in doubt

  WantedHash wanted_hash() const { return {signature->body_form, signature->body_length}; }
  dns::Question question() const { return {signature->key_name, dns::Type::txt}; }
};

Candidate read_candidate(std::string_view value) {
  Candidate candidate;
  const auto tags = mail::TagList::parse(value);
  if (!tags) {
    candidate.refused = permerror("no tag list: " + tags.error().what);
    return candidate;
  }
  candidate.claims = read_claims(*tags);
  auto signature = parse_signature(*tags);
  if (signature) {
    candidate.signature = std::move(*signature);
  } else {
    candidate.refused = permerror(std::move(signature.error().what));
  }
  return candidate;
}

// How far d= is from the Author Domain: 0 the same, 1 perhaps the same organization, 2 probably
// not. DMARC aligns it only if both lie at or below a common name that is not a top-level domain.
int distance(const Candidate& candidate, const mail::DomainName& author) {
  if (!candidate.signature) return 2;
  const mail::DomainName& domain = candidate.signature->domain;
  if (domain == author) return 0;
  const auto akin = [](const mail::DomainName& a, const mail::DomainName& b) {
    return a.is_or_is_below(b.suffix(std::min<std::size_t>(b.label_count(), 2)));
  };
  return akin(domain, author) || akin(author, domain) ? 1 : 2;
}

// §6.1.2: whether the record may be used for this signature at all.
std::optional<Finding> check_record(const Signature& signature, const KeyRecord& record) {
  if (record.key.empty()) return permerror("the key is revoked");
  if (record.key_type != signature.key_type) return permerror("the key is of another type than a=");
  if (!record.allows_sha256) return permerror("the key does not allow sha256");
  if (!record.for_email) return permerror("the key is not for email");
  if (record.same_domain_only && signature.identity_domain != signature.domain) {
    return permerror("the key does not allow i= below d=");
  }
  return std::nullopt;
}

// RFC 8301 §3.2. A key that is too long is not used, because verifying with it costs too much.
std::optional<Finding> check_size(const crypto::PublicKey& key, const Options& options) {
  if (key.type() != crypto::KeyType::rsa) return std::nullopt;
  const std::string size = "the RSA key has " + std::to_string(key.bits()) + " bits";
  if (key.bits() < options.min_rsa_bits) return Finding{Code::policy, size};
  if (key.bits() > options.max_rsa_bits) return permerror(size);
  return std::nullopt;
}

// §6.1.3, with a key that may be used.
Finding check_signature(const Candidate& candidate, const crypto::PublicKey& key) {
  if (candidate.body.coverage == BodyHash::Coverage::too_short) {
    return permerror("l= is longer than the body");
  }
  if (!candidate.body_matches) return {Code::fail, "the body was changed"};
  const auto verifies = [&](const crypto::Sha256Digest& header) {
    return key.verify_sha256(header.view(), candidate.signature->signature);
  };
  if (!verifies(candidate.header) &&
      std::none_of(candidate.other_headers.begin(), candidate.other_headers.end(), verifies)) {
    return {Code::fail, "the signature does not match the header"};
  }
  // §8.2: text added to a body that is signed in part may show the reader anything.
  if (candidate.body.coverage == BodyHash::Coverage::part) {
    return {Code::policy, "the body goes on beyond l="};
  }
  return {Code::pass, {}};
}

Finding verify_with(const Candidate& candidate, const KeyRecord& record, const Options& options,
                    crypto::KeyCache& keys) {
  const auto check = [&]() -> Finding {
    if (auto refused = check_record(*candidate.signature, record)) return *refused;
    const auto key = keys.get(*record.key_type, record.key);
    if (!key) return permerror(key.error().what);
    auto refused = check_size(**key, options);
    Finding finding = refused ? *refused : check_signature(candidate, **key);
    finding.key_bits = (*key)->bits();
    return finding;
  };
  Finding finding = check();
  finding.testing = record.testing;
  return finding;
}

Finding verify_with_answer(const Candidate& candidate, const dns::Answer& answer,
                           const Options& options, crypto::KeyCache& keys) {
  switch (answer.outcome) {
    case dns::Outcome::error:
      return {Code::temperror, "the key could not be asked for: " + answer.error};
    // As for a signature beyond max_signatures: RFC 8601 §2.7.1 has `policy` for signatures that
    // the receiver does not accept. With `temperror` a sender could choose the result, and
    // `neutral`, `fail` or `permerror` would blame the signer.
    case dns::Outcome::refused:
      return {Code::policy, "the key was not asked for: " + answer.error};
    case dns::Outcome::nodata:
    case dns::Outcome::nxdomain:
      return permerror("no key");
    case dns::Outcome::records:
      break;
  }
  Finding best = permerror("no key");
  std::vector<KeyRecord> records;
  for (const std::string& text : answer.texts) {
    auto record = KeyRecord::parse(text);
    if (record) {
      records.push_back(std::move(*record));
    } else {
      best.reason = std::move(record.error().what);
    }
    if (records.size() > max_key_records) return permerror("too many key records");
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    Finding finding = verify_with(candidate, records[i], options, keys);
    if (i == 0 || outranks(finding, best)) best = std::move(finding);
  }
  return best;
}

SignatureResult to_result(const Candidate& candidate, Finding finding) {
  const Claims& claims = candidate.claims;
  return {
      .code = finding.code,
      .domain = claims.domain,
      .selector = claims.selector,
      .algorithm = claims.algorithm,
      .identity = claims.identity,
      .signature_start = claims.signature_start,
      .reason = std::move(finding.reason),
      .key_bits = finding.key_bits,
      .testing = finding.testing,
  };
}

}  // namespace

struct Verification::State {
  Options options;
  const mail::Header* header = nullptr;
  // The signatures that key_question() has parsed, by their text: not by their place, for the
  // header may have left out a field.
  std::vector<std::pair<std::string, Candidate>> arrived;
  std::vector<Candidate> candidates;  // top to bottom, at most options.max_signatures
  std::vector<bool> verified;  // of all DKIM-Signature fields, top to bottom: is it a candidate?
  BodyHashes body_hashes;
  bool body_ended = false;
  std::optional<WallTime> received;
  bool blanks_lost = false;

  Candidate take_candidate(const mail::HeaderField& field);
  void choose(std::vector<Candidate> all, const mail::DomainName* author);
  void compare_bodies();
  Finding find(const Candidate& candidate, const dns::Answers& answers, WallTime now,
               crypto::KeyCache& keys) const {
    if (!candidate.signature) return candidate.refused;
    const WallTime first = std::min(received.value_or(now), now);
    if (auto refused = check_times(*candidate.signature, now, first, options.clock_skew)) {
      return *refused;
    }
    return verify_with_answer(candidate, *answers.find(candidate.question()), options, keys);
  }
};

Verification::Verification(const Options& options) : state_(std::make_unique<State>()) {
  state_->options = options;
}
Verification::~Verification() = default;
Verification::Verification(Verification&&) noexcept = default;
Verification& Verification::operator=(Verification&&) noexcept = default;

std::optional<dns::Question> Verification::key_question(std::string_view signature_value) {
  auto candidate = read_candidate(signature_value);
  std::optional<dns::Question> question;
  if (candidate.signature) question = candidate.question();
  state_->arrived.emplace_back(signature_value, std::move(candidate));
  return question;
}

Candidate Verification::State::take_candidate(const mail::HeaderField& field) {
  const auto known = std::find_if(arrived.begin(), arrived.end(),
                                  [&](const auto& each) { return each.first == field.value; });
  Candidate candidate;
  if (known == arrived.end()) {
    candidate = read_candidate(field.value);
  } else {
    candidate = std::move(known->second);
    arrived.erase(known);
  }
  candidate.field = &field;
  return candidate;
}

void Verification::start(const mail::Header& header, const mail::DomainName* author) {
  state_->header = &header;
  std::vector<Candidate> all;
  for (const auto& field : header.fields()) {
    if (!field.is(field_name)) continue;
    state_->verified.push_back(false);
    if (all.size() < max_read) all.push_back(state_->take_candidate(field));
  }
  state_->choose(std::move(all), author);
  for (const Candidate& candidate : state_->candidates) {
    if (candidate.signature) state_->body_hashes.want(candidate.wanted_hash());
  }
  state_->arrived.clear();
}

// Chooses the signatures that are verified: those that can prove the author first, so that other
// signatures, in whatever number, cannot displace them.
void Verification::State::choose(std::vector<Candidate> all, const mail::DomainName* author) {
  std::vector<std::size_t> places(all.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  if (author != nullptr) {
    std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
      return distance(all[a], *author) < distance(all[b], *author);
    });
  }
  places.resize(std::min(places.size(), options.max_signatures));
  std::sort(places.begin(), places.end());
  for (const std::size_t place : places) {
    verified[place] = true;
    candidates.push_back(std::move(all[place]));
  }
}

std::vector<dns::Question> Verification::questions() const {
  std::vector<dns::Question> questions;
  for (const Candidate& candidate : state_->candidates) {
    if (!candidate.signature) continue;
    dns::Question question = candidate.question();
    if (std::find(questions.begin(), questions.end(), question) == questions.end()) {
      questions.push_back(std::move(question));
    }
  }
  return questions;
}

std::vector<mail::DomainName> Verification::domains() const {
  std::vector<mail::DomainName> domains;
  for (const Candidate& candidate : state_->candidates) {
    if (!candidate.signature) continue;
    const auto& domain = candidate.signature->domain;
    if (std::find(domains.begin(), domains.end(), domain) == domains.end()) {
      domains.push_back(domain);
    }
  }
  return domains;
}

void Verification::blanks_lost() { state_->blanks_lost = true; }

void Verification::received(WallTime time) { state_->received = time; }

void Verification::body(std::string_view octets) { state_->body_hashes.text(octets); }

bool Verification::wants_body() const { return !state_->body_hashes.satisfied(); }

// The signature over the header counts only if the body is the one that was signed.
void Verification::State::compare_bodies() {
  body_ended = true;
  std::optional<FieldIndex> index;
  for (Candidate& candidate : candidates) {
    if (!candidate.signature) continue;
    candidate.body_matches = candidate.body.coverage != BodyHash::Coverage::too_short &&
                             candidate.body.digest.view() == candidate.signature->body_hash;
    if (!candidate.body_matches) continue;
    if (!index) index.emplace(*header);
    const SignedHeader signed_header(*candidate.signature, *candidate.field, *index);
    candidate.header = crypto::sha256(signed_header.text());
    if (!blanks_lost) continue;
    for (const auto& spelling : signed_header.other_spellings()) {
      candidate.other_headers.push_back(crypto::sha256(spelling));
    }
  }
}

void Verification::end_of_body() {
  state_->body_hashes.end();
  for (Candidate& candidate : state_->candidates) {
    if (candidate.signature) candidate.body = state_->body_hashes.get(candidate.wanted_hash());
  }
  state_->compare_bodies();
}

void Verification::end_of_body(const std::vector<BodyDigest>& digests) {
  for (Candidate& candidate : state_->candidates) {
    if (!candidate.signature) continue;
    const auto known = std::find_if(digests.begin(), digests.end(), [&](const BodyDigest& each) {
      return each.wanted == candidate.wanted_hash();
    });
    if (known != digests.end()) {
      candidate.body = known->found;
    } else {
      candidate.signature.reset();
      candidate.refused = {Code::neutral, "the digest of the body is not known"};
    }
  }
  state_->compare_bodies();
}

std::vector<BodyDigest> Verification::digests() const {
  std::vector<BodyDigest> all;
  if (!state_->body_ended) return all;
  for (const Candidate& candidate : state_->candidates) {
    if (!candidate.signature) continue;
    BodyDigest digest{candidate.wanted_hash(), candidate.body};
    if (std::find(all.begin(), all.end(), digest) == all.end()) all.push_back(digest);
  }
  return all;
}

dns::Evaluation<std::vector<SignatureResult>> Verification::evaluate(const dns::Answers& answers,
                                                                     WallTime now,
                                                                     crypto::KeyCache& keys) const {
  dns::Evaluation<std::vector<SignatureResult>> evaluation;
  for (dns::Question& question : questions()) {
    if (answers.find(question) == nullptr) evaluation.needed.push_back(std::move(question));
  }
  if (!evaluation.needed.empty() || !state_->body_ended) return evaluation;

  auto& results = evaluation.result.emplace();
  SignatureResult beyond_limit;
  beyond_limit.code = Code::policy;
  beyond_limit.reason =
      "only " + std::to_string(state_->options.max_signatures) + " signatures are verified";
  results.reserve(state_->verified.size());
  auto candidate = state_->candidates.begin();
  for (const bool verified : state_->verified) {
    results.push_back(verified ? to_result(*candidate, state_->find(*candidate, answers, now, keys))
                               : beyond_limit);
    if (verified) ++candidate;
  }
  return evaluation;
}

}  // namespace sekisho::dkim
