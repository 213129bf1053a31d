#include "config/problems.h"

#include "config/accounts.h"
#include "config/host_mta.h"

namespace sekisho::config {

std::vector<Finding> problems(const Loaded& loaded, const std::string& name, bool as_root) {
  std::vector<Finding> out;
  if (loaded.settings.milters.empty() && loaded.settings.listeners.empty()) {
    out.push_back(
        {Finding::Level::error,
         {name, 0, 0},
         "no [[milter]] and no [[listener]]: the daemon would listen nowhere; add one of them"});
  }
  find_unknown_accounts(loaded, name, as_root, out);
  find_rewriting_mta(loaded, name, out);
  return out;
}

}  // namespace sekisho::config
