// config/checks.h: checks across keys that are each valid: dead rules, unreachable sockets.
// Errors: findings in the Reader, which knows the places of the keys. Thread: any.
#pragma once

#include <string>

#include "config/reader.h"
#include "config/settings.h"

namespace sekisho::config {

// For the sections of the table of keys.
void check_dns(const Settings& settings, Reader& reader);
void check_trust(const Settings& settings, Reader& reader);
void check_dmarc(const Settings& settings, Reader& reader);
void check_policies(const Settings& settings, Reader& reader);
void check_metrics(const Settings& settings, Reader& reader);
void check_process(const Settings& settings, Reader& reader);
void check_dns_lists(const Settings& settings, Reader& reader);  // check_dns_lists.cc

// The warning about a zone file that answers for mail from outside this host; empty if there is
// none.
std::string zone_file_warning(const Settings& settings);

// Between sections, and then in each.
void check_across(const Settings& settings, Reader& reader);

}  // namespace sekisho::config
