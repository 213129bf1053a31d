// accounts/options.h: who may log in, who may send as whom, and other names of recipients. [users],
// [aliases].
// Thread: immutable values.
#pragma once

#include <string>
#include <vector>

namespace sekisho::accounts {

struct UserOptions {
  // "file:PATH", "dovecot:PATH" or "saslauthd:PATH"; empty: nobody can log in.
  std::string source;
  std::string senders;  // "file:PATH"; empty: a login sends as its own address only
};

struct AliasOptions {
  std::vector<std::string> files = {"/etc/aliases"};
  // Where bare names on the left hold; empty: hostname, localhost, origin, and the domains of
  // routes whose recipients are users or that deliver by LMTP.
  std::vector<std::string> domains;
  std::string delimiter = "+";
  std::string srs_domain;  // empty: origin
  std::string srs_secret_file = "/var/lib/sekisho/srs";
};

}  // namespace sekisho::accounts
