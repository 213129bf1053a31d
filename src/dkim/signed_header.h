// dkim/signed_header.h: the octets of the header that a signature covers (RFC 6376 §3.7), and their
// other possible spellings. An MTA that speaks an old milter protocol removes one space after each
// colon (sendmail before 8.14, Postfix with milter_protocol below 6). Nearly every field has one,
// so it is put back. But only a signature can tell whether "Subject:x" was "Subject: x", and
// c=simple depends on it. All spellings mean the same to every reader, and none passes unless the
// signer wrote it. Bounded: 64 spellings.
// Errors: none. Thread: immutable; the header must outlive it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "dkim/field_index.h"
#include "dkim/signature.h"
#include "mail/header.h"

namespace sekisho::dkim {

class SignedHeader {
 public:
  static constexpr std::size_t max_spellings = 64;

  // `field`: the field of the signature.
  SignedHeader(const Signature& signature, const mail::HeaderField& field, const FieldIndex& index);

  // The signed fields in the order of h=, then the signature's own without the value of b= and
  // without its CRLF.
  std::string text() const { return spelled({}); }
  // The other spellings, the likeliest first. None if the canonical form does not keep the blank.
  std::vector<std::string> other_spellings() const;

 private:
  // The places of the fields that had no space, so that the MTA removed none.
  using Places = std::vector<std::size_t>;
  std::string spelled(const Places& without) const;

  Canonicalisation form_;
  std::vector<const mail::HeaderField*> fields_;  // the signature's own last
};

}  // namespace sekisho::dkim
