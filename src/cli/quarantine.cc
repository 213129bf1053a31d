#include "cli/quarantine.h"

#include <CLI/CLI.hpp>

#include "base/encoding.h"
#include "cli/option_checks.h"
#include "cli/quarantine_store.h"
#include "cli/when.h"

namespace sekisho::cli {

namespace {

// Checked before the store is opened: a typing error is reported as such, whatever else is wrong.
std::string check_time(const std::string& text) {
  if (text.empty() || parse_when(text, wall_now())) return "";
  return "write 2026-11-21, 2026-11-21T09:30:00Z, or how long ago, as in 36h or 2d";
}

std::string check_state(const std::string& text) {
  if (text.empty() || text == "any" || parse_word<quarantine::State>(text)) return "";
  return "one of held, released, delivered, deleted, expired, any";
}

std::string check_pattern(const std::string& text) {
  const auto pattern = mail::NamePattern::parse(text);
  return pattern ? "" : escape_for_terminal(pattern.error().what);
}

void add_filter(CLI::App& verb, FilterOptions& filter) {
  verb.add_option("--since", filter.since, "Held at this time or later: 2026-11-21, or 2d for ago")
      ->check(check_time);
  verb.add_option("--until", filter.until, "Held before this time")->check(check_time);
  verb.add_option("--from", filter.from,
                  "The envelope sender or the author: " + std::string(mail::name_pattern_forms))
      ->check(check_pattern);
  verb.add_option("--to", filter.to, "A recipient, as --from")->check(check_pattern);
  verb.add_option("--rule", filter.rule, "The rule that held it");
  verb.add_option("--state", filter.state,
                  "held, released, delivered, deleted, expired or any (default: what is still "
                  "here)")
      ->check(check_state);
  verb.add_option("--text", filter.text,
                  "Part of subject, author, sender, recipient, client, reason or Message-ID");
  verb.add_option("--limit", filter.limit,
                  "The latest so many; 0 is all (default: all, but in a list at a terminal 100)")
      ->check(check_whole_number);
}

template <class Options>
void add_ids(CLI::App& verb, Options& options) {
  verb.add_option("ID", options.ids, "Ids, - for standard input, ALL for what the filter matches")
      ->required();
}

// A verb with the common options; it runs `run` with its options.
template <class Options>
CLI::App* add_verb(CLI::App& parent, const char* name, const char* about, int& result,
                   int (*run)(const Options&), std::shared_ptr<Options>& options) {
  options = std::make_shared<Options>();
  auto* verb = parent.add_subcommand(name, about);
  verb->add_option("-c,--config", options->config,
                   "Configuration file (default /etc/sekisho/milter.conf)");
  verb->callback([options, run, &result] { result = run(*options); });
  return verb;
}

void add_looking(CLI::App& quarantine, int& result) {
  std::shared_ptr<QuarantineOptions> list;
  auto* verb =
      add_verb(quarantine, "list", "What is held, the latest first", result, quarantine_list, list);
  add_filter(*verb, list->filter);
  verb->add_flag("--json", list->json, "Print a JSON array, one object a line");

  std::shared_ptr<ShowOptions> show;
  verb = add_verb(quarantine, "show", "One held message; nothing in it is run or rendered", result,
                  quarantine_show, show);
  verb->add_option("ID", show->ids, "Its id")->required()->expected(1);
  auto* which = verb->add_option_group("what", "what of it (default: what is known of it)");
  which->add_flag("--headers", show->headers, "Its header");
  which->add_flag("--text", show->text, "Its text parts, decoded; attachments by name and size");
  which->add_flag("--raw", show->raw, "Every octet of it");
  which->add_flag("--why", show->why, "The decision that holds it");
  which->require_option(0, 1);
  verb->add_flag("--force", show->force, "--raw to a terminal too, control characters escaped");
  verb->add_flag("--json", show->json, "Print one JSON object, with envelope and decision");
}

void add_changing(CLI::App& quarantine, int& result) {
  std::shared_ptr<ReleaseOptions> release;
  auto* verb = add_verb(quarantine, "release", "Give messages back to the MTA", result,
                        quarantine_release, release);
  add_ids(*verb, *release);
  add_filter(*verb, release->filter);
  verb->add_option("--deliver-to", release->deliver_to,
                   "To this address instead of those it is held for, who do not get it; may be "
                   "repeated")
      ->allow_extra_args(false);
  verb->add_flag("--notify", release->notify,
                 "A failure may be told to the sender, as it asked for (default: never)");
  verb->add_flag("--even-if-delivered", release->even_if_delivered,
                 "Also after a release that broke off when the MTA may have had the message");

  verb->add_flag(
      "--allow", release->allow,
      "Before that, add to the allowlist the narrowest entry that the message can prove");
  verb->add_flag("-y,--yes", release->yes,
                 "With --allow, or ALL and --deliver-to: do not ask before");

  std::shared_ptr<DeleteOptions> remove;
  verb = add_verb(quarantine, "delete", "Delete messages; undelete brings them back for a while",
                  result, quarantine_delete, remove);
  add_ids(*verb, *remove);
  add_filter(*verb, remove->filter);
  verb->add_flag("-y,--yes", remove->yes, "With ALL: do not ask before");
  verb->add_flag("--now", remove->now, "For good: the space is free at once");

  std::shared_ptr<QuarantineOptions> undelete;
  verb = add_verb(quarantine, "undelete", "Hold messages again that were deleted", result,
                  quarantine_undelete, undelete);
  add_ids(*verb, *undelete);
  add_filter(*verb, undelete->filter);

  std::shared_ptr<KeepOptions> expire;
  verb = add_verb(quarantine, "expire", "Delete what is too old; the daemon does so by itself",
                  result, quarantine_expire, expire);
  verb->add_option("--older", expire->older, "Than this, as 30d (default: [quarantine] keep)");
  verb->add_flag("-n,--dry-run", expire->dry_run, "Only say what would be deleted");
}

void add_keeping(CLI::App& quarantine, int& result) {
  std::shared_ptr<KeepOptions> stats;
  auto* verb = add_verb(quarantine, "stats", "How much is held, and what expires soon", result,
                        quarantine_stats, stats);
  verb->add_option("--mail", stats->mail,
                   "Print it as a message for sendmail -t, to this address (default: postmaster)")
      ->expected(0, 1);
  verb->add_flag("--json", stats->json, "Print one JSON object");

  std::shared_ptr<KeepOptions> exported;
  verb = add_verb(quarantine, "export", "One message as a text that no program opens as mail",
                  result, quarantine_export, exported);
  verb->add_option("ID", exported->ids, "Its id")->required()->expected(1);
  verb->add_flag("--defang", exported->defang, "Harmless: the only form there is")->required();
  verb->add_option("-o,--output", exported->file, "Into this new file (default: standard output)");

  std::shared_ptr<KeepOptions> verify;
  verb = add_verb(quarantine, "verify", "Compare index and files; changes nothing", result,
                  quarantine_verify, verify);
  verb->add_flag("--contents", verify->contents, "Read every file too");
}

}  // namespace

void add_quarantine(CLI::App& app, int& result) {
  auto* quarantine = app.add_subcommand("quarantine", "Look at held messages, and decide on them");
  quarantine->require_subcommand(1);
  add_looking(*quarantine, result);
  add_changing(*quarantine, result);
  add_keeping(*quarantine, result);
}

}  // namespace sekisho::cli
