#include "spf/check_host.h"

namespace sekisho::spf {

namespace {

// RFC 7208 §2.3, §4.3: who is not named is the postmaster.
constexpr std::string_view postmaster = "postmaster";

Query postmaster_query(Scope scope, const mail::IpAddress& client, std::string_view helo,
                       std::string_view receiver, WallTime now) {
  return Query{scope,
               client,
               std::string(helo),
               std::string(postmaster),
               std::string(helo),
               std::string(receiver),
               now};
}

// RFC 5321 appendix C: `@a,@b:user@domain` names user@domain.
std::string_view without_source_route(std::string_view path) {
  if (!path.starts_with('@')) return path;
  const std::size_t colon = path.find(':');
  return colon == std::string_view::npos ? path : path.substr(colon + 1);
}

}  // namespace

Query mail_from_query(const mail::IpAddress& client, std::string_view helo,
                      std::string_view mail_from, std::string_view receiver, WallTime now) {
  if (mail_from.starts_with('<') && mail_from.ends_with('>')) {
    mail_from = mail_from.substr(1, mail_from.size() - 2);
  }
  Query query = postmaster_query(Scope::mfrom, client, helo, receiver, now);
  if (mail_from.empty()) return query;
  mail_from = without_source_route(mail_from);
  // The domain follows the last "@": one before it can only be part of a quoted local part.
  const std::size_t at = mail_from.rfind('@');
  query.domain =
      at == std::string_view::npos ? std::string() : std::string(mail_from.substr(at + 1));
  if (at != 0) query.local_part = mail_from.substr(0, at);
  return query;
}

Query helo_query(const mail::IpAddress& client, std::string_view helo, std::string_view receiver,
                 WallTime now) {
  return postmaster_query(Scope::helo, client, helo, receiver, now);
}

}  // namespace sekisho::spf
