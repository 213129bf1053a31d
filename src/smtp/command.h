// smtp/command.h: the grammar of commands: a line into its verb, and the arguments of MAIL and RCPT
// with their parameters. RFC 5321 §4.1, RFC 1870 (SIZE), 3461 (RET, ENVID, NOTIFY, ORCPT), 4954
// (AUTH=), 6152 (BODY), 6531 (SMTPUTF8). What people type by hand is understood: a blank behind the
// colon, an address without brackets, lower case. Addresses keep the client's octets; a source
// route is dropped (RFC 5321 appendix C).
// Errors: the reply that the client gets. Thread: any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/words.h"
#include "mail/path.h"
#include "smtp/reply.h"

namespace sekisho::smtp {

// RFC 5321 §4.5.3.1.4 says 512; the parameters of extensions add to that (RFC 3461 §5, 6531 §3.4).
// Postfix takes 2,048, and nothing longer is written by a program that means well. CRLF included.
inline constexpr std::size_t most_command_octets = 2048;
// RFC 4954 §4: a line of an AUTH exchange may have 12,288 octets.
inline constexpr std::size_t most_login_octets = 12288;
// RFC 5321 §4.5.3.1.3, without the brackets.
inline constexpr std::size_t most_path_octets = 256;

enum class Verb {
  helo,
  ehlo,
  mail,
  rcpt,
  data,
  rset,
  noop,
  quit,
  vrfy,
  expn,
  help,
  starttls,
  auth,
  bdat,
  etrn,
  xclient,
  http,     // a method of HTTP: a browser that was made to speak to us
  unknown,  // anything else
};
// As Postfix names them in "disconnect from".
constexpr auto words_of(Verb) {
  return words<Verb>({{Verb::helo, "helo"},
                      {Verb::ehlo, "ehlo"},
                      {Verb::mail, "mail"},
                      {Verb::rcpt, "rcpt"},
                      {Verb::data, "data"},
                      {Verb::rset, "rset"},
                      {Verb::noop, "noop"},
                      {Verb::quit, "quit"},
                      {Verb::vrfy, "vrfy"},
                      {Verb::expn, "expn"},
                      {Verb::help, "help"},
                      {Verb::starttls, "starttls"},
                      {Verb::auth, "auth"},
                      {Verb::bdat, "bdat"},
                      {Verb::etrn, "etrn"},
                      {Verb::xclient, "xclient"},
                      {Verb::http, "http"},
                      {Verb::unknown, "unknown"}});
}

struct Command {
  Verb verb = Verb::unknown;
  std::string_view argument;  // without blanks around it
};
// `line`: without its CRLF.
Command read_command(std::string_view line);

// What this client may use.
struct EnvelopeRules {
  bool smtputf8 = false;
  std::uint64_t message_size = 0;  // 0: no limit
};

// The parameters that stay with the message are kept as written: "BODY=8BITMIME", "RET=HDRS".
struct MailArguments {
  mail::Path path;
  std::vector<std::string> parameters = {};
  std::uint64_t size = 0;  // as announced; 0: it was not
  bool smtputf8 = false;
};
struct RcptArguments {
  mail::Path path;
  std::vector<std::string> parameters = {};
};
// `argument`: "FROM:<a@b> SIZE=1000".
Expected<MailArguments, Reply> read_mail(std::string_view argument, const EnvelopeRules& rules);
// `argument`: "TO:<a@b> NOTIFY=NEVER". `smtputf8`: MAIL said so.
Expected<RcptArguments, Reply> read_rcpt(std::string_view argument, bool smtputf8);

// RFC 3461 §4: the octets that an xtext means; nullopt if it is none, or means an octet that is not
// printable ASCII.
std::optional<std::string> decode_xtext(std::string_view text);

// The name in HELO or EHLO is a literal, an address, or labels of letters, digits, `-` and `_`.
bool is_well_formed_helo(std::string_view name);

}  // namespace sekisho::smtp
