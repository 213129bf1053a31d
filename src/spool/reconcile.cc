#include "spool/reconcile.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <thread>

namespace sekisho::spool {

namespace {

// A put takes at most two seconds from the rename to the row, and a change some milliseconds from
// the row to the file.
constexpr std::chrono::seconds putting{10};
constexpr std::chrono::milliseconds dropping{50};

// Rows in one transaction: enough to make commits cheap, few enough to let others take turns.
constexpr std::size_t rows_at_once = 1000;

using Keys = std::vector<std::string>;

Keys without(const Keys& these, const Keys& those) {
  Keys rest;
  std::set_difference(these.begin(), these.end(), those.begin(), those.end(),
                      std::back_inserter(rest));
  return rest;
}

Outcome<Keys> indexed_keys(Index& index) {
  Keys keys;
  auto read = index.with([&](Database& database) -> Outcome<void> {
    auto found = Index::keys(database);
    if (!found) return failed(found.error());
    keys = std::move(*found);
    return {};
  });
  if (!read) return failed(read.error());
  return keys;
}

Outcome<void> check_database(Index& index) {
  return index.with([](Database& database) -> Outcome<void> {
    std::string answer;
    auto read = database.query("PRAGMA quick_check(1)", {}, [&](const Row& row) {
      answer = row.text(0);
      return true;
    });
    if (read && answer != "ok") return failed(Failure::Kind::damaged, "index: " + answer);
    return read;
  });
}

// Keeps only the findings that remain after work in progress has finished.
Outcome<void> look_twice(const Folder& folder, Index& index, Findings& findings) {
  std::this_thread::sleep_for(dropping);
  const auto keys = indexed_keys(index);
  if (!keys) return failed(keys.error());
  const auto known = [&](const std::string& key) {
    return std::binary_search(keys->begin(), keys->end(), key);
  };
  std::erase_if(findings.without_file,
                [&](const std::string& key) { return !known(key) || folder.has_message(key); });
  std::erase_if(findings.without_row, [&](const std::string& key) {
    const auto since = folder.since(key);
    return known(key) || !since || *since + putting > wall_now();
  });
  return {};
}

void read_contents(const Folder& folder, const Keys& keys, Findings& findings) {
  for (const auto& key : keys) {
    const auto file = MessageFile::open(folder, key);
    const auto good = file ? file->verify() : Outcome<void>(failed(file.error()));
    if (!good && good.error().kind == Failure::Kind::damaged) findings.damaged.push_back(key);
  }
}

// Indexes one file; returns whether it got a row.
Outcome<bool> index_file(const Folder& folder, Index& index, Database& database,
                         const std::string& key, Findings& findings, Keys& unwanted) {
  const auto file = MessageFile::open(folder, key);
  if (!file) {
    if (file.error().kind != Failure::Kind::damaged) return failed(file.error());
    findings.damaged.push_back(key);
    return false;
  }
  const auto has_file = [&](const std::string& other) { return folder.has_message(other); };
  const auto place = database.attempt([&] {
    return index.place(database, Filed{key, file->record(), file->size()}, file->octets(), has_file,
                       /*again=*/true);
  });
  if (!place) {
    // The record cannot be read by its tables, or is for tables of a newer program.
    if (place.error().kind != Failure::Kind::refused) return failed(place.error());
    findings.damaged.push_back(key);
    return false;
  }
  if (!place->wanted) unwanted.push_back(key);
  return place->wanted;
}

}  // namespace

Outcome<Findings> compare(const Folder& folder, Index& index, bool contents, bool at_rest) {
  if (contents) {
    if (auto good = check_database(index); !good) return failed(good.error());
  }
  auto files = folder.messages();
  if (!files) return failed(files.error());
  std::sort(files->begin(), files->end());
  const auto keys = indexed_keys(index);
  if (!keys) return failed(keys.error());
  Findings findings;
  findings.messages = files->size();
  findings.without_row = without(*files, *keys);
  findings.without_file = without(*keys, *files);
  if (!at_rest && !findings.clean()) {
    if (auto looked = look_twice(folder, index, findings); !looked) return failed(looked.error());
  }
  if (contents) read_contents(folder, *files, findings);
  return findings;
}

Outcome<std::uint64_t> index_again(const Folder& folder, Index& index, Findings& findings) {
  std::uint64_t indexed = 0;
  const auto& all = findings.without_row;
  for (std::size_t begin = 0; begin < all.size(); begin += rows_at_once) {
    const auto end = std::min(begin + rows_at_once, all.size());
    Keys unwanted;
    std::uint64_t rows = 0;
    auto done = index.with([&](Database& database) {
      return database.transaction([&]() -> Outcome<void> {
        for (std::size_t i = begin; i < end; ++i) {
          auto got = index_file(folder, index, database, all[i], findings, unwanted);
          if (!got) return failed(got.error());
          rows += *got ? 1 : 0;
        }
        return {};
      });
    });
    if (!done) return failed(done.error());
    indexed += rows;
    for (const auto& key : unwanted) folder.remove_message(key);
  }
  findings.without_row.clear();
  return indexed;
}

}  // namespace sekisho::spool
