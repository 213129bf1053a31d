// mail/sendmail_cf.h: reads two things from sendmail's configuration file: whether it replaces the
// domain of a From address by the target of its CNAME, and which filters it asks. Both stand in
// lines that sendmail's own m4 writes.
// Thread: any.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sekisho::mail {

inline constexpr const char* sendmail_cf_path = "/etc/mail/sendmail.cf";
inline constexpr const char* sendmail_cf_advice =
    "sendmail follows aliases (CNAME) in the addresses that it delivers, so From may show another "
    "domain than the one that "
    "was judged; put define(`confDONT_EXPAND_CNAMES', `True')dnl into sendmail.mc, see "
    "docs/sendmail.md";

struct SendmailCf {
  bool follows_aliases = false;
  std::vector<std::string> filters;  // "unix:/run/x.sock", "inet:8890@127.0.0.1"
};

SendmailCf parse_sendmail_cf(std::string_view text);
// nullopt if there is no such file, or it cannot be read.
std::optional<SendmailCf> read_sendmail_cf(const std::string& path = sendmail_cf_path);

}  // namespace sekisho::mail
