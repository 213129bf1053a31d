#include "config/checks.h"
#include "config/key_rows.h"

namespace sekisho::config {

namespace {

constexpr std::chrono::milliseconds hour = std::chrono::hours(1);

// How long messages are kept.
Rows keeping_keys() {
  return {
      {.name = "keep",
       .slot = at<Settings>(
           duration<std::chrono::seconds>(hour, hour * 24 * 3650),
           [](auto& s) -> auto& { return s.quarantine.keep; }),
       .reload = Reload::restart,
       .text = "How long a message is kept in the store. After that it expires."},
      {.name = "keep_deleted",
       .slot = at<Settings>(
           duration<std::chrono::seconds>(std::chrono::milliseconds(0), hour * 24 * 3650),
           [](auto& s) -> auto& { return s.quarantine.keep_deleted; }),
       .reload = Reload::restart,
       .text =
           "How long a message that somebody deleted can be brought back with sekisho quarantine "
           "undelete; it takes its place on the disk until then, and is gone with keep at the "
           "latest. \"0s\": it is gone at once."},
  };
}

Rows quarantine_keys() {
  using session::QuarantineWhere;
  using session::WhenFull;
  Rows rows = {
      {.name = "where",
       .slot = at<Settings>(
           choice<QuarantineWhere>(), [](auto& s) -> auto& { return s.session.quarantine.where; }),
       .text =
           "Where a quarantined message goes. mta: the hold queue of Postfix (postqueue -p, "
           "postsuper -H) or the quarantine of sendmail; with several recipients it is held for "
           "all. store: our own store (sekisho quarantine), for just the recipients whose rules "
           "hold it. junk: it is delivered with the field "
           "\"X-Sekisho-Disposition: quarantine\", for a Sieve rule that files it; that field is "
           "removed from all inbound mail. With a [[listener]] the default is store, and mta needs "
           "a [[milter]]."},
      {.name = "dir",
       .slot = at<Settings>(
           path(), [](auto& s) -> auto& { return s.quarantine.dir; }),
       .reload = Reload::restart,
       .text = "The folder of the store: the index and one file for each message. Nobody but the "
               "daemon's user may write to it; it is made when its parent exists."},
      {.name = "max_size",
       .slot = at<Settings>(
           size(0, std::uint64_t{1} << 50), [](auto& s) -> auto& { return s.quarantine.max_size; }),
       .reload = Reload::restart,
       .text = "How much the messages of the store may take up together; \"0\" is no limit. What "
               "nobody has seen is never removed to make room: when_full says what happens."},
      {.name = "when_full",
       .slot = at<Settings>(
           choice<WhenFull>(), [](auto& s) -> auto& { return s.session.quarantine.when_full; }),
       .text = "What answers a message that is to be held when max_size is reached. tempfail: the "
               "sender tries again. mta: the MTA holds it. reject: it is refused."},
      {.name = "release_via",
       .slot = at<Settings>(
           text("smtp:HOST:PORT, sendmail:/PATH or queue", check_release_route),
           [](auto& s) -> auto& { return s.quarantine.release_via; }),
       .sample = R"("sendmail:/usr/sbin/sendmail")",
       .text =
           "How a released message goes back to the MTA. smtp: by SMTP, without a login, so the "
           "MTA must relay for this host. sendmail: by that program, which the command runs; "
           "the daemon runs nothing. Either way it passes the MTA's other filters again, and ours "
           "knows it by a proof that works once. queue: by our own queue and routes, which need a "
           "[[listener]]. A message that came by a listener goes back that way, whatever is "
           "written here."},
  };
  // After the folder.
  const auto keeping = keeping_keys();
  rows.insert(rows.begin() + 2, keeping.begin(), keeping.end());
  return rows;
}

}  // namespace

Section quarantine_section() {
  return {.name = "quarantine",
          .text = "Where messages are held.",
          .keys = quarantine_keys(),
          .check = check_quarantine};
}

}  // namespace sekisho::config
