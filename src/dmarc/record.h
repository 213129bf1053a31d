// dmarc/record.h: parses a DMARC Policy Record. RFC 9989 §4.7, §4.8; RFC 7489 §6.3 for `pct`.
// Linear in the length of the text.
// Errors: ParseError if the text is not a DMARC record and must be discarded (RFC 9989 §4.10 step
// 2); any later error gives the default of its tag.
// Thread: immutable values.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "dmarc/result.h"

namespace sekisho::dmarc {

//   dmarc-record  = dmarc-version *(dmarc-sep dmarc-tag) [dmarc-sep]
//   dmarc-version = "v" equals %s"DMARC1"
//   dmarc-tag     = 1*ALPHA equals 1*dmarc-value
//   equals        = *WSP "=" *WSP
//   dmarc-sep     = *WSP ";" *WSP
//   dmarc-value   = %x20-3A / %x3C-7E
struct Record {
  Published published;
  // False: p, sp or np is not usable and nobody is asked to report, so DMARC is not applied (RFC
  // 9989 §4.10.1).
  bool usable = true;
  std::string defect;  // for people: what was wrong with the policy tags; empty when nothing was
  unsigned pct = 100;  // only RFC 7489 reads it
};

Expected<Record> parse_record(std::string_view text);

}  // namespace sekisho::dmarc
