// quarantine/tokens.h: the tokens with which released messages return through the MTA: each lets
// one message pass, once, and only the message for which it was made.
// Errors: Failure. Thread: the owner of the database; changes within a transaction.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "session/ports.h"
#include "spool/database.h"

namespace sekisho::quarantine {

// The state of the token of a release. `over`: the release failed or was taken over by another one,
// or the message was deleted or has expired. `ended`: the MTA has the message, and no filter has
// seen the token. `queued`: the same, but the filter will still see it. The numbers are those in
// the index.
enum class TokenUse : std::int64_t { open = 0, passed = 1, over = 2, ended = 3, queued = 4 };

struct Token {
  std::string id;  // of the message
  std::string body_hash;
  std::string envelope;  // envelope_of()
  std::string header;    // bound_header.h
  WallTime time{};
  TokenUse use = TokenUse::open;
};

// Sender and recipients; domains without regard to case, recipients in any order, each once.
std::string envelope_of(const std::string& mail_from, const std::vector<std::string>& recipients);

// 32 unpredictable hex digits.
spool::Outcome<std::string> make_token();
spool::Outcome<void> add_token(spool::Database& database, std::string_view text,
                               const Token& token);
// `refused`: no release has this token.
spool::Outcome<Token> find_token(spool::Database& database, std::string_view text);
// Why the message is not the one of the token; empty if it is. `open`: its release is not over.
std::string why_not(const Token& token, const session::ReleaseProof& proof, bool open,
                    WallTime now);
// Whether the filter has let its message pass; false if there is no token.
spool::Outcome<bool> has_passed(spool::Database& database, std::string_view text);

// Removes the header of a token that can no longer be used.
spool::Outcome<void> use_token(spool::Database& database, std::string_view text, TokenUse use);
// Ends the token with its release, unless the filter has seen it.
spool::Outcome<void> end_token(spool::Database& database, std::string_view text, TokenUse use);
// Ends the tokens of broken-off releases of the message, which may still be on its way.
spool::Outcome<void> end_releases(spool::Database& database, std::string_view id);

}  // namespace sekisho::quarantine
