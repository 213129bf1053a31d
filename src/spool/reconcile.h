// spool/reconcile.h: compares index and message files, and indexes again the files that a crash has
// left without a row. A row without a file is only ever reported.
// Errors: Failure. Thread: any; indexing again is for the owner of the store alone.
#pragma once

#include <cstdint>

#include "spool/folder.h"
#include "spool/index.h"
#include "spool/store.h"

namespace sekisho::spool {

// `contents`: reads every file, and the whole database. What others are just doing is no finding: a
// file must have been there for some seconds, unless `at_rest` says that nobody puts.
Outcome<Findings> compare(const Folder& folder, Index& index, bool contents, bool at_rest);

// Gives every file of `without_row` its row, from its own record; files that are not needed are
// removed, damaged ones are added to `findings.damaged` and left. How many got a row.
Outcome<std::uint64_t> index_again(const Folder& folder, Index& index, Findings& findings);

}  // namespace sekisho::spool
