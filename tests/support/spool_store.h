// tests/support/spool_store.h: a store of the test's own, with tables that keep one text for each
// message, and with others beside them that keep recipients.
// Thread: one owner, but for the callbacks that are waited for.
#pragma once

#include <chrono>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/guarded.h"
#include "spool/store.h"

namespace sekisho::test {

// A table of keys and texts. "same as KEY" is a repetition of that message, "refuse" cannot be
// placed.
class NoteTables final : public spool::Tables {
 public:
  std::string_view name() const override { return "notes"; }
  spool::Outcome<void> create(spool::Database& database) const override {
    return database.script(
        "CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, note TEXT NOT NULL);");
  }
  spool::Outcome<Placed> place(spool::Database& database, const spool::Entry& entry,
                               const HasFile& has_file) const override {
    if (entry.record == "refuse") return spool::failed(spool::Failure::Kind::refused, "refused");
    if (entry.record.starts_with("same as ") && has_file(std::string(entry.record.substr(8))))
      return Placed{Placing::repeated, std::string(entry.record.substr(8))};
    bool dropped = false;
    auto read = database.query("SELECT note FROM notes WHERE key = ?1", {entry.key},
                               [&](const spool::Row& row) {
                                 dropped = row.text(0) == "dropped";
                                 return true;
                               });
    if (!read) return spool::failed(read.error());
    if (dropped) return Placed{Placing::abandoned, {}};
    auto added = database.run("INSERT OR IGNORE INTO notes (key, note) VALUES (?1, ?2)",
                              {entry.key, entry.record});
    if (!added) return spool::failed(added.error());
    return Placed{};
  }
  spool::Outcome<bool> wants(spool::Database& database, const std::string& key) const override {
    bool found = false;
    auto read = database.query("SELECT 1 FROM notes WHERE key = ?1 AND note <> 'dropped'", {key},
                               [&](const spool::Row&) { return found = true; });
    if (!read) return spool::failed(read.error());
    return found;
  }
};

// Drops the note of a message.
inline spool::Outcome<void> drop_note(spool::Change& change, const std::string& key) {
  auto noted = change.database().run("UPDATE notes SET note = 'dropped' WHERE key = ?1", {key});
  if (!noted) return spool::failed(noted.error());
  change.drop(key);
  return {};
}

// As a queue will be: a row for each recipient, one a line of the record, that waits or has its
// message. "refuse" cannot be placed.
class WaitingTables final : public spool::Tables {
 public:
  std::string_view name() const override { return "waiting"; }
  spool::Outcome<void> create(spool::Database& database) const override {
    return database.script(
        "CREATE TABLE IF NOT EXISTS waiting (key TEXT NOT NULL, recipient TEXT NOT NULL,"
        "  sent INTEGER NOT NULL, PRIMARY KEY (key, recipient));");
  }
  spool::Outcome<Placed> place(spool::Database& database, const spool::Entry& entry,
                               const HasFile& /*has_file*/) const override {
    if (entry.record == "refuse") return spool::failed(spool::Failure::Kind::refused, "refused");
    const std::string key(entry.key);
    bool known = false;
    auto read = database.query("SELECT 1 FROM waiting WHERE key = ?1", {key},
                               [&](const spool::Row&) { return known = true; });
    if (!read) return spool::failed(read.error());
    if (known) {
      const auto wanted = wants(database, key);
      if (!wanted) return spool::failed(wanted.error());
      return Placed{*wanted ? Placing::inserted : Placing::abandoned, {}};
    }
    std::istringstream lines{std::string(entry.record)};
    for (std::string to; std::getline(lines, to);) {
      if (auto added = wait(database, key, to); !added) return spool::failed(added.error());
    }
    return Placed{};
  }
  spool::Outcome<bool> wants(spool::Database& database, const std::string& key) const override {
    bool found = false;
    auto read = database.query("SELECT 1 FROM waiting WHERE key = ?1 AND sent = 0", {key},
                               [&](const spool::Row&) { return found = true; });
    if (!read) return spool::failed(read.error());
    return found;
  }

  static spool::Outcome<void> wait(spool::Database& database, const std::string& key,
                                   const std::string& to) {
    auto added =
        database.run("INSERT INTO waiting (key, recipient, sent) VALUES (?1, ?2, 0)", {key, to});
    if (!added) return spool::failed(added.error());
    return {};
  }
  static spool::Outcome<void> sent(spool::Change& change, const std::string& key,
                                   const std::string& to) {
    auto done = change.database().run(
        "UPDATE waiting SET sent = 1 WHERE key = ?1 AND recipient = ?2", {key, to});
    if (!done) return spool::failed(done.error());
    change.drop(key);
    return {};
  }
};

// What a store tells an admin.
class Alarms {
 public:
  spool::Store::Alarm sink() const {
    return [said = said_](const std::string& sentence) {
      said->with([&](auto& all) { all.push_back(sentence); });
    };
  }
  bool has(const std::string& part) const {
    return said_->with([&](const auto& all) {
      for (const auto& sentence : all)
        if (sentence.find(part) != std::string::npos) return true;
      return false;
    });
  }
  std::size_t count() const {
    return said_->with([](const auto& all) { return all.size(); });
  }

 private:
  std::shared_ptr<Guarded<std::vector<std::string>>> said_ =
      std::make_shared<Guarded<std::vector<std::string>>>();
};

// The outcomes of puts under way.
class Puts {
 public:
  using Outcome = spool::Outcome<spool::Stored>;

  spool::Store::Done done() {
    ++expected_;
    return [outcomes = outcomes_](Outcome outcome) {
      outcomes->with([&](auto& all) { all.push_back(std::move(outcome)); });
      outcomes->notify_all();
    };
  }
  // All outcomes, in the order in which they came.
  std::vector<Outcome> wait() {
    return outcomes_->wait_until(
        steady_now() + std::chrono::seconds(30),
        [&](const auto& all) { return all.size() >= expected_; },
        [](auto& all, bool) { return all; });
  }

 private:
  std::size_t expected_ = 0;
  std::shared_ptr<Guarded<std::vector<Outcome>>> outcomes_ =
      std::make_shared<Guarded<std::vector<Outcome>>>();
};

inline std::unique_ptr<spool::Store> open_store(const spool::Options& options,
                                                const Alarms& alarms = {},
                                                spool::Access access = spool::Access::owner) {
  auto store =
      spool::Store::open(options, access, {std::make_shared<const NoteTables>()}, alarms.sink());
  EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().why);
  return store ? std::move(*store) : nullptr;
}

// The part of NoteTables.
inline std::vector<spool::Part> note(const std::string& record = "note") {
  return {{"notes", record}};
}

// Puts one message and waits for its outcome.
inline Puts::Outcome put(spool::Store& store, const std::string& key, const std::string& message,
                         std::vector<spool::Part> parts) {
  Puts puts;
  auto draft = store.draft();
  draft.append(message);
  store.put(std::move(draft), key, std::move(parts), puts.done());
  auto outcomes = puts.wait();
  if (outcomes.size() != 1) return spool::failed(spool::Failure::Kind::io, "no outcome");
  return outcomes.front();
}

inline Puts::Outcome put(spool::Store& store, const std::string& key, const std::string& message,
                         const std::string& record = "note") {
  return put(store, key, message, note(record));
}

inline std::string why(const Puts::Outcome& outcome) {
  return outcome ? "stored" : std::string(to_string(outcome.error().kind));
}

}  // namespace sekisho::test
