// `sekisho quarantine expire`, `stats` and `verify`.
#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "cli/configuration.h"
#include "cli/held_text.h"
#include "cli/person.h"
#include "cli/quarantine_store.h"
#include "config/values.h"
#include "mail/mailbox.h"

namespace sekisho::cli {

namespace {

// The newest messages that a summary names.
constexpr std::size_t newest = 20;

std::string numbers(const quarantine::Stats& stats) {
  const auto line = [](const char* label, const std::string& value) {
    std::string text(label);
    text.resize(std::max<std::size_t>(text.size() + 1, 22), ' ');
    return text + value + "\n";
  };
  std::string text = line("held", std::to_string(stats.held));
  text += line("being released", std::to_string(stats.released));
  text += line("expire within a day", std::to_string(stats.expire_within_day));
  if (stats.oldest) text += line("oldest", short_time(*stats.oldest) + " UTC");
  text += line("size", short_size(stats.octets) +
                           (stats.max_size == 0 ? "" : " of " + short_size(stats.max_size)));
  text += line("delivered", std::to_string(stats.delivered));
  text += line("deleted", std::to_string(stats.deleted));
  text += line("expired", std::to_string(stats.expired));
  return text;
}

nlohmann::json numbers_json(const quarantine::Stats& stats) {
  return {{"held", stats.held},
          {"released", stats.released},
          {"delivered", stats.delivered},
          {"deleted", stats.deleted},
          {"expired", stats.expired},
          {"octets", stats.octets},
          {"max_size", stats.max_size},
          {"oldest", stats.oldest ? to_iso8601(*stats.oldest) : ""},
          {"expire_within_day", stats.expire_within_day}};
}

// A message for sendmail -t. Senders' texts are only in its body, escaped.
std::string summary_message(const std::string& to, const std::string& host, WallTime now,
                            const std::string& subject, const std::string& body) {
  return "From: Sekisho <postmaster@" + host + ">\nTo: " + to + "\nSubject: " + subject +
         "\nDate: " + to_rfc5322(now) +
         "\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
         "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n" +
         body;
}

int print_mail(OpenStore& open, const std::string& to, const quarantine::Stats& stats) {
  const auto mailbox = mail::Mailbox::parse(to);
  const bool local = !to.empty() && std::all_of(to.begin(), to.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
  if (!mailbox && !local) return complain(usage, "--mail: no address");
  const WallTime now = wall_now();
  FilterOptions filter;
  filter.limit = newest;
  const auto rows = find_held(*open.store, filter, now);
  if (!rows) return complain(rows.error());
  std::string body = numbers(stats);
  if (!rows->empty()) {
    body += "\nThe newest:\n\n" + held_table(*rows, 78, Charset::utf8, false) +
            "\n`sekisho quarantine show ID` tells why one is held, `release ID` delivers it.\n";
  }
  const std::string host = own_name(open.settings);
  const std::string subject = "Quarantine of " + escape_for_log(host, 200) + ": " +
                              std::to_string(stats.held) + " held, " +
                              std::to_string(stats.expire_within_day) + " expire within a day";
  std::fputs(summary_message(mailbox ? mailbox->text() : to, host, now, subject, body).c_str(),
             stdout);
  return ok;
}

void print_found(const char* what, const std::vector<std::string>& ids) {
  for (const auto& id : ids) std::printf("%s  %s\n", escape_for_log(id).c_str(), what);
}

}  // namespace

int quarantine_expire(const KeepOptions& options) {
  std::optional<std::chrono::seconds> keep;
  if (!options.older.empty()) {
    const auto older = config::parse_duration(options.older);
    if (!older) return complain(usage, "--older: " + older.error().what);
    keep = std::chrono::duration_cast<std::chrono::seconds>(*older);
  }
  auto open = open_store(options.config);
  if (!open) return complain(open.error());
  const WallTime now = wall_now();
  const auto due = open->store->due(now, keep);
  if (!due) return complain(complaint_of(due.error()));
  // Printed first, so that a wrong clock is noticed.
  std::printf("now it is %s UTC: %llu of %llu messages were held before %s UTC%s\n",
              short_time(now).c_str(), static_cast<unsigned long long>(due->messages),
              static_cast<unsigned long long>(due->all), short_time(due->before).c_str(),
              options.dry_run ? " and would expire" : "");
  if (options.dry_run) return ok;
  std::fflush(stdout);
  const auto expired = open->store->expire_now(now, keep);
  if (!expired) return complain(complaint_of(expired.error()));
  ActLog(open->settings).tell("quarantine expire", "", std::to_string(*expired) + " expired");
  std::printf("%llu expired\n", static_cast<unsigned long long>(*expired));
  return ok;
}

int quarantine_stats(const KeepOptions& options) {
  auto open = open_store(options.config);
  if (!open) return complain(open.error());
  const auto stats = open->store->stats(wall_now());
  if (!stats) return complain(complaint_of(stats.error()));
  if (options.mail)
    return print_mail(*open, options.mail->empty() ? "postmaster" : *options.mail, *stats);
  std::fputs(options.json ? (numbers_json(*stats).dump() + "\n").c_str() : numbers(*stats).c_str(),
             stdout);
  return ok;
}

int quarantine_verify(const KeepOptions& options) {
  auto open = open_store(options.config);
  if (!open) return complain(open.error());
  const auto found = open->store->verify(options.contents);
  if (!found) return complain(complaint_of(found.error()));
  print_found("the message is missing: its row has no file", found->without_file);
  print_found("no row knows this file: the daemon indexes it when it starts", found->without_row);
  print_found("the file is not what was written", found->damaged);
  std::printf("%llu messages compared: %s\n", static_cast<unsigned long long>(found->messages),
              found->clean() ? "all is well" : "see above");
  return found->clean() ? ok : data_error;
}

}  // namespace sekisho::cli
