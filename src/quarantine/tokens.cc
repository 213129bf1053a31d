#include "quarantine/tokens.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include <sys/random.h>

#include "base/ascii.h"
#include "base/encoding.h"
#include "quarantine/bound_header.h"
#include "quarantine/row.h"
#include "quarantine/tables.h"

namespace sekisho::quarantine {

namespace {

// An MTA that queues a released message passes it to the filter within its own retries.
constexpr std::chrono::hours queue_life{24};

std::string canonical(std::vector<std::string> recipients) {
  for (auto& recipient : recipients) {
    const auto at = recipient.rfind('@');
    if (at != std::string::npos)
      recipient = recipient.substr(0, at) + ascii::lower(recipient.substr(at));
  }
  std::sort(recipients.begin(), recipients.end());
  recipients.erase(std::unique(recipients.begin(), recipients.end()), recipients.end());
  return join(recipients);
}

// Why a used token lets no message pass.
std::string why_over(const Token& token, const session::ReleaseProof& proof, bool open,
                     WallTime now) {
  switch (token.use) {
    case TokenUse::passed:
      return "the message of that token has passed already";
    case TokenUse::open:
      return open ? "" : "the release has ended";
    case TokenUse::queued:
      if (token.time + queue_life < now) return "the token is older than a day";
      return proof.from_this_host ? "" : "it comes from another host than the release";
    case TokenUse::over:
    case TokenUse::ended:
      break;
  }
  return "the release has ended";
}

}  // namespace

std::string envelope_of(const std::string& mail_from, const std::vector<std::string>& recipients) {
  return canonical({mail_from}) + "\n\n" + canonical(recipients);
}

Outcome<std::string> make_token() {
  std::array<char, 16> octets{};
  if (::getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size()))
    return failed(spool::failure_of_errno(errno, "draw a token"));
  return hex_encode({octets.data(), octets.size()});
}

Outcome<void> add_token(Database& database, std::string_view text, const Token& token) {
  auto added = database.run(
      "INSERT INTO tokens (token, id, body_hash, recipients, header, time, used)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      {text, token.id, token.body_hash, token.envelope, token.header, seconds(token.time),
       static_cast<std::int64_t>(token.use)});
  if (!added) return failed(added.error());
  return {};
}

Outcome<Token> find_token(Database& database, std::string_view text) {
  std::optional<Token> found;
  auto read = database.query(
      "SELECT id, body_hash, recipients, header, time, used FROM tokens WHERE token = ?1", {text},
      [&](const Row& row) {
        found = Token{std::string(row.text(0)), std::string(row.text(1)),
                      std::string(row.text(2)), std::string(row.text(3)),
                      time_of(row.integer(4)),  static_cast<TokenUse>(row.integer(5))};
        return true;
      });
  if (!read) return failed(read.error());
  if (!found) return failed(Failure::Kind::refused, "no release has that token");
  return std::move(*found);
}

std::string why_not(const Token& token, const session::ReleaseProof& proof, bool open,
                    WallTime now) {
  if (auto why = why_over(token, proof, open, now); !why.empty()) return why;
  if (token.body_hash != hex_encode(proof.body_sha256))
    return "the body is not the one that was released";
  if (token.envelope != envelope_of(proof.mail_from, proof.recipients))
    return "sender or recipients are not those it was released with";
  if (auto difference = header_difference(token.header, proof); !difference.empty())
    return "the header is not the one that was released: " + difference;
  return "";
}

Outcome<bool> has_passed(Database& database, std::string_view text) {
  bool passed = false;
  auto read =
      database.query("SELECT used FROM tokens WHERE token = ?1", {text}, [&](const Row& row) {
        passed = row.integer(0) == static_cast<std::int64_t>(TokenUse::passed);
        return true;
      });
  if (!read) return failed(read.error());
  return passed;
}

Outcome<void> use_token(Database& database, std::string_view text, TokenUse use) {
  auto changed = database.run("UPDATE tokens SET used = ?2, header = '' WHERE token = ?1",
                              {text, static_cast<std::int64_t>(use)});
  if (!changed) return failed(changed.error());
  return {};
}

Outcome<void> end_token(Database& database, std::string_view text, TokenUse use) {
  auto changed = database.run(
      "UPDATE tokens SET used = ?2, header = CASE ?2 WHEN ?4 THEN header ELSE '' END"
      " WHERE token = ?1 AND used = ?3",
      {text, static_cast<std::int64_t>(use), static_cast<std::int64_t>(TokenUse::open),
       static_cast<std::int64_t>(TokenUse::queued)});
  if (!changed) return failed(changed.error());
  return {};
}

Outcome<void> end_releases(Database& database, std::string_view id) {
  auto ended = database.run(
      "UPDATE tokens SET used = ?2 WHERE id = ?1 AND used = ?3",
      {id, static_cast<std::int64_t>(TokenUse::over), static_cast<std::int64_t>(TokenUse::open)});
  if (!ended) return failed(ended.error());
  return {};
}

}  // namespace sekisho::quarantine
