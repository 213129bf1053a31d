#include "session/intake.h"

#include <string_view>
#include <utility>
#include <vector>

#include "client/origin.h"
#include "mail/author.h"

namespace sekisho::session {

namespace {

void ask_lists_of_client(DnsListChecks& lists, const policy::Client& client) {
  lists.client(*client.address);
  lists.domain(client::DnsListOn::client_name, client.name);
}

// Behind one of our relays: finds the origin in the fields that our relays wrote.
void find_origin(Message& message, const Connected& connected) {
  auto& facts = message.facts;
  if (message.recorded_in_part()) {
    facts.client = message.recorded->outcome.facts.client;
    facts.relay_reason = message.recorded->outcome.facts.relay_reason;
    return evaluate_client(message, connected, /*begun=*/false);
  }
  const auto origin = client::find_origin(*facts.relay->address, message.header.fields(),
                                          message.snapshot->options.trust.relays);
  facts.relay_reason = std::string(to_string(origin.stop));
  if (!origin.reason.empty()) facts.relay_reason += ": " + origin.reason;
  if (origin.received) message.checks.received(*origin.received);
  facts.client = {};
  if (const auto* address = origin.judged()) {
    facts.client.address = *address;
    facts.client.name = origin.name;
    facts.client.helo = origin.helo;
  }
  evaluate_client(message, connected, /*begun=*/false);
}

void read_header(Message& message, const Connected& connected) {
  auto& facts = message.facts;
  const auto mta = connected.client.mta;
  if (message.recorded_in_part()) {
    facts.author = message.recorded->outcome.facts.author;
    message.checks.signatures_known(message.recorded->outcome.facts.dkim);
  } else {
    facts.author = mail::find_author(message.header, message.malformed_lines, mta);
  }
  message.checks.header_complete(message.header, facts.author, mail::rewrites_author(mta));
}

}  // namespace

void ask_of_client(Message& early, const policy::Client& client) {
  early.checks.client(*client.address);
  if (early.lists) ask_lists_of_client(*early.lists, client);
}

void ask_of_helo(Message& early, const Connected& connected) {
  const auto& client = connected.client;
  early.checks.helo(*client.address, client.helo, connected.own_name(*early.snapshot));
  if (early.lists) early.lists->domain(client::DnsListOn::helo, client.helo);
}

void start_message(Message& message, const Connected& connected, MailFrom from,
                   policy::Exemption exemption, std::string id, WallTime now) {
  const auto* recorded = message.recorded;
  message.began = steady_now();
  message.authenticated = from.authenticated;
  message.mail_parameters = std::move(from.parameters);
  message.how = std::move(from.how);
  auto& facts = message.facts;
  facts.id = std::move(id);
  facts.received = now;
  if (recorded != nullptr) {
    const auto& then = recorded->outcome.facts;
    facts.header_over_limits = then.header_over_limits;
    facts.refused_recipients = then.refused_recipients;
    message.refused = recorded->outcome.verdict.refused;
    facts.lists = then.lists;
    std::erase_if(facts.lists, [&](const client::DnsListResult& result) {
      return message.snapshot->rules.defaults.lists.find(result.name) == nullptr;
    });
  }
  facts.role = connected.role;
  facts.client = connected.client;
  facts.mail_from = std::move(from.path);
  facts.exemption = exemption;
  const auto& snapshot = *message.snapshot;
  // Fields of our own relay stay; those in this host's own name are removed.
  using Aliases = std::vector<std::string>;
  message.forged.emplace(
      connected.own_name(snapshot),
      connected.behind_relay(snapshot) ? Aliases() : snapshot.options.identity.authserv_aliases);
  if (message.trusted()) message.forged->keep_values();
}

// Starts the lookups for the client and the envelope.
void evaluate_client(Message& message, const Connected& connected, bool begun) {
  const auto& facts = message.facts;
  if (!facts.client.address) return;
  const std::string name = connected.own_name(*message.snapshot);
  auto& checks = message.checks;
  if (begun) {
    checks.restart(facts.received);
    // A client without HELO counts as one without a name.
    if (!checks.knows_helo()) checks.helo(*facts.client.address, facts.client.helo, name);
  } else {
    checks.client(*facts.client.address);
    checks.helo(*facts.client.address, facts.client.helo, name);
  }
  checks.mail_from(*facts.client.address, facts.client.helo, facts.mail_from, name);
  if (!message.lists) return;
  auto& lists = *message.lists;
  if (begun) {
    lists.restart();
  } else {
    ask_lists_of_client(lists, facts.client);
    lists.domain(client::DnsListOn::helo, facts.client.helo);
  }
  if (facts.mail_from.has_domain()) {
    lists.domain(client::DnsListOn::sender, facts.mail_from.domain());
  }
}

void evaluate_header(Message& message, const Connected& connected) {
  auto& facts = message.facts;
  if (facts.header_over_limits) message.header.mark_truncated();
  // A client that waits with its header must not have used up the time in which its author is
  // looked up.
  if (message.lists) message.lists->restart();
  if (facts.relay) find_origin(message, connected);
  if (connected.blanks_lost) message.checks.blanks_lost();
  read_header(message, connected);
  if (!message.lists) return;
  if (facts.author.well_formed()) {
    message.lists->domain(client::DnsListOn::from, facts.author.domain().text());
  }
  for (const auto& domain : message.checks.signing_domains()) {
    message.lists->domain(client::DnsListOn::dkim, domain.text());
  }
}

}  // namespace sekisho::session
