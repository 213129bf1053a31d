// config/settings.h: the whole configuration as values: one snapshot. Defaults are the member
// initialisers.
// Thread: immutable once loaded.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "accounts/options.h"
#include "base/log_options.h"
#include "client/options.h"
#include "control/options.h"
#include "dkim/options.h"
#include "dmarc/options.h"
#include "dns/options.h"
#include "history/options.h"
#include "metrics/options.h"
#include "milter/options.h"
#include "policy/rules.h"
#include "quarantine/options.h"
#include "queue/options.h"
#include "relay/options.h"
#include "session/options.h"
#include "setup/options.h"
#include "smtp/options.h"
#include "spf/options.h"
#include "tls/options.h"

namespace sekisho::config {

struct ProcessOptions {
  std::string user = "sekisho";  // the user to become when started as root
  std::string group;             // empty: the user's own
};

// With this host as a trusted network.
session::Options default_session();

struct Settings {
  ProcessOptions process;
  session::Options session = default_session();
  std::vector<milter::Options> milters;
  control::Options control;
  setup::AccessFileOptions access_files;
  metrics::Options metrics;
  dns::Options dns;
  spf::Options spf;
  dkim::Options dkim;
  dmarc::Options dmarc;            // `suffixes` are set when they are loaded
  std::string public_suffix_list;  // a file; empty: the system's
  client::Options client;
  policy::RuleSet rules;  // rules.defaults.lists.rules: one for each of client.lists
  history::Options history;
  quarantine::Options quarantine;
  LogOptions log;
  // The SMTP core.
  std::vector<smtp::Listener> listeners;
  smtp::Limits limits;
  smtp::RuleOptions smtp;
  tls::Options tls;
  accounts::UserOptions users;
  accounts::AliasOptions aliases;
  std::vector<relay::Route> routes;
  std::vector<relay::Permit> permits;
  relay::Egress egress;
  queue::Options queue;
};

// One [[dnsbl]], [[rhsbl]] or [[dnswl]]: the lookup, and its effect.
struct DnsListEntry {
  client::DnsListDefinition definition;
  policy::DnsListRule rule;
};

// Adds an entry to the settings, and reads it back.
void add_dns_list(Settings& settings, DnsListEntry entry);
std::vector<DnsListEntry> dns_lists_of(const Settings& settings, client::DnsListKind kind);
void remove_dns_lists(Settings& settings, client::DnsListKind kind);

}  // namespace sekisho::config
