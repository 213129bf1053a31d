// dkim/signed_header.h: what a signature covers of the header, as octets (RFC 6376 §3.7), and the
// other ways in which it may have stood there. An MTA that speaks an old milter protocol eats one
// space after each colon (sendmail before 8.14, Postfix with milter_protocol below 6). Nearly every
// field has one, so it is put back; but whether "Subject:x" was "Subject: x" only a signature can
// tell, and c=simple needs to know. All spellings mean the same to every reader, and none passes
// unless the signer wrote it. Bounded: 64 spellings. Errors: none. Thread: immutable; the header
// must outlive it.
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

  // `field`: the one that the signature was read from.
  SignedHeader(const Signature& signature, const mail::HeaderField& field, const FieldIndex& index);

  // The signed fields in the order of h=, then the signature's own without the value of b= and
  // without its CRLF.
  std::string text() const { return spelled({}); }
  // The others, the likeliest first. None where the canonical form does not keep the blank.
  std::vector<std::string> other_spellings() const;

 private:
  // `without`: the fields, by their place here, whose first space the MTA did not eat, for there
  // was none.
  using Places = std::vector<std::size_t>;
  std::string spelled(const Places& without) const;

  Canonicalisation form_;
  std::vector<const mail::HeaderField*> fields_;  // the signature's own last
};

}  // namespace sekisho::dkim
