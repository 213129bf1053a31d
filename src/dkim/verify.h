// dkim/verify.h: verifies the DKIM-Signature fields of one message.
// RFC 6376 §6, RFC 8301, 8463, 8616. The body is hashed while it arrives, once per canonicalisation
// whatever the lengths. Everything else is a pure function of the header, the hashes and the
// answers known so far.
//   Verification v(options);
//   v.start(header);                          // the header is complete: parses the signatures
//   v.body(octets); v.body(octets); v.end_of_body();
//   auto e = v.evaluate(answers, now, keys);  // as often as answers come in
// Errors: are results; never throws.
// Thread: one owner (KeyCache: any).
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "crypto/key_cache.h"
#include "dkim/body_hash.h"
#include "dkim/options.h"
#include "dkim/result.h"
#include "dns/answers.h"
#include "mail/header.h"

namespace sekisho::dkim {

// A digest of the body, as a signature requests it.
struct BodyDigest {
  WantedHash wanted;
  BodyHash found;
  bool operator==(const BodyDigest&) const = default;
};

class Verification {
 public:
  explicit Verification(const Options& options);
  ~Verification();
  Verification(Verification&&) noexcept;
  Verification& operator=(Verification&&) noexcept;

  // The key that one DKIM-Signature value names, while the header is still arriving: a hint.
  // start() does not parse it again.
  std::optional<dns::Question> key_question(std::string_view signature_value);
  // `header` must outlive this object. `author`: when there are more than max_signatures,
  // signatures of this domain and of domains near it are verified first; nullptr: the first ones
  // are.
  void start(const mail::Header& header, const mail::DomainName* author = nullptr);
  // The MTA removed a space after each colon; it was put back everywhere, also where there was
  // none. So c=simple is tried with and without it (signed_header.h).
  void blanks_lost();
  // When the message was first received on our side, if that is reliably known and earlier than
  // `now`. The x= tag is compared with it (§3.5). A time in the future counts as `now`.
  void received(WallTime time);
  // The questions for the keys of the signatures that will be verified.
  std::vector<dns::Question> questions() const;
  // The d= of those signatures, each once.
  std::vector<mail::DomainName> domains() const;
  void body(std::string_view octets);
  void end_of_body();
  // Instead of a body: the digests from an earlier verification of the same message. A signature
  // that needs another digest is `neutral`.
  void end_of_body(const std::vector<BodyDigest>& digests);
  // After end_of_body(): the digests that the signatures need, each once.
  std::vector<BodyDigest> digests() const;
  // One result per DKIM-Signature field, top to bottom. Before end_of_body() only `needed` is
  // filled.
  dns::Evaluation<std::vector<SignatureResult>> evaluate(const dns::Answers& answers, WallTime now,
                                                         crypto::KeyCache& keys) const;
  // False if no signature needs the body: the front may skip it.
  bool wants_body() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sekisho::dkim
