// setup/site.h: what the SMTP core needs, made from settings: the map of routes and permits, and
// the site that the listeners see.
//   auto map = make_map(settings, addresses_of_this_host());
//   accounts::LiveDirectory directory(directory_options(settings, map));
//   auto site = make_site(settings, map, {directory.now(), authenticator, certificates});
// Errors: a sentence for the admin. Thread: any.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "accounts/live_directory.h"
#include "base/result.h"
#include "config/settings.h"
#include "mail/prefix_set.h"
#include "relay/map.h"
#include "setup/this_host.h"
#include "smtp/site.h"

namespace sekisho::setup {

std::shared_ptr<const relay::Map> make_map(const config::Settings& settings,
                                           const HostAddresses& host);

accounts::DirectoryOptions directory_options(const config::Settings& settings,
                                             std::shared_ptr<const relay::Map> map);

// What is not in the settings, but opened or read by their names.
struct SiteParts {
  std::shared_ptr<const accounts::Directory> directory;
  std::shared_ptr<accounts::Authenticator> authenticator;  // nullptr: nobody can log in
  // tls::CertificateFiles::context, with the name under which sessions are resumed.
  std::function<std::shared_ptr<const tls::ServerContext>(const std::string& resumption)> context;
};

Expected<std::shared_ptr<const smtp::Site>, std::string> make_site(
    const config::Settings& settings, std::shared_ptr<const relay::Map> map,
    const SiteParts& parts);

}  // namespace sekisho::setup
