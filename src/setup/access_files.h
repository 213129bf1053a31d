// setup/access_files.h: reads the files of the allowlist and the denylist, and reads them again
// when they change. A change is seen by modification time, size and inode; editors that write in
// place and those that rename both work. A file that vanished or cannot be read leaves its entries
// in force.
// Errors: a sentence for the admin, or a line in the log; no entry is made from a file that could
// not be read. Thread: one owner, the one that replaces the engine's snapshot.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/result.h"
#include "config/finding.h"
#include "policy/access_list.h"
#include "policy/rules.h"
#include "session/engine.h"
#include "setup/options.h"

namespace sekisho::setup {

// Reads both lists into `rules`. Bad lines are not errors, but findings of the lists.
Expected<void, std::string> read_access_files(const AccessFileOptions& options,
                                              policy::RuleSet& rules);

// Reports bad lines, duplicate, ineffective and expired entries, and refusals that entries move to
// the end of DATA.
std::vector<config::Finding> access_findings(const policy::RuleSet& rules, WallTime now);

// One line for the log: each file of the two lists with its entries and bad lines, and each DNS
// list with its action. By their names: a zone may hold an access key.
std::string access_in_force(const policy::RuleSet& rules);

class AccessFiles {
 public:
  // How soon a change takes effect.
  static constexpr std::chrono::seconds look_every{2};

  explicit AccessFiles(Log& log) : log_(log) {}

  // After the start and after a reload: logs the faults of the lists in force.
  void loaded(const policy::RuleSet& rules, WallTime now);
  // If a file has changed, passes a new snapshot to `replace`, and logs the change once it is in
  // force.
  using Replace = std::function<void(std::shared_ptr<const session::Snapshot>)>;
  void look(const AccessFileOptions& options, const session::Snapshot& current, WallTime now,
            const Replace& replace);

 private:
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified = 0;  // ns
    std::int64_t changed = 0;   // ns, of the inode
    bool operator==(const Stamp&) const = default;
  };
  // A file whose old entries are kept: since how many looks, and the reported reasons.
  struct Kept {
    int looks = 0;
    std::set<std::string> told;
  };
  using Files = policy::AccessList::Files;

  static std::optional<Stamp> stamp_of(const std::string& path);
  std::shared_ptr<const policy::AccessList> look_at(policy::AccessKind kind,
                                                    const std::vector<std::string>& paths,
                                                    const policy::AccessList* held, WallTime now);
  std::shared_ptr<const policy::AccessFile> look_at_file(
      policy::AccessKind kind, const std::string& path,
      const std::shared_ptr<const policy::AccessFile>& held, WallTime now);
  void keep(const std::string& path, const policy::AccessFile& held, const std::string& why);
  void tell_change(const policy::AccessList* before, const policy::AccessList* after);
  void tell_expired(const policy::AccessList* list, WallTime after, WallTime now);

  Log& log_;
  std::map<std::string, Stamp> stamps_;  // of what was read, once it has settled
  std::map<std::string, Kept> kept_;
  std::set<std::string> expired_;  // entries that were reported
  WallTime looked_ = WallTime::min();
};

}  // namespace sekisho::setup
