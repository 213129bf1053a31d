// tests/shim/io.h: what a program asks of the file system, between it and libc: calls can be made
// to fail, and the changes of one folder can be recorded, for to be played again up to any point
// with what was not yet durable dropped. Linked into a test program it stands before libc for every
// library of that program, SQLite too.
// Thread: any, internally locked.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace sekisho::test::io {

enum class Call { open, write, fsync, rename, unlink, truncate };

// From now on each call is shown to `fails` before it is made: the errno with which it fails, or 0.
// `path` is the path, or the name within its folder; of calls on a descriptor that it was opened
// by. An empty function lets all pass.
using Fails = std::function<int(Call call, const std::string& path)>;
void set_failures(Fails fails);

// One change, in the order in which the kernel saw them.
struct Change {
  enum class Kind { create, write, truncate, sync_file, rename, unlink, sync_folder, mark };
  Kind kind;
  unsigned file = 0;         // which file, a number of its own
  std::string name;          // create, rename, unlink; mark: what was marked
  std::string to;            // rename
  std::uint64_t offset = 0;  // write; truncate: the new length
  std::string octets;
};

// Records what happens in this folder, which must be empty.
void start_recording(const std::string& folder);
// A remark in the record: "this was acknowledged now".
void mark(const std::string& what);
std::vector<Change> stop_recording();

// Makes the folder as a power failure after the first `count` changes may have left it: what was
// fsynced is there; of what was not, `seed` decides: nothing, all, or a part, the last write torn.
void play(const std::vector<Change>& changes, std::size_t count, unsigned seed,
          const std::string& folder);

}  // namespace sekisho::test::io
