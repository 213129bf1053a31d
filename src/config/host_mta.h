// config/host_mta.h: whether the MTA of this host that uses our filter delivers messages as they
// were judged.
// Errors: findings, which are warnings. Thread: any.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"
#include "mail/sendmail_cf.h"

namespace sekisho::config {

// Appends one when `sendmail_cf` asks one of our sockets and follows aliases. A missing or
// unreadable file gives no finding.
void find_rewriting_mta(const Loaded& loaded, const std::string& name, std::vector<Finding>& out,
                        const std::string& sendmail_cf = mail::sendmail_cf_path);

}  // namespace sekisho::config
