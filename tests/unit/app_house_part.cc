// What the house does when this host changes under it.
#include "app/house_part.h"

#include <fstream>

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "support/certificates.h"
#include "support/session_gate.h"
#include "support/smtp_house.h"
#include "support/temporary_folder.h"

namespace sekisho::app {
namespace {

using std::chrono::seconds;

class HousePartTest : public testing::Test {
 protected:
  HousePartTest() {
    auto& settings = loaded_.settings;
    settings.listeners.emplace_back();
    settings.listeners[0].tls = smtp::ListenerTls::off;
    settings.session.identity.hostname = "mx.example.jp";
    settings.session.trust.networks =
        mail::PrefixSet({mail::IpPrefix::parse("172.16.0.0/12").value()});
    settings.aliases.files.clear();
    settings.aliases.srs_secret_file = folder_.file("srs");
    settings.control.socket = folder_.file("control.sock");
    auto snapshot = test::snapshot_on_zone("");
    snapshot.options.trust.networks = settings.session.trust.networks;
    engine_.replace(std::make_shared<const session::Snapshot>(std::move(snapshot)));
  }
  void start() {
    ASSERT_TRUE(part_.open(loaded_.settings));
    ASSERT_TRUE(part_.prepare(loaded_.settings, *engine_.snapshot()));
    ASSERT_TRUE(part_.start(loaded_));
  }
  void tick_after(seconds time) {
    now_ += time;
    part_.tick(loaded_.settings);
  }
  bool is_judged(const mail::IpAddress& address) const {
    return !engine_.snapshot()->options.trust.networks.contains(address);
  }
  relay::Standing standing(const mail::IpAddress& address) const {
    return part_.map()->standing({address, false, false});
  }

  const test::TemporaryFolder folder_;
  config::Loaded loaded_;
  Log log_{std::make_shared<test::LogLines>(), LogLevel::info};
  Alarms alarms_{log_};
  test::Recorder recorder_;
  session::Engine engine_{nullptr, recorder_};
  setup::HostAddresses host_;
  SteadyTime now_ = steady_now();
  HousePart part_{{engine_, alarms_, log_, [this] { return host_; }, [this] { return now_; }}};
};

// Docker makes its bridge when it starts: whoever comes from there may be anybody.
TEST_F(HousePartTest, WhoeverIsBehindANewBridgeIsAStrangerToAll) {
  const auto bridge = mail::IpAddress::parse("172.17.0.1").value();
  const auto host = mail::IpAddress::parse("172.17.0.2").value();
  start();
  EXPECT_FALSE(is_judged(bridge));
  EXPECT_EQ(standing(bridge), relay::Standing::trusted);
  host_.shared = {bridge};
  tick_after(seconds(59));
  EXPECT_FALSE(is_judged(bridge)) << "looked at every minute";
  tick_after(seconds(2));
  EXPECT_TRUE(is_judged(bridge));
  EXPECT_EQ(standing(bridge), relay::Standing::stranger);
  EXPECT_FALSE(is_judged(host));
  host_.shared.clear();
  tick_after(seconds(61));
  EXPECT_FALSE(is_judged(bridge));
}

// A person must end it: nobody who speaks TLS gets through, or soon nobody will.
TEST_F(HousePartTest, ACertificateThatCannotBeReadIsAnAlarm) {
  auto& tls = loaded_.settings.tls.main;
  tls.certificate = folder_.file("absent.pem");
  tls.key = folder_.file("absent.key");
  start();
  ASSERT_EQ(alarms_.lasting().size(), 1U);
  EXPECT_EQ(alarms_.lasting()[0].key, "certificate-file:" + tls.certificate);
  EXPECT_NE(alarms_.lasting()[0].text.find("there is no certificate"), std::string::npos);
  const auto pair = test::self_signed("mx.example.jp");
  std::ofstream(tls.certificate) << pair.certificate;
  std::ofstream(tls.key) << pair.key;
  ASSERT_EQ(::chmod(tls.key.c_str(), 0600), 0);
  tick_after(seconds(61));
  EXPECT_TRUE(alarms_.lasting().empty());
}

}  // namespace
}  // namespace sekisho::app
