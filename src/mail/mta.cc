#include "mail/mta.h"

#include "base/ascii.h"

namespace sekisho::mail {

Mta mta_of_version(std::string_view version) {
  if (version.starts_with("Postfix ")) return Mta::postfix;
  // sendmail sends only its version, which has begun with an 8 since 1993.
  const bool sendmail =
      version.starts_with("8.") && version.size() > 2 && ascii::is_digit(version[2]);
  return sendmail ? Mta::sendmail : Mta::unknown;
}

}  // namespace sekisho::mail
