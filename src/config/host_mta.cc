#include "config/host_mta.h"

#include <algorithm>
#include <string_view>

namespace sekisho::config {

namespace {

// Family and port, without the address: which of its addresses sendmail uses for this host does not
// matter.
std::string_view compared(std::string_view socket) { return socket.substr(0, socket.find('@')); }

}  // namespace

void find_rewriting_mta(const Loaded& loaded, const std::string& name, std::vector<Finding>& out,
                        const std::string& sendmail_cf) {
  const auto cf = mail::read_sendmail_cf(sendmail_cf);
  if (!cf || !cf->follows_aliases) return;
  const auto is_ours = [&](const std::string& filter) {
    return std::any_of(
        loaded.settings.milters.begin(), loaded.settings.milters.end(),
        [&](const auto& milter) { return compared(milter.socket) == compared(filter); });
  };
  if (std::none_of(cf->filters.begin(), cf->filters.end(), is_ours)) return;
  out.push_back({Finding::Level::warning,
                 {name, 0, 0},
                 sendmail_cf + " asks this filter: " + mail::sendmail_cf_advice});
}

}  // namespace sekisho::config
