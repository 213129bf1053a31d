// dns/make_resolver.h: the resolver that the options describe: a zone alone, the given servers, or
// resolv.conf's.
// Errors: ParseError for a zone that cannot be read ("FILE:LINE: …") and for a server's address;
// std::system_error when the system gives no descriptor or thread.
// Thread: any.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "dns/options.h"
#include "dns/resolver.h"

namespace sekisho::dns {

Expected<std::unique_ptr<Resolver>> make_resolver(
    const Options& options, const std::string& resolv_conf = "/etc/resolv.conf",
    const std::vector<std::string>& last_good = {});

}  // namespace sekisho::dns
