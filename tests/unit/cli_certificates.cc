// `sekisho certificates copy` as the unit of systemd and certbot run it.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/exit_code.h"
#include "support/certificates.h"
#include "support/command_run.h"
#include "tls/certificate_copies.h"

namespace sekisho::cli {

namespace {

using testing::AllOf;
using testing::HasSubstr;

class CertificatesCommand : public testing::Test {
 protected:
  CertificatesCommand() {
    configure("certificate = \"" + path("a.pem") + "\"\nkey = \"" + path("a.key") + "\"\n" +
              "names = [{certificate = \"" + path("b.pem") + "\", key = \"" + path("b.key") +
              "\"}]\n");
    for (const auto* name : {"a", "b"}) issue(name);
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  void configure(const std::string& tls) const {
    write("conf", "[control]\nsocket = \"" + path("run/control.sock") +
                      "\"\n[log]\ntarget = \"file:" + path("log") + "\"\n[tls]\n" + tls);
    write("log", "");
  }
  void issue(const std::string& name) const {
    const auto pair = authority_.issue(name + ".example");
    write(name + ".pem", pair.certificate);
    write(name + ".key", pair.key);
  }
  // The folder of a daemon that runs, and is not root.
  void make_run() const {
    std::filesystem::create_directory(path("run"));
    if (::geteuid() != 0) return;
    ASSERT_EQ(::chown(path("run").c_str(), 65534, 65534), 0);
  }
  bool has_copy(const std::string& name) const {
    return tls::CertificateCopies(path("run"))
        .read({path(name + ".pem"), path(name + ".key")})
        .has_value();
  }
  test::Ended copy() const {
    return test::run_command(folder_, {"certificates", "copy", "-c", path("conf")});
  }

  const test::TemporaryFolder folder_;
  const test::CertificateAuthority authority_;
};

TEST_F(CertificatesCommand, AllPairsAreCopiedAndOthersRemoved) {
  make_run();
  const auto first = copy();
  EXPECT_EQ(first.code, ok) << first.err;
  EXPECT_THAT(first.out, AllOf(HasSubstr("a.pem: copied"), HasSubstr("b.pem: copied")));
  EXPECT_TRUE(has_copy("a"));
  EXPECT_TRUE(has_copy("b"));
  issue("b");
  EXPECT_THAT(copy().out, AllOf(HasSubstr("a.pem: is as before"), HasSubstr("b.pem: copied")));
  configure("certificate = \"" + path("a.pem") + "\"\nkey = \"" + path("a.key") + "\"\n");
  EXPECT_EQ(copy().code, ok);
  EXPECT_TRUE(has_copy("a"));
  EXPECT_FALSE(has_copy("b"));
  configure("");
  EXPECT_EQ(copy().code, ok);
  EXPECT_FALSE(has_copy("a"));
}

TEST_F(CertificatesCommand, ABadPairIsToldAndTheOtherCopied) {
  make_run();
  write("a.key", "nothing");
  const auto ended = copy();
  EXPECT_EQ(ended.code, data_error);
  EXPECT_THAT(ended.err, AllOf(HasSubstr("a.key: no private key"), HasSubstr("keeps what it has")));
  EXPECT_THAT(ended.out, HasSubstr("b.pem: copied"));
  EXPECT_FALSE(has_copy("a"));
}

TEST_F(CertificatesCommand, WithoutADaemonOrCertificatesNothingIsMade) {
  const auto without = copy();
  EXPECT_EQ(without.code, ok) << without.err;
  EXPECT_THAT(without.out, HasSubstr("does not run"));
  EXPECT_FALSE(std::filesystem::exists(path("run")));
  make_run();
  configure("");
  EXPECT_EQ(copy().code, ok);
  EXPECT_TRUE(std::filesystem::is_empty(path("run")));
}

TEST_F(CertificatesCommand, AWrongConfigurationIsTold) {
  make_run();
  configure("certificat = 3\n");
  const auto ended = copy();
  EXPECT_EQ(ended.code, ExitCode::config);
  EXPECT_THAT(ended.err, HasSubstr("certificat"));
}

}  // namespace

}  // namespace sekisho::cli
