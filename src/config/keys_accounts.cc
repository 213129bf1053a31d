// [users], [aliases].
#include "config/smtp_values.h"

namespace sekisho::config {
namespace {

Rows users_keys() {
  return {
      {.name = "source",
       .slot = at<Settings>(
           path_by_kind({"file", "dovecot", "saslauthd"}),
           [](auto& s) -> auto& { return s.users.source; }),
       .sample = R"("file:/etc/sekisho/users")",
       .text = "Who may log in. file: lines \"alice@example.jp:HASH\", which sekisho user writes "
               "(crypt(5)). dovecot: the socket of Dovecot's auth service, "
               "\"dovecot:/run/dovecot/auth-client\". saslauthd: \"saslauthd:/run/saslauthd/mux\". "
               "A source that does not answer is 454, and nobody's failure. Empty: nobody can log "
               "in."},
      {.name = "senders",
       .slot = at<Settings>(
           path_by_kind({"file"}), [](auto& s) -> auto& { return s.users.senders; }),
       .sample = R"("file:/etc/sekisho/senders")",
       .text = "As whom a login may send: lines \"alice@example.jp: sales@example.jp, "
               "@shop.example\"; \"alice: *\" is anybody. Without it a login is its own address, "
               "with extensions; one without an @ owns that name in every domain of "
               "identity.domains."},
  };
}

Rows aliases_keys() {
  return {
      {.name = "files",
       .slot = at<Settings>(
           paths(), [](auto& s) -> auto& { return s.aliases.files; }),
       .text = "Files of other names, as in aliases(5): name, name@domain, @domain; lists, and "
               ":include:. Programs and files as targets are not served: such a name is answered "
               "451. They are read again when they change."},
      {.name = "domains",
       .slot = at<Settings>(
           texts("domains", check_host_name), [](auto& s) -> auto& { return s.aliases.domains; }),
       .sample = R"(["example.jp"])",
       .text =
           "Where names without a domain on the left hold. Empty: the hostname, localhost, "
           "identity.origin, and the domains of routes with recipients = \"users\" or by lmtp."},
      {.name = "delimiter",
       .slot = at<Settings>(
           text("one character", check_delimiter),
           [](auto& s) -> auto& { return s.aliases.delimiter; }),
       .text = "What separates a name from its extension, as in alice+lists@example.jp. It is "
               "taken off for users, files of recipients and aliases; LMTP gets the address as it "
               "is. Empty: there are no extensions."},
      {.name = "srs_domain",
       .slot = at<Settings>(
           text("a domain", check_host_name),
           [](auto& s) -> auto& { return s.aliases.srs_domain; }),
       .sample = R"("example.jp")",
       .text = "The domain of rewritten senders (SRS) of mail that is forwarded outside. Empty: "
               "identity.origin."},
      {.name = "srs_secret_file",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.aliases.srs_secret_file; }),
       .text = "The secret that proves our rewritten senders; the first start makes it."},
  };
}

}  // namespace

Section users_section() {
  return {.name = "users", .text = "Logins of our own users.", .keys = users_keys()};
}

Section aliases_section() {
  return {.name = "aliases", .text = "Other names of recipients.", .keys = aliases_keys()};
}

}  // namespace sekisho::config
