#include "cli/session.h"

#include <algorithm>
#include <cstdio>
#include <optional>
#include <utility>

#include <unistd.h>
#include <nlohmann/json.hpp>

#include "base/read_file.h"
#include "base/terminal_text.h"
#include "cli/check.h"
#include "cli/configuration.h"
#include "cli/explanation.h"
#include "cli/option_checks.h"
#include "cli/session_script.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;
using smtp::Profile;
using Who = Transcript::Who;

const char* const assumed_tls = "TLSv1.3";

std::string standing_text(const smtp::Client& client, relay::Standing standing) {
  using relay::Standing;
  if (client.submits() && client.login.empty())
    return "a client of a submission port: may send nothing before it has logged in";
  switch (standing) {
    case Standing::stranger:
      return "a stranger: may send to open routes; judged, with the rules of [smtp] and [limits]";
    case Standing::relay_host:
      return "one of trust.relays: may send to open routes; the hop before it is judged";
    case Standing::trusted:
      return "trusted (trust.networks): may send to open routes; not judged";
    case Standing::permitted:
      return "one of a [[permit]]: may send to open routes and where the permit says; judged "
             "unless it says \"*\"";
    case Standing::login:
      return "a login: may send anywhere, as itself only; not judged";
    case Standing::local:
      return "a program of this host: may send anywhere; tagged at most";
  }
  return {};
}

bool has_profile(const config::Settings& settings, Profile profile) {
  return std::any_of(settings.listeners.begin(), settings.listeners.end(),
                     [&](const auto& each) { return each.profile == profile; });
}

OrComplaint<Profile> profile_of(const SessionRequest& request, const config::Settings& settings) {
  if (settings.listeners.empty()) {
    return complaint(config,
                     "there is no [[listener]]: another MTA speaks SMTP here (sekisho check judges "
                     "a message)");
  }
  Profile profile = Profile::mx;
  if (!request.listener.empty()) {
    profile = parse_word<Profile>(request.listener).value_or(Profile::mx);
  } else if (!request.login.empty()) {
    profile =
        has_profile(settings, Profile::submission) ? Profile::submission : Profile::submissions;
  }
  const std::string name(to_string(profile));
  const bool submits = profile == Profile::submission || profile == Profile::submissions;
  if (!request.login.empty() && !submits)
    return complaint(usage, "--login: nobody logs in at a listener of the profile " + name);
  if (profile != Profile::local && !has_profile(settings, profile))
    return complaint(usage,
                     "the configuration has no [[listener]] with profile = \"" + name + "\"");
  return profile;
}

OrComplaint<smtp::Client> client_of(const SessionRequest& request,
                                    const config::Settings& settings) {
  const auto profile = profile_of(request, settings);
  if (!profile) return tl::unexpected(profile.error());
  smtp::Client client;
  client.profile = *profile;
  const auto& all = settings.listeners;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& each) { return each.profile == *profile; });
  // `local` is behind those of the configuration.
  client.listener = static_cast<std::size_t>(found - all.begin());
  client.login = request.login;
  if (!request.login.empty()) client.mechanism = "PLAIN";
  if (request.tls || !request.login.empty()) client.tls = assumed_tls;
  if (*profile == Profile::local) {
    if (!request.ip.empty() || request.tls)
      return complaint(usage, "a program of this host has neither --ip nor --tls");
    client.user = ::getuid();
    return client;
  }
  if (request.ip.empty()) return complaint(usage, "--ip is missing: the address of the client");
  const auto ip = mail::IpAddress::parse(request.ip);
  if (!ip) return complaint(usage, "--ip: " + ip.error().what);
  client.address = *ip;
  return client;
}

std::string control_character_in(const SessionRequest& request) {
  std::string wrong = check_no_control("--ip", request.ip);
  if (wrong.empty()) wrong = check_no_control("--helo", request.helo);
  if (wrong.empty()) wrong = check_no_control("--login", request.login);
  return wrong;
}

OrComplaint<config::Loaded> configuration_of(const SessionRequest& request) {
  if (!request.zone.empty() && ::access(request.zone.c_str(), R_OK) != 0)
    return complaint(no_input, request.zone + ": cannot be read");
  auto loaded = load_configuration(request.config);
  if (!loaded) return complaint(config);
  if (!request.zone.empty()) {
    loaded->settings.dns.servers.clear();
    loaded->settings.dns.zone_file = request.zone;
  }
  return std::move(*loaded);
}

OrComplaint<std::string> read_script() {
  if (::isatty(STDIN_FILENO) != 0)
    warn("the script is read from standard input: SMTP commands, then Ctrl-D");
  auto octets = read_to_end(STDIN_FILENO, max_message_octets);
  if (!octets) return complaint(no_input, "standard input: " + octets.error().what);
  return std::move(*octets);
}

// --- what is printed -----------------------------------------------------------------------------

const char* mark_of(Who who) {
  switch (who) {
    case Who::client:
      return "C: ";
    case Who::server:
      return "S: ";
    case Who::log:
      return "   log: ";
    case Who::note:
      return "   note: ";
  }
  return "";
}

const char* word_of(Who who) {
  switch (who) {
    case Who::client:
      return "client";
    case Who::server:
      return "server";
    case Who::log:
      return "log";
    case Who::note:
      return "note";
  }
  return "";
}

std::string safe(const std::string& text) { return printable_lines(text); }

void append_destinations(std::string& out, const Destinations& to) {
  out += "\nWhere it would go\n";
  for (const auto& one : to.all) {
    out += "  <" + safe(one.recipient) + ">";
    if (one.to != one.recipient) out += " as <" + safe(one.to) + ">";
    out += "\n             " + safe(one.way) + "\n";
    out += "             from <" + safe(one.sender) + ">\n";
  }
  for (const auto& held : to.held) out += "  held: " + safe(held) + "\n";
  out += "  If it cannot be delivered: " + to.failure + ".\n";
}

std::string text_of(const SessionHouse& house, const std::vector<Transcript::Line>& lines) {
  std::string out;
  for (const auto& line : lines) out += mark_of(line.who) + safe(line.text) + "\n";
  if (house.decided().empty()) return out + "\nNo message came to its end: there is no verdict.\n";
  for (const auto& decided : house.decided()) {
    out += "\n" + explanation_text(explain_decision(*decided, house.rulebook()));
    const auto to = house.destinations().find(decided->outcome.facts.id);
    if (to != house.destinations().end()) append_destinations(out, to->second);
  }
  return out;
}

json json_of(const Destinations& to) {
  json all = json::array();
  for (const auto& one : to.all) {
    all.push_back(
        {{"recipient", one.recipient}, {"to", one.to}, {"sender", one.sender}, {"way", one.way}});
  }
  return {{"recipients", all}, {"held", to.held}, {"on_failure", to.failure}};
}

std::string json_text(const SessionHouse& house, const std::vector<Transcript::Line>& lines,
                      const std::string& standing) {
  json out = {{"standing", standing}, {"dialogue", json::array()}, {"messages", json::array()}};
  for (const auto& line : lines)
    out["dialogue"].push_back({{"who", word_of(line.who)}, {"text", line.text}});
  for (const auto& decided : house.decided()) {
    auto message = explanation_json(explain_decision(*decided, house.rulebook()));
    const auto to = house.destinations().find(decided->outcome.facts.id);
    if (to != house.destinations().end()) message["destinations"] = json_of(to->second);
    out["messages"].push_back(std::move(message));
  }
  return out.dump(2, ' ', true, json::error_handler_t::replace) + "\n";
}

}  // namespace

int run_session(const SessionRequest& request) {
  if (const auto wrong = control_character_in(request); !wrong.empty())
    return complain(usage, wrong);
  auto loaded = configuration_of(request);
  if (!loaded) return complain(loaded.error());
  auto client = client_of(request, loaded->settings);
  if (!client) return complain(client.error());
  const auto script = read_script();
  if (!script) return complain(script.error());
  const auto house = SessionHouse::make(std::move(*loaded));
  if (!house) return complain(house.error());
  SessionScript player(**house, *client);
  const auto standing = standing_text(*client, player.standing());
  if (!request.helo.empty()) player.say("EHLO " + request.helo);
  player.play(*script);
  const auto lines = (*house)->transcript().lines();
  const auto text = request.json ? json_text(**house, lines, standing)
                                 : "The client is " + standing + ".\n\n" + text_of(**house, lines);
  std::fputs(text.c_str(), stdout);
  return ok;
}

}  // namespace sekisho::cli
