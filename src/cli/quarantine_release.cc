// `sekisho quarantine release`.
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "cli/allow.h"
#include "cli/ask.h"
#include "cli/configuration.h"
#include "cli/person.h"
#include "cli/quarantine_store.h"
#include "control/client.h"
#include "mail/mailbox.h"
#include "quarantine/envelope.h"
#include "quarantine/resend.h"
#include "queue/release.h"
#include "relay/sendmail_program.h"
#include "relay/smtp_client.h"

namespace sekisho::cli {

namespace {

using Code = relay::Handover::Code;

ExitCode exit_code_of_handover(Code code) {
  switch (code) {
    case Code::accepted:
      return ok;
    case Code::deferred:
    case Code::uncertain:
      return temporary;
    case Code::refused:
    case Code::impossible:
      break;
  }
  return unavailable;
}

class Releasing {
 public:
  Releasing(OpenStore& open, const ReleaseOptions& options)
      : open_(open),
        store_(*open.store),
        settings_(open.settings),
        options_(options),
        log_(open.settings) {}

  int release(const std::string& id) {
    if (options_.allow) {
      if (const auto allowing = allow(id); !allowing.in_force) return allowing.code;
    }
    if (open_.spool) {
      const auto message = store_.get(id);
      if (message && queue::has_letter(message->detail.envelope)) return release_to_queue(id);
    }
    quarantine::ReleaseRequest request{id, options_.deliver_to, options_.even_if_delivered,
                                       log_.who().text()};
    std::vector<relay::Handover::Refused> refused;
    for (;;) {
      auto begun = store_.begin_release(request, wall_now());
      if (!begun) return complain(complaint_of(begun.error(), id));
      auto outcome = hand_over(*begun);
      const bool others_can =
          !outcome.refused.empty() && outcome.refused.size() < begun->recipients.size();
      refused.insert(refused.end(), outcome.refused.begin(), outcome.refused.end());
      if (!others_can) return settle(*begun, outcome, refused);
      // Nothing was sent: try again with the recipients that the MTA accepts.
      request.recipients.clear();
      for (const auto& to : begun->recipients) {
        if (!is_refused(refused, to)) request.recipients.push_back(to);
      }
      if (auto undone = store_.fail_release(*begun, outcome.why, wall_now()); !undone)
        return complain(complaint_of(undone.error(), id));
    }
  }

  std::size_t released() const { return released_; }

  // What came through the SMTP core goes on through its queue.
  int release_to_queue(const std::string& id) {
    const auto queued = queue::release_held(
        *open_.spool, {id, options_.deliver_to, options_.notify, log_.who().text()}, wall_now());
    if (!queued) return complain(complaint_of(queued.error(), id));
    // A daemon that is not reached now looks by itself within seconds, or when it starts.
    [[maybe_unused]] const auto told =
        control::ask(settings_.control.socket, {{"verb", "queue"}, {"act", "look"}});
    for (const auto& to : *queued)
      std::printf("%s  queued for <%s>\n", id.c_str(), escape_for_terminal(to).c_str());
    log_.tell("quarantine release", id, "queued");
    ++released_;
    return ok;
  }

 private:
  static bool is_refused(const std::vector<relay::Handover::Refused>& refused,
                         const std::string& address) {
    for (const auto& one : refused) {
      if (one.address == address) return true;
    }
    return false;
  }

  // A message that no entry could let through is not released: to release it all the same, omit
  // --allow.
  Allowing allow(const std::string& id) {
    const auto message = store_.get(id);
    if (!message) return {false, complain(complaint_of(message.error(), id))};
    const auto state = message->held.state;
    if (state != quarantine::State::held && state != quarantine::State::released) {
      return {false, complain(no_input, id + ": it is " + std::string(to_string(state)) +
                                            ": nothing is added to the allowlist")};
    }
    const auto held = decision_of(*message);
    if (!held) return {false, complain(held.error().code, id + ": " + held.error().what)};
    AddRequest request;
    request.yes = options_.yes;
    const auto allowing = allow_held(settings_, *held, request);
    if (allowing.in_force && !allowing.added.empty()) {
      const auto noted =
          store_.add_note(id, "allowed: " + allowing.added, wall_now(), log_.who().text());
      if (!noted) warn(id + ": the store could not note it: " + noted.error().why);
    }
    if (!allowing.in_force && allowing.code != ok)
      complain(data_error, id + ": not released; without --allow it would be");
    return allowing;
  }

  relay::Handover hand_over(const quarantine::Release& release) {
    const auto message = store_.get(release.id);
    if (!message) return {Code::deferred, message.error().why, {}};
    const auto envelope = quarantine::Envelope::parse(message->detail.envelope);
    if (!envelope) return {Code::impossible, "its envelope cannot be read", {}};
    const auto octets = release.message->read_all();
    if (!octets) return {Code::impossible, octets.error().why, {}};
    const std::string content = quarantine::resent(release, *envelope, *octets);
    const auto letter = quarantine::letter_for(release, *envelope, options_.notify, content);
    const std::string& via = settings_.quarantine.release_via;
    if (via.starts_with("sendmail:"))
      return relay::hand_over_by_sendmail(via.substr(std::string_view("sendmail:").size()), letter);
    if (relay::has_bare_line_end(content)) {
      return {Code::impossible,
              "it has a bare CR or LF, which SMTP cannot carry (RFC 5321 §2.3.8): set [quarantine] "
              "release_via = \"sendmail:/usr/sbin/sendmail\", or take the message itself with "
              "`sekisho quarantine show --raw " +
                  release.id + "`",
              {}};
    }
    const auto server =
        relay::parse_smtp_server(std::string_view(via).substr(std::string_view("smtp:").size()));
    if (!server) return {Code::impossible, "[quarantine] release_via: " + server.error().what, {}};
    return relay::hand_over_by_smtp(*server, letter, own_name(settings_));
  }

  // Records the result, and prints it.
  int settle(const quarantine::Release& release, const relay::Handover& outcome,
             const std::vector<relay::Handover::Refused>& refused) {
    std::string why = outcome.why;
    int code = exit_code_of_handover(outcome.code);
    if (outcome.code == Code::accepted) {
      for (const auto& one : refused) {
        why += "; not to <" + escape_for_log(one.address) + ">: " + one.reply;
        code = one.reply.starts_with('5') ? unavailable : temporary;
      }
      using Taken = quarantine::Store::Taken;
      const bool by_queue = settings_.quarantine.release_via.starts_with("sendmail:");
      const auto state = store_.finish_release(release, why, wall_now(),
                                               by_queue ? Taken::by_queue : Taken::by_smtp);
      if (!state) {
        return complain(complaint_of(
            state.error(), release.id + ": the MTA has taken it, but the store could not note it"));
      }
      ++released_;
      log_.tell("quarantine release", release.id, "to " + to_text(release.recipients) + ": " + why);
      const bool waits = *state == quarantine::State::held;
      std::printf("%s  released%s: %s\n", release.id.c_str(),
                  waits ? ", and still held for others" : "", escape_for_log(why, 1000).c_str());
      return code;
    }
    const bool uncertain = outcome.code == Code::uncertain;
    if (uncertain) {
      why +=
          "; the MTA may have delivered it, look into its log; release it again with "
          "--even-if-delivered";
    }
    if (auto undone = store_.fail_release(release, why, wall_now(), uncertain); !undone) {
      complain(complaint_of(undone.error(), release.id + ": and the store could not note it"));
    }
    log_.tell("quarantine release", release.id,
              "not to " + to_text(release.recipients) + ": " + why);
    return complain(static_cast<ExitCode>(code),
                    release.id + ": not released, still held: " + why.substr(0, 1000));
  }

  static std::string to_text(const std::vector<std::string>& recipients) {
    std::string text;
    for (const auto& to : recipients) text += (text.empty() ? "<" : ",<") + to + ">";
    return text;
  }

  OpenStore& open_;
  quarantine::Store& store_;
  const config::Settings& settings_;
  const ReleaseOptions& options_;
  ActLog log_;
  std::size_t released_ = 0;
};

// Sends mail to another address: for ALL, asks whether that is intended.
ExitCode confirm_diversion(const ReleaseOptions& options, std::size_t count) {
  if (options.yes || !names_all(options) || options.deliver_to.empty()) return ok;
  return confirm("Release",
                 "all that matches, " + messages(count) + ", to <" +
                     escape_for_log(options.deliver_to.front()) +
                     "> instead of whom it is held for",
                 "released");
}

}  // namespace

int quarantine_release(const ReleaseOptions& options) {
  ReleaseOptions checked = options;
  if (options.yes && !options.allow && options.deliver_to.empty())
    return complain(usage, "--yes is for --allow, or for ALL and --deliver-to");
  for (auto& to : checked.deliver_to) {
    if (to.starts_with('<') && to.ends_with('>')) to = to.substr(1, to.size() - 2);
    if (!mail::Mailbox::parse(to))
      return complain(usage, "--deliver-to: \"" + escape_for_log(to) + "\" is no address");
  }
  // --allow writes to a file of the configuration, which may be named in a file of values.
  using Lists = config::ValueFiles;
  auto selected = open_selected(checked, options.allow ? Lists::read : Lists::skip);
  if (!selected) return complain(selected.error());
  auto& [open, ids] = *selected;
  if (const auto code = confirm_diversion(checked, ids.size()); code != ok) return code;
  Releasing releasing(open, checked);
  int code = ok;
  for (const auto& id : ids) {
    const int one = releasing.release(id);
    std::fflush(stdout);
    if (code == ok) code = one;
  }
  if (releasing.released() == 0 && ids.size() > 1) warn("nothing is released");
  return code;
}

}  // namespace sekisho::cli
