// mail/mta.h: the MTA that takes the mail from us. MTAs differ in how they change a header after a
// filter has seen it. sendmail rewrites the addresses of From when it delivers; Postfix does not.
// Thread: any.
#pragma once

#include <string_view>

#include "base/words.h"

namespace sekisho::mail {

enum class Mta {
  unknown,
  postfix,
  sendmail,
  own,  // our own SMTP front
};
constexpr auto words_of(Mta) {
  return words<Mta>({{Mta::unknown, "unknown"},
                     {Mta::postfix, "postfix"},
                     {Mta::sendmail, "sendmail"},
                     {Mta::own, "own"}});
}

// From the milter macro v, in which an MTA names itself: "Postfix 3.7.11", "8.17.1.9".
Mta mta_of_version(std::string_view version);

// Whether it may deliver From with other addresses than those that we judged. An unknown MTA is
// assumed to.
constexpr bool rewrites_author(Mta mta) { return mta == Mta::sendmail || mta == Mta::unknown; }

}  // namespace sekisho::mail
