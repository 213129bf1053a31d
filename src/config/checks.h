// config/checks.h: what is wrong between keys that are each right: dead rules, sockets that nobody
// can reach.
// Errors: findings in the Reader, which knows where the keys stand. Thread: any.
#pragma once

#include <string>

#include "config/reader.h"
#include "config/settings.h"

namespace sekisho::config {

// check_lists.cc
void check_lists(const Settings& settings, Reader& reader);

// What everybody must hear of a zone file that answers for mail from outside this host; empty when
// there is none.
std::string zone_file_warning(const Settings& settings);

void check_across(const Settings& settings, Reader& reader);

}  // namespace sekisho::config
