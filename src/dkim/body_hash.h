// dkim/body_hash.h: the body hashes that the signatures want, while the body streams by.
// RFC 6376 §3.7 with `l=` of §3.5. The body is canonicalised and hashed at most once per
// canonicalisation: the hash of its first octets is an intermediate state of the hash of the whole.
// Errors: none. Thread: one owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/words.h"
#include "crypto/digest.h"
#include "dkim/canonical.h"

namespace sekisho::dkim {

// A hash over the first `length` octets of the canonical body; over all of it without a length.
struct WantedHash {
  Canonicalisation form = Canonicalisation::simple;
  std::optional<std::uint64_t> length;
  bool operator==(const WantedHash&) const = default;
};

struct BodyHash {
  enum class Coverage {
    whole,     // all of the body
    part,      // the body has octets beyond the length
    too_short  // the body ends before the length; there is no digest
  };
  Coverage coverage = Coverage::whole;
  crypto::Sha256Digest digest;
  bool operator==(const BodyHash&) const = default;
};
constexpr auto words_of(BodyHash::Coverage) {
  return words<BodyHash::Coverage>({{BodyHash::Coverage::whole, "whole"},
                                    {BodyHash::Coverage::part, "part"},
                                    {BodyHash::Coverage::too_short, "too-short"}});
}

class BodyHashes {
 public:
  // Call before the body. The same request twice is one hash.
  void want(const WantedHash& wanted);

  void text(std::string_view octets);
  void end();
  // No further octet of the body can change a hash.
  bool satisfied() const;
  // Call after end(), for a hash that was requested.
  BodyHash get(const WantedHash& wanted) const;

 private:
  // All hashes over one canonical form.
  class Form final : public BodySink {
   public:
    explicit Form(Canonicalisation form) : canonicaliser_(form, *this) {}
    Form(const Form&) = delete;
    Form& operator=(const Form&) = delete;

    void want(std::optional<std::uint64_t> length);
    void text(std::string_view octets);
    void end();
    void canonical(std::string_view octets) override;
    bool satisfied() const;
    BodyHash get(std::optional<std::uint64_t> length) const;

   private:
    struct Stop {
      std::uint64_t length;
      std::optional<crypto::Sha256Digest> digest;
    };
    BodyCanonicaliser canonicaliser_;
    crypto::Sha256 sha256_;
    std::uint64_t received_ = 0;  // octets of the body so far
    std::uint64_t octets_ = 0;    // of the canonical body so far
    std::vector<Stop> stops_;     // by length
    std::size_t next_stop_ = 0;
    bool whole_wanted_ = false;
    crypto::Sha256Digest whole_;
  };

  std::unique_ptr<Form>& form(Canonicalisation form) { return forms_[form]; }
  By<Canonicalisation, std::unique_ptr<Form>> forms_;
};

}  // namespace sekisho::dkim
