// tests/support/quarantine_test.h: the fixture of tests of quarantine::Store: a store in a folder
// of its own.
// Thread: one owner.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "quarantine/store.h"
#include "support/held_messages.h"
#include "support/spool_store.h"
#include "support/temporary_folder.h"

namespace sekisho::test {

class QuarantineTest : public testing::Test {
 protected:
  QuarantineTest() { options_.dir = place_.file("store"); }

  std::unique_ptr<quarantine::Store> open(quarantine::Access access = quarantine::Access::owner) {
    auto store = quarantine::Store::open(options_, access, alarms_.sink());
    EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().why);
    return store ? std::move(*store) : nullptr;
  }
  Puts::Outcome hold(quarantine::Store& store, quarantine::HeldRow held,
                     const std::string& message = "Subject: x\r\n\r\n") {
    Puts puts;
    auto draft = store.draft();
    draft.append(message);
    store.hold(std::move(draft), std::move(held), held_detail(), puts.done());
    return puts.wait().front();
  }
  void hold(quarantine::Store& store, std::uint64_t number) {
    const auto outcome = hold(store, held_message(number));
    ASSERT_TRUE(outcome.has_value()) << outcome.error().why;
  }
  std::vector<std::string> ids(quarantine::Store& store, const quarantine::Filter& filter = {}) {
    std::vector<std::string> all;
    const auto rows = store.list(filter);
    EXPECT_TRUE(rows.has_value());
    for (const auto& row : *rows) all.push_back(row.id);
    return all;
  }
  quarantine::State state_of(quarantine::Store& store, std::uint64_t number) {
    return store.get(held_id(number))->held.state;
  }
  bool has_file(std::uint64_t number) const {
    return std::filesystem::exists(options_.dir + "/" + held_id(number));
  }

  TemporaryFolder place_;
  quarantine::Options options_;
  Alarms alarms_;
  const WallTime now_ = held_message(0).time + std::chrono::hours(1);
};

}  // namespace sekisho::test
