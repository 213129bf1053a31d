// config/checks.h: checks across keys that are each valid: dead rules, unreachable sockets.
// Errors: findings in the Reader, which knows the places of the keys. Thread: any.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "config/reader.h"
#include "config/settings.h"

namespace sekisho::dmarc {
class PublicSuffixList;
}

namespace sekisho::config {

// The name of an entry in the Reader, counted from 1: "milter[1]".
std::string entry_name(const char* section, std::size_t index);
// The place of the key, else that of its entry.
Place place_in(const Reader& reader, const std::string& entry, const std::string& key);

// For the sections of the table of keys.
void check_dns(const Settings& settings, Reader& reader);
void check_trust(const Settings& settings, Reader& reader);
void check_dmarc(const Settings& settings, Reader& reader);
void check_policies(const Settings& settings, Reader& reader);
void check_metrics(const Settings& settings, Reader& reader);
void check_process(const Settings& settings, Reader& reader);
void check_log(const Settings& settings, Reader& reader);
void check_dns_lists(const Settings& settings, Reader& reader);  // check_dns_lists.cc
// checks_smtp.cc
void check_listeners(const Settings& settings, Reader& reader);
void check_tls(const Settings& settings, Reader& reader);
void check_quarantine(const Settings& settings, Reader& reader);
// checks_routes.cc
void check_routes(const Settings& settings, Reader& reader);
void check_egress(const Settings& settings, Reader& reader);
void check_queue(const Settings& settings, Reader& reader);
// checks_permits.cc
void check_permits(const Settings& settings, Reader& reader);
void check_proxies(const Settings& settings, Reader& reader);

// Domains that are nobody's own: one label, or a public suffix (".co.jp" and "co.jp" alike). The
// list is loaded when it is needed. Thread: one owner.
class EverybodysNames {
 public:
  explicit EverybodysNames(std::string public_suffix_list) : path_(std::move(public_suffix_list)) {}
  bool has(const std::string& domain);

 private:
  std::string path_;
  std::shared_ptr<const dmarc::PublicSuffixList> list_;
  bool loaded_ = false;
};

// The warning about a zone file that answers for mail from outside this host; empty if there is
// none.
std::string zone_file_warning(const Settings& settings);

// Between sections, and then in each.
void check_across(const Settings& settings, Reader& reader);

}  // namespace sekisho::config
