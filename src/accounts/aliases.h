// accounts/aliases.h: other names of recipients, as aliases(5) of Sendmail and Postfix has them:
//   root: admin@example.jp, "John Doe"@example.jp
//   sales@example.jp: :include:/etc/sekisho/sales
//   owner-sales: boss
//   @old.example: all@example.jp
// A line that begins with a blank goes on with the one before. A name without a domain holds in
// several. Programs and files ("|vacation", /var/mail/x) are not delivered to: such a name is a
// fault, and mail to it waits.
// Errors: findings with file and line; other lines count. Thread: immutable; any; read() waits for
// the disk.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/read_file.h"
#include "base/result.h"

namespace sekisho::accounts {

struct AliasTargets {
  std::vector<std::string> targets;  // "alice", "alice@example.jp", "\alice"
  std::string fault;                 // why mail to this name cannot be delivered; empty: none
};

class Aliases {
 public:
  // Of one name, with its included files: Postfix delivers to as many.
  static constexpr std::size_t most_targets = 1000;
  // A file that includes a file that includes itself.
  static constexpr int deepest_include = 5;
  // Of one name, all together: five levels of them would else be as many as one likes.
  static constexpr int most_includes = 100;

  using Read = std::function<Expected<std::string, FileError>(const std::string& path)>;

  // Adds the lines of one file; of two with the same name the first counts.
  void add(std::string_view text, const std::string& path, const Read& read = read_included);

  // `name`: "alice", "alice@example.jp" or "@example.jp". nullptr: it is no alias.
  const AliasTargets* find(std::string_view name) const;
  std::size_t size() const { return names_.size(); }
  const std::vector<std::string>& findings() const { return findings_; }
  // The files that were included, also those that could not be read.
  const std::vector<std::string>& included() const { return included_; }

  // A regular file of at most 1 MB: a thousand addresses are 30 KB.
  static Expected<std::string, FileError> read_included(const std::string& path);

 private:
  void add_entry(std::string_view entry, const std::string& where, const Read& read);
  // What is read for one name.
  struct Reading {
    const Read& read;
    AliasTargets into{};
    int includes = 0;
  };
  void include(const std::string& path, Reading& reading, int depth);
  void add_targets(std::string_view list, Reading& reading, int depth);
  void found(const std::string& what);

  std::map<std::string, AliasTargets> names_;  // in lower case
  std::vector<std::string> findings_;
  std::vector<std::string> included_;
};

}  // namespace sekisho::accounts
