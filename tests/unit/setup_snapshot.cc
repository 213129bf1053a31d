// Which resolver a reload gives to the sessions.
#include "setup/snapshot.h"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/temporary_folder.h"

namespace sekisho::setup {

namespace {

using testing::ElementsAre;

class SnapshotOfAReload : public testing::Test {
 protected:
  SnapshotOfAReload() {
    settings_.session.identity.hostname = "mx.example.jp";
    write("nameserver 192.0.2.1\n");
  }
  void write(const std::string& text) const {
    std::ofstream(folder_.file("resolv.conf"), std::ios::trunc) << text;
  }
  std::shared_ptr<const session::Snapshot> make(const config::Settings& settings,
                                                const Running* running = nullptr) const {
    auto made = make_snapshot(settings, "digest", running, folder_.file("resolv.conf"));
    EXPECT_TRUE(made) << (made ? "" : made.error());
    return made.value();
  }

  test::TemporaryFolder folder_;
  config::Settings settings_;
};

TEST_F(SnapshotOfAReload, KeepsTheResolverWhereTheDnsIsUnchanged) {
  const Running running{make(settings_), settings_};
  EXPECT_EQ(make(settings_, &running)->resolver, running.snapshot->resolver);
}

// Another time-out makes another resolver, which has never read the file in a good state.
TEST_F(SnapshotOfAReload, KeepsTheLastServersWhileResolvConfNamesNone) {
  const Running running{make(settings_), settings_};
  EXPECT_THAT(running.snapshot->resolver->status().servers, ElementsAre("192.0.2.1:53"));
  write("");
  auto changed = settings_;
  changed.dns.timeout *= 2;
  const auto next = make(changed, &running);
  EXPECT_NE(next->resolver, running.snapshot->resolver);
  EXPECT_THAT(next->resolver->status().servers, ElementsAre("192.0.2.1:53"));
}

// What the administrator wrote is no server of resolv.conf.
TEST_F(SnapshotOfAReload, DoesNotKeepServersThatTheConfigurationNamed) {
  auto named = settings_;
  named.dns.servers = {"192.0.2.7"};
  const Running running{make(named), named};
  EXPECT_THAT(running.snapshot->resolver->status().servers, ElementsAre("192.0.2.7:53"));
  write("");
  EXPECT_THAT(make(settings_, &running)->resolver->status().servers, ElementsAre("127.0.0.1:53"));
}

}  // namespace

}  // namespace sekisho::setup
