#include "cli/check.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <nlohmann/json.hpp>

#include "base/executor.h"
#include "base/read_file.h"
#include "base/unique_handle.h"
#include "cli/check_text.h"
#include "cli/configuration.h"
#include "cli/option_checks.h"
#include "mail/message.h"
#include "record/json.h"
#include "session/session.h"
#include "setup/snapshot.h"

namespace sekisho::cli {

namespace {

// A decision of the command line is only printed.
class NoJournal final : public session::Journal {
 public:
  void decided(std::shared_ptr<const session::Decided> /*decided*/) override {}
};

// A store that has room but keeps nothing: a check reports what would be held, and holds nothing.
class NoStore final : public session::Keeping {
 public:
  std::unique_ptr<session::Draft> begin() override { return std::make_unique<NoDraft>(); }
  void keep(session::KeepRequest /*message*/,
            std::function<void(session::HoldResult)> done) override {
    done({session::HoldCode::held, ""});
  }
  void take_back(session::ReleaseProof /*proof*/,
                 std::function<void(session::TakenBack)> done) override {
    done(std::nullopt);
  }

 private:
  struct NoDraft final : session::Draft {
    void append(std::string_view /*octets*/) override {}
  };
};

// A pipe is read to its end, as "<(zcat message.gz)" is one; devices are not messages.
OrComplaint<UniqueFd> open_message(const std::string& file) {
  UniqueFd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) return complaint(no_input, file + ": cannot be read: " + std::strerror(errno));
  struct stat status {};
  if (::fstat(opened.get(), &status) != 0 ||
      (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))) {
    return complaint(no_input, file + ": cannot be read: not a file");
  }
  return opened;
}

OrComplaint<std::string> read_message(const std::string& file) {
  UniqueFd opened;
  if (file != "-") {
    auto message = open_message(file);
    if (!message) return tl::unexpected(std::move(message.error()));
    opened = std::move(*message);
  }
  auto octets = read_to_end(opened ? opened.get() : STDIN_FILENO, max_message_octets);
  if (octets) return std::move(*octets);
  const auto& [code, what] = octets.error();
  if (code == FileError::Code::too_large)
    return complaint(data_error, file + ": " + what + ", the most that is read of a message");
  return complaint(no_input, file + ": cannot be read: " + what);
}

// An address as a person writes it: "<a@b>", "a@b", "<>" or nothing.
std::string without_brackets(const std::string& address) {
  if (!address.starts_with('<') || !address.ends_with('>')) return address;
  return address.substr(1, address.size() - 2);
}

// Feeds the message to the session as a front would.
void converse(session::Session& session, const CheckRequest& request, const mail::IpAddress& ip,
              const mail::Message& message, session::Session::Done done) {
  policy::Client client;
  client.address = ip;
  client.mta = request.mta;
  session.connect(std::move(client), "");
  session.helo(request.helo);
  session.mail_from({without_brackets(request.mail_from), false});
  for (const auto& to : request.recipients) session.rcpt_to({without_brackets(to)});
  for (const auto& line : message.malformed) session.malformed_line(line);
  for (const auto& field : message.header.fields()) session.header(field.name, field.value);
  if (message.left_out) session.header(message.left_out->name, message.left_out->value);
  session.end_of_header();
  session.body(message.body);
  session.end_of_message("", std::move(done));
}

std::optional<session::Outcome> run(const CheckRequest& request,
                                    std::shared_ptr<const session::Snapshot> snapshot,
                                    const mail::IpAddress& ip, const mail::Message& message,
                                    std::optional<WallTime> at) {
  NoJournal journal;
  session::Engine engine(std::move(snapshot), journal,
                         at ? [time = *at] { return time; } : std::function<WallTime()>(wall_now));
  NoStore store;
  engine.keep_in(&store);
  const auto queue = std::make_shared<RunQueue>();
  const auto session = session::Session::create(engine, policy::Role::mx, queue);
  std::optional<session::Outcome> outcome;
  converse(*session, request, ip, message,
           [&](const session::Outcome& reached) { outcome = reached; });
  const auto done = [&] { return outcome.has_value(); };
  // The deadline may be that of the reason of one list: other lookups have their own.
  while (!queue->run_until(done, session->deadline())) session->expire();
  return outcome;
}

std::string control_character_in(const CheckRequest& request) {
  std::string wrong = check_no_control("--ip", request.ip);
  if (wrong.empty()) wrong = check_no_control("--helo", request.helo);
  if (wrong.empty()) wrong = check_no_control("--mail-from", request.mail_from);
  for (const auto& to : request.recipients) {
    if (wrong.empty()) wrong = check_no_control("--rcpt", to);
  }
  return wrong;
}

}  // namespace

OrComplaint<session::Outcome> judge(const CheckRequest& request) {
  if (auto wrong = control_character_in(request); !wrong.empty()) return complaint(usage, wrong);
  const auto ip = mail::IpAddress::parse(request.ip);
  if (!ip) return complaint(usage, "--ip: " + ip.error().what);
  std::optional<WallTime> at;
  if (!request.at.empty()) {
    at = parse_time(request.at);
    if (!at) {
      return complaint(usage,
                       "--at: expected a time as 2026-11-21T09:30:00Z or seconds since 1970");
    }
  }
  const auto octets = read_message(request.file);
  if (!octets) return tl::unexpected(octets.error());
  if (!request.zone.empty() && ::access(request.zone.c_str(), R_OK) != 0) {
    return complaint(no_input, request.zone + ": cannot be read");
  }
  auto loaded = load_configuration(request.config);
  if (!loaded) return complaint(config);
  if (!request.zone.empty()) {
    loaded->settings.dns.servers.clear();
    loaded->settings.dns.zone_file = request.zone;
  }
  auto snapshot = setup::make_snapshot(loaded->settings, loaded->digest);
  if (!snapshot) return complaint(request.zone.empty() ? config : data_error, snapshot.error());
  const auto message = mail::parse_message(*octets);
  auto outcome = run(request, *snapshot, *ip, message, at);
  if (!outcome) return complaint(software, "no verdict was reached");
  return std::move(*outcome);
}

int check(const CheckRequest& request) {
  const auto outcome = judge(request);
  if (!outcome) return complain(outcome.error());
  if (request.json) {
    const auto record = record::to_json(*outcome);
    std::printf("%s\n",
                record.dump(2, ' ', true, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    std::fputs(check_text(*outcome).c_str(), stdout);
  }
  return ok;
}

}  // namespace sekisho::cli
