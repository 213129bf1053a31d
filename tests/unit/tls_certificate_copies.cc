// Copies of keys that only root may read: what is copied, for whom, and what the daemon reads.
#include "tls/certificate_copies.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support/tls_pair.h"

namespace sekisho::tls {

namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Test;

constexpr uid_t nobody = 65534;

// Another user meanwhile; only root can do that.
class As {
 public:
  explicit As(uid_t user) { EXPECT_EQ(::seteuid(user), 0); }
  As(const As&) = delete;
  As& operator=(const As&) = delete;
  ~As() { EXPECT_EQ(::seteuid(0), 0); }
};

class CertificateCopiesTest : public Test {
 protected:
  // As certbot has them: archive/ with numbers, and links in live/.
  CertificateCopiesTest() {
    for (const auto* name : {"run", "live", "archive"})
      std::filesystem::create_directory(path(name));
  }
  std::string path(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
    ::chmod(path(name).c_str(), 0600);
  }
  void link(const std::string& name, const std::string& target) const {
    std::filesystem::remove(path("live/" + name));
    std::filesystem::create_symlink("../archive/" + target, path("live/" + name));
  }
  void renew(const test::PemPair& pair, int number) const {
    const auto suffix = std::to_string(number) + ".pem";
    write("archive/fullchain" + suffix, pair.certificate);
    write("archive/privkey" + suffix, pair.key);
    link("fullchain.pem", "fullchain" + suffix);
    link("privkey.pem", "privkey" + suffix);
  }
  KeyPair files() const { return {path("live/fullchain.pem"), path("live/privkey.pem")}; }
  CertificateCopies copies() const { return CertificateCopies(path("run")); }
  std::string why(const KeyPair& files) const {
    const auto written = copies().write(files, ::geteuid());
    return written ? "" : written.error();
  }
  std::vector<std::string> copied() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path("run/certificates")))
      names.push_back(entry.path().filename());
    return names;
  }

  const test::TemporaryFolder folder_;
  const test::CertificateAuthority authority_;
};

TEST_F(CertificateCopiesTest, APairIsCopiedOnceAndAgainAfterARenewal) {
  const auto first = authority_.issue("mx.example");
  const auto second = authority_.issue("mx.example");
  renew(first, 1);
  EXPECT_TRUE(copies().write(files(), ::geteuid()).value());
  EXPECT_FALSE(copies().write(files(), ::geteuid()).value());
  EXPECT_EQ(copies().read(files())->certificate.text, first.certificate);
  EXPECT_EQ(copies().read(files())->key.text, first.key);
  renew(second, 2);
  EXPECT_TRUE(copies().write(files(), ::geteuid()).value());
  EXPECT_EQ(copies().read(files())->certificate.text, second.certificate);
  EXPECT_EQ(copies().read(files())->key.text, second.key);
}

TEST_F(CertificateCopiesTest, WhatIsBrokenOrDoesNotFitLeavesTheCopyOfBefore) {
  const auto good = authority_.issue("mx.example");
  const auto next = authority_.issue("mx.example");
  renew(good, 1);
  ASSERT_EQ(why(files()), "");
  // A renewal that is half done: one link of two.
  write("archive/fullchain2.pem", next.certificate);
  link("fullchain.pem", "fullchain2.pem");
  EXPECT_THAT(why(files()), HasSubstr("not that of the certificate"));
  write("archive/fullchain2.pem", next.certificate.substr(0, next.certificate.size() / 2));
  EXPECT_THAT(why(files()), HasSubstr("is the file complete"));
  link("fullchain.pem", "fullchain3.pem");
  EXPECT_THAT(why(files()), HasSubstr("No such file"));
  EXPECT_EQ(copies().read(files())->certificate.text, good.certificate);
  EXPECT_EQ(copies().read(files())->key.text, good.key);
}

TEST_F(CertificateCopiesTest, TheCopyIsForItsReaderAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give files away";
  renew(authority_.issue("mx.example"), 1);
  ASSERT_EQ(::chown(path("run").c_str(), nobody, nobody), 0);
  ASSERT_TRUE(copies().write(files(), nobody));
  struct stat status {};
  ASSERT_EQ(::stat(path("run/certificates").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 0U);
  EXPECT_EQ(status.st_mode & 07777, 0711U);
  ASSERT_EQ(copied().size(), 1U);
  ASSERT_EQ(::stat(path("run/certificates/" + copied().front()).c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, nobody);
  EXPECT_EQ(status.st_mode & 07777, 0400U);
}

TEST_F(CertificateCopiesTest, TheDaemonReadsTheCopyOfWhatItMayNotRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "root may read everything, and others cannot be root";
  renew(authority_.issue("old.example"), 1);
  for (const auto* open : {"", "run"}) ::chmod(path(open).c_str(), 0755);
  for (const auto* closed : {"live", "archive"}) ::chmod(path(closed).c_str(), 0700);
  CertificateFiles daemon({.main = files(), .names = {}, .ca_file = {}}, copies().reader());
  const auto look = [&] {
    const As user(nobody);
    return daemon.look();
  };
  EXPECT_FALSE(look());
  EXPECT_THAT(daemon.reports().at(0).fault, HasSubstr("sekisho certificates copy"));
  ASSERT_TRUE(copies().write(files(), nobody));
  EXPECT_TRUE(look());
  EXPECT_EQ(daemon.reports().at(0).fault, "");
  EXPECT_THAT(daemon.reports().at(0).names, ElementsAre("old.example"));
  renew(authority_.issue("new.example"), 2);
  EXPECT_FALSE(look());
  ASSERT_TRUE(copies().write(files(), nobody));
  EXPECT_TRUE(look());
  EXPECT_THAT(daemon.reports().at(0).names, ElementsAre("new.example"));
}

TEST_F(CertificateCopiesTest, TheFilesThemselvesComeFirst) {
  renew(authority_.issue("old.example"), 1);
  ASSERT_EQ(why(files()), "");
  renew(authority_.issue("new.example"), 2);
  CertificateFiles daemon({.main = files(), .names = {}, .ca_file = {}}, copies().reader());
  EXPECT_TRUE(daemon.look());
  EXPECT_THAT(daemon.reports().at(0).names, ElementsAre("new.example"));
  // What was removed is missing, copy or not.
  std::filesystem::remove(path("live/privkey.pem"));
  daemon.look();
  EXPECT_THAT(daemon.reports().at(0).fault, HasSubstr("No such file"));
}

TEST_F(CertificateCopiesTest, ADamagedCopyIsNone) {
  renew(authority_.issue("mx.example"), 1);
  ASSERT_EQ(why(files()), "");
  const std::string name = "run/certificates/" + copied().front();
  std::string text;
  std::getline(std::ifstream(path(name)), text, '\0');
  ASSERT_FALSE(text.empty());
  for (const auto& other : {text.substr(0, text.size() - 1), text + "x", std::string("x"),
                            std::string(), "sekisho-pair 1 99999999999999999999 1\n" + text,
                            std::string("sekisho-pair 1 18446744073709551615 2\nx")}) {
    std::filesystem::remove(path(name));
    write(name, other);
    EXPECT_FALSE(copies().read(files())) << other.substr(0, 40);
  }
  EXPECT_EQ(why(files()), "");
  EXPECT_TRUE(copies().read(files()));
}

TEST_F(CertificateCopiesTest, PairsAreToldApartAndOnesThatAreGoneRemoved) {
  const auto pair = authority_.issue("mx.example");
  const std::vector<std::string> names = {"live/a-b.pem", "live/a%2db.pem", "live/a.b.pem"};
  std::vector<KeyPair> pairs;
  for (const auto& name : names) {
    write(name, pair.certificate + pair.key);
    pairs.push_back({path(name), path(name)});
    ASSERT_EQ(why(pairs.back()), "");
  }
  EXPECT_EQ(copied().size(), names.size());
  pairs.pop_back();
  ASSERT_TRUE(copies().keep_only(pairs));
  EXPECT_EQ(copied().size(), pairs.size());
  EXPECT_TRUE(copies().read(pairs.front()));
  ASSERT_TRUE(copies().keep_only({}));
  EXPECT_TRUE(copied().empty());
}

TEST_F(CertificateCopiesTest, NothingIsWrittenThroughALinkOrIntoAnothersFolder) {
  renew(authority_.issue("mx.example"), 1);
  std::filesystem::create_directory(path("elsewhere"));
  std::filesystem::create_directory_symlink(path("elsewhere"), path("run/certificates"));
  EXPECT_THAT(why(files()), HasSubstr("cannot be opened"));
  EXPECT_FALSE(copies().keep_only({}));
  EXPECT_TRUE(std::filesystem::is_empty(path("elsewhere")));
  if (::geteuid() != 0) return;
  std::filesystem::remove(path("run/certificates"));
  std::filesystem::create_directory(path("run/certificates"));
  ASSERT_EQ(::chown(path("run/certificates").c_str(), nobody, nobody), 0);
  EXPECT_THAT(why(files()), HasSubstr("another user"));
  EXPECT_TRUE(copied().empty());
}

}  // namespace

}  // namespace sekisho::tls
