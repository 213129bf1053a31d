#include "cli/relay_test.h"

#include <cstdio>
#include <future>
#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "base/encoding.h"
#include "base/log.h"
#include "cli/complain.h"
#include "cli/configuration.h"
#include "dns/make_resolver.h"
#include "mail/domain_name.h"
#include "net/loops.h"
#include "relay/lane.h"
#include "relay/smtp_transport.h"
#include "relay/via.h"
#include "setup/site.h"

namespace sekisho::cli {

namespace {

using Code = relay::Result::Code;

// What is asked, and by which map.
struct Question {
  std::shared_ptr<const relay::Map> map;
  std::string domain;
};

bool has(const std::string& text, const char* part) {
  return ascii::lower(text).find(part) != std::string::npos;
}

std::string without_port(const std::string& host) {
  const auto bracket = host.rfind(']');
  const auto colon = host.rfind(':');
  const bool port = colon != std::string::npos && (bracket == std::string::npos || colon > bracket);
  std::string name = port && host.find(':') == colon        ? host.substr(0, colon)
                     : port && bracket != std::string::npos ? host.substr(0, colon)
                                                            : host;
  if (name.starts_with('[') && name.ends_with(']')) name = name.substr(1, name.size() - 2);
  return name;
}

// A route whose `via` or next hop is written so.
const relay::Route* route_named(const config::Settings& settings, const std::string& what) {
  for (const auto& route : settings.routes) {
    const std::string name = relay::route_name(&route, "");
    if (what == text_of(route.via) || what == name || what == route.via.target ||
        (!name.empty() && without_port(name) == without_port(what)))
      return &route;
  }
  return nullptr;
}

// A domain that the route serves: "*" and ".example.jp" are none.
std::string domain_of(const relay::Route& route) {
  const std::string& domain = route.domain.front();
  if (domain == "*") return "example.com";
  return domain.starts_with('.') ? "host" + domain : domain;
}

// A host that no route names is tried as "smtp:[HOST]:PORT" would be.
OrComplaint<Question> host_question(config::Settings settings, const std::string& what) {
  const bool bracketed = what.starts_with('[');
  const auto via = relay::parse_via(
      "smtp:" + (bracketed ? what
                           : "[" + without_port(what) + "]" +
                                 what.substr(std::min(what.size(), without_port(what).size()))));
  if (!via) return complaint(usage, what + ": " + via.error().what);
  relay::Route route;
  route.domain = {"example.com"};
  route.via = *via;
  settings.routes = {route};
  return Question{setup::make_map(settings, setup::addresses_of_this_host()), "example.com"};
}

OrComplaint<Question> question_of(const config::Settings& settings,
                                  const RelayTestRequest& request) {
  const std::string& what = request.what;
  const auto map = setup::make_map(settings, setup::addresses_of_this_host());
  if (const auto* route = route_named(settings, what)) return Question{map, domain_of(*route)};
  if (const auto at = what.rfind('@'); at != std::string::npos) {
    const auto domain = mail::DomainName::parse(what.substr(at + 1));
    if (!domain) return complaint(usage, what + ": " + domain.error().what);
    return Question{map, domain->text()};
  }
  const bool host = what.find(':') != std::string::npos || what.starts_with('[') ||
                    mail::IpAddress::parse(what).has_value();
  if (host) return host_question(settings, what);
  const auto domain = mail::DomainName::parse(what);
  if (!domain) return complaint(usage, what + ": " + domain.error().what);
  return Question{map, domain->text()};
}

std::string postmaster_of(const config::Settings& settings, const relay::Map& map) {
  const auto& identity = settings.session.identity;
  if (!identity.postmaster.empty()) return identity.postmaster;
  return "postmaster@" + (identity.origin.empty() ? map.options().hostname : identity.origin);
}

relay::Job job_of(const Question& question, const config::Settings& settings,
                  const RelayTestRequest& request) {
  relay::Job job;
  job.id = "test";
  job.map = question.map;
  job.domain = question.domain;
  job.sender = mail::Path(request.from.empty()   ? postmaster_of(settings, *question.map)
                          : request.from == "<>" ? std::string()
                                                 : request.from);
  const bool address = request.what.find('@') != std::string::npos;
  job.targets.push_back({mail::Path(!request.to.empty() ? request.to
                                    : address           ? request.what
                                                        : "postmaster@" + question.domain),
                         {}});
  return job;
}

OrComplaint<relay::JobResult> ask(const config::Settings& settings, relay::Job job) {
  auto trust = relay::make_trust(settings.tls.ca_file);
  if (!trust) return complaint(config, trust.error());
  auto resolver = dns::make_resolver(settings.dns);
  if (!resolver) return complaint(config, resolver.error().what);
  Log log(stderr_sink("sekisho"), LogLevel::warning);
  net::Loops loops("relay", log, {1, 1});
  relay::SmtpTransport transport(loops, **resolver,
                                 {settings.dns, std::move(*trust), settings.aliases.delimiter});
  loops.run();
  std::promise<relay::JobResult> promise;
  transport.probe(std::move(job), [&](relay::JobResult found) { promise.set_value(found); });
  auto result = promise.get_future().get();
  transport.stop();
  return result;
}

void print_text(const relay::JobResult& found) {
  for (const auto& line : found.dialogue)
    std::printf("%c %s\n", line.who, escape_for_terminal(line.text).c_str());
  const auto& result = found.results.front();
  const bool good = result.code == Code::sent;
  std::printf("%s%s\n", found.dialogue.empty() ? "" : "\n",
              escape_for_terminal(good ? "All is well: " + result.why : result.why).c_str());
  if (!result.host.empty()) std::printf("host: %s\n", escape_for_terminal(result.host).c_str());
  if (!found.tls.empty()) std::printf("TLS: %s\n", escape_for_terminal(found.tls).c_str());
  const auto advice = advice_for(result);
  if (!advice.empty()) std::printf("What to do: %s\n", advice.c_str());
}

void print_json(const relay::JobResult& found) {
  const auto& result = found.results.front();
  nlohmann::ordered_json out;
  out["ok"] = result.code == Code::sent;
  out["host"] = result.host;
  out["status"] = result.status;
  out["reply"] = result.reply;
  out["why"] = result.why;
  out["tls"] = found.tls;
  out["advice"] = advice_for(result);
  auto& dialogue = out["dialogue"] = nlohmann::ordered_json::array();
  for (const auto& line : found.dialogue)
    dialogue.push_back({{"who", std::string(1, line.who)}, {"text", line.text}});
  std::printf("%s\n", out.dump(2, ' ', true, nlohmann::json::error_handler_t::replace).c_str());
}

ExitCode exit_code(Code code) {
  switch (code) {
    case Code::sent:
      return ok;
    case Code::deferred:
      return temporary;
    case Code::failed:
      return unavailable;
    case Code::own_fault:
    case Code::loop:
      break;
  }
  return config;
}

std::string advice_for_own_fault(const relay::Result& result) {
  if (result.fault.starts_with("egress:")) {
    return "`ip address` shows what this host has: give it that address, or change egress.ipv4 or "
           "egress.ipv6; until then the mail waits";
  }
  if (result.fault.starts_with("socket:")) {
    return "start the program that listens there, and let the daemon's user write to the socket";
  }
  if (result.fault.starts_with("tls:")) {
    if (has(result.why, "certificate") || has(result.why, "verif"))
      return "write the name that the certificate holds for into tls_name, or its authority into "
             "tls.ca_file";
    return "the server has no usable TLS at this port: try 465 with smtps:, or 587; a login is "
           "never "
           "used without it";
  }
  return "check login and password_file: many providers want a password made for programs, or "
         "XOAUTH2 (token_file); the route pauses until the file changes";
}

std::string advice_for_no_answer(const relay::Result& result) {
  if (has(result.why, "timed out"))
    return "nothing answers: many providers block port 25; send by their relay "
           "(via = \"smtp:[RELAY]:587\" with a login)";
  if (has(result.why, "unreachable"))
    return "this host has no way there: without IPv6, say egress.family = \"ipv4-only\"";
  if (has(result.why, "refused")) return "nothing listens there: check host and port";
  return {};
}

}  // namespace

std::string advice_for(const relay::Result& result) {
  switch (result.code) {
    case Code::sent:
      return {};
    case Code::own_fault:
      return advice_for_own_fault(result);
    case Code::loop:
      return "mail for that domain comes back to this host: write a [[route]] that says where it "
             "is "
             "delivered";
    case Code::deferred:
      return result.reply.empty() ? advice_for_no_answer(result)
                                  : "the server does not take it now, and the daemon tries again; "
                                    "what it says is the reason";
    case Code::failed:
      break;
  }
  if (result.reply.empty()) return "the domain takes no mail: check its name";
  if (has(result.reply, "ptr") || has(result.reply, "reverse"))
    return "let the address that we send from have a PTR record that leads back to it, or send "
           "from "
           "the other family (egress.family)";
  if (has(result.reply, "relay"))
    return "the server does not relay for us: it wants a login, or our address in its list";
  return "connection, TLS and login work; it is the sender or the recipient that the server "
         "refuses "
         "(--from, --to)";
}

int relay_test(const RelayTestRequest& request) {
  const auto loaded = load_configuration(request.config, config::ValueFiles::skip);
  if (!loaded) return ExitCode::config;
  const auto question = question_of(loaded->settings, request);
  if (!question) return complain(question.error());
  const auto found = ask(loaded->settings, job_of(*question, loaded->settings, request));
  if (!found) return complain(found.error());
  request.json ? print_json(*found) : print_text(*found);
  return exit_code(found->results.front().code);
}

}  // namespace sekisho::cli
