// spool/folder.h: the folder of message files, by its descriptor: nothing is ever opened by a path
// that another could redirect. A message file is written under a temporary name (O_EXCL,
// O_NOFOLLOW, 0640) and renamed when its octets are on the disk. Files created by root get the
// folder's owner.
// Errors: Failure. Thread: any; immutable; only the file system is shared.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "base/clock.h"
#include "base/unique_handle.h"
#include "spool/failure.h"

namespace sekisho::spool {

// The name of a message in the store: 1 to 64 of A-Z, 0-9 and "-", not beginning with "-". No other
// text becomes part of a path.
bool is_key(std::string_view text);

class Folder {
 public:
  // Refused: a symbolic link, a folder that its group or others may write to, a folder that belongs
  // neither to this process's user nor to root (root takes any). `create` makes the last part of
  // the path if it is missing.
  static Outcome<std::shared_ptr<const Folder>> open(const std::string& path, bool create);

  // A new, empty file; `exists` if there is one already.
  Outcome<UniqueFd> make_file(const std::string& name) const;
  // A new, empty file of a name of its own; the name is put into `name`.
  Outcome<UniqueFd> make_temporary(std::string& name) const;
  // Renames the file to the message `key`; durable after sync(). `exists` if there is one already.
  Outcome<void> publish(const std::string& temporary, const std::string& key) const;
  // fsync of the folder, on a new descriptor: one that has reported an error is not used again.
  Outcome<void> sync() const;
  Outcome<UniqueFd> open_message(const std::string& key) const;
  bool has_message(const std::string& key) const;
  // Since when the file has had that name; nullopt if it does not exist.
  std::optional<WallTime> since(const std::string& key) const;
  // Removes the message file; returns whether it is gone now.
  bool remove_message(const std::string& key) const;
  void remove_temporary(const std::string& name) const;

  // The keys of all message files, in no order; names of other shapes are left out and left alone.
  Outcome<std::vector<std::string>> messages() const;
  // Removes temporary files last written before `before`; returns how many.
  std::size_t remove_temporaries(WallTime before) const;

  // The lock of the folder: held by one process at a time, until it closes the descriptor or ends.
  // `locked` names the process that has it.
  Outcome<UniqueFd> lock() const;

  // Whether the path still leads to this folder, which may have been moved or hidden by a mount.
  bool is_in_place() const;
  const std::string& path() const { return path_; }

 private:
  Folder(std::string path, UniqueFd fd, uid_t owner, gid_t group)
      : path_(std::move(path)), fd_(std::move(fd)), owner_(owner), group_(group) {}
  std::string path_;
  UniqueFd fd_;
  uid_t owner_;
  gid_t group_;
};

}  // namespace sekisho::spool
