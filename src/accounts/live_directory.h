// accounts/live_directory.h: the directory of this moment: its files are looked at every minute and
// at a reload, and a changed one makes a new directory. What was handed out before stays as it was.
//   LiveDirectory live(options);
//   live.now()->exists(path, route);
// Errors: findings(), for the admin. Thread: any, internally locked; the constructor, configure()
// and look() wait for the disk.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "accounts/directory.h"
#include "accounts/house_directory.h"
#include "accounts/options.h"
#include "accounts/watched_file.h"
#include "base/guarded.h"

namespace sekisho::accounts {

struct DirectoryOptions {
  UserOptions users;
  AliasOptions aliases;
  std::string origin;  // identity.origin, or the host's name
  std::shared_ptr<const relay::Map> routes;
};

class LiveDirectory {
 public:
  explicit LiveDirectory(DirectoryOptions options);

  void configure(DirectoryOptions options);
  // Whether there is a new directory.
  bool look();
  std::shared_ptr<const Directory> now() const;
  std::vector<std::string> findings() const;

 private:
  struct Files {
    DirectoryOptions options;
    std::map<std::string, WatchedFile> watched;  // by their paths
    std::vector<std::string> srs_secrets;
    std::string srs_fault;
  };
  struct Result {
    std::shared_ptr<const Directory> directory;
    std::vector<std::string> findings;
  };
  struct State {
    Files files;
    Result result;
    unsigned generation = 0;  // of the options
  };
  static bool read_all(Files& files);
  static void take_options(Files& files, DirectoryOptions options);
  static Result build(Files& files);

  Guarded<State> state_;
};

}  // namespace sekisho::accounts
