// spool/reconcile.h: compares index and message files, and indexes files that a crash has left
// without a row. A row without a file is only reported, never removed.
// Errors: Failure. Thread: any; only the owner of the store may index.
#pragma once

#include <cstdint>

#include "spool/folder.h"
#include "spool/index.h"
#include "spool/store.h"

namespace sekisho::spool {

// `contents`: reads every file, and the whole database. Work in progress is not a finding: a file
// must be some seconds old, unless `at_rest` says that there are no puts.
Outcome<Findings> compare(const Folder& folder, Index& index, bool contents, bool at_rest);

// Gives every file of `without_row` its row, from its own record; files that are not needed are
// removed, damaged ones are added to `findings.damaged` and left. Returns how many got a row.
Outcome<std::uint64_t> index_again(const Folder& folder, Index& index, Findings& findings);

}  // namespace sekisho::spool
