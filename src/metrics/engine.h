// metrics/engine.h: the counters of the session engine, as families of samples and as the objects
// of `sekisho status`.
// Thread: any.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "crypto/key_cache.h"
#include "dns/resolver.h"
#include "metrics/family.h"
#include "session/counters.h"

namespace sekisho::metrics {

void append_messages(Families& out, const session::Counters& counters);
void append_resolver(Families& out, const dns::ResolverStatus& status);
void append_keys(Families& out, const crypto::KeyCache::Status& status);

// {"sessions":{…},"verdicts":{…},"results":{…},"times":{…}}; results without a count are left out.
nlohmann::json messages_json(const session::Counters& counters);
nlohmann::json resolver_json(const dns::ResolverStatus& status);

}  // namespace sekisho::metrics
