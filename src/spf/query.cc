#include "spf/check_host.h"

namespace sekisho::spf {

namespace {

// RFC 7208 §2.3, §4.3: a missing local part is "postmaster".
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

}  // namespace

Query mail_from_query(const mail::IpAddress& client, std::string_view helo,
                      const mail::Path& mail_from, std::string_view receiver, WallTime now) {
  const std::string_view raw = mail_from.raw();
  if (raw.starts_with('<') && raw.ends_with('>')) {
    return mail_from_query(client, helo, mail::Path(raw.substr(1, raw.size() - 2)), receiver, now);
  }
  Query query = postmaster_query(Scope::mfrom, client, helo, receiver, now);
  if (mail_from.is_null()) return query;
  query.domain = std::string(mail_from.domain());
  if (const auto local = mail_from.local_part(); !local.empty()) query.local_part = local;
  return query;
}

Query helo_query(const mail::IpAddress& client, std::string_view helo, std::string_view receiver,
                 WallTime now) {
  return postmaster_query(Scope::helo, client, helo, receiver, now);
}

}  // namespace sekisho::spf
