// The certificates of the configuration while their files are renewed, copied, mixed up and broken.
#include "tls/certificate_files.h"

#include <fstream>

#include "support/tls_pair.h"

namespace sekisho::tls {

namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Test;

class CertificateFilesTest : public Test {
 protected:
  std::string path(const std::string& name) const { return folder_.file(name); }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }
  void write(const test::PemPair& pair, const std::string& name = "mx") const {
    write(name + ".pem", pair.certificate);
    write(name + ".key", pair.key);
  }
  KeyPair files(const std::string& name = "mx") const {
    return {path(name + ".pem"), path(name + ".key")};
  }
  // The fault of the first pair after a look.
  static std::string fault(CertificateFiles& files) {
    files.look();
    return files.reports().front().fault;
  }
  // Of a pair that was never there before.
  std::string fault_of(const test::PemPair& pair) const {
    write(pair, "fresh");
    CertificateFiles fresh({.main = files("fresh"), .names = {}, .ca_file = {}});
    EXPECT_FALSE(fresh.look());
    EXPECT_EQ(fresh.context(""), nullptr);
    EXPECT_FALSE(fresh.reports().front().present);
    return fresh.reports().front().fault;
  }

  const test::TemporaryFolder folder_;
  const test::CertificateAuthority authority_;
};

TEST_F(CertificateFilesTest, APairIsTakenAndDescribed) {
  const auto expires = wall_now() + std::chrono::hours(24 * 30);
  write(authority_.issue(test::CertificateWish{.names = {"mx.example", "192.0.2.1", "2001:db8::1"},
                                               .expires = expires}));
  CertificateFiles files({.main = this->files(), .names = {}, .ca_file = {}});
  EXPECT_EQ(files.context(""), nullptr);
  EXPECT_TRUE(files.look());
  const auto report = files.reports().at(0);
  EXPECT_TRUE(report.present);
  EXPECT_EQ(report.fault, "");
  EXPECT_THAT(report.names, ElementsAre("mx.example", "192.0.2.1", "2001:db8::1"));
  EXPECT_EQ(report.expires, expires);
  const auto context = files.context("");
  EXPECT_NE(context, nullptr);
  EXPECT_FALSE(files.look());
  EXPECT_EQ(files.context(""), context);
  EXPECT_NE(files.context("submission"), context);
}

TEST_F(CertificateFilesTest, TheOldPairStaysUntilBothNewFilesAreThere) {
  write(authority_.issue("old.example"));
  CertificateFiles files({.main = this->files(), .names = {}, .ca_file = {}});
  files.look();
  const auto context = files.context("");
  const auto renewed = authority_.issue("new.example");
  for (const std::size_t part : {std::size_t{0}, std::size_t{1}, renewed.certificate.size() / 2,
                                 renewed.certificate.size() - 3, renewed.certificate.size()}) {
    write("mx.pem", renewed.certificate.substr(0, part));
    EXPECT_NE(fault(files), "") << part;
    EXPECT_EQ(files.context(""), context) << part;
    EXPECT_THAT(files.reports().at(0).names, ElementsAre("old.example"));
  }
  write("mx.key", renewed.key);
  EXPECT_TRUE(files.look());
  EXPECT_EQ(files.reports().at(0).fault, "");
  EXPECT_THAT(files.reports().at(0).names, ElementsAre("new.example"));
  EXPECT_NE(files.context(""), context);
}

TEST_F(CertificateFilesTest, ARemovedFileKeepsThePairAndIsToldUntilItIsBack) {
  write(authority_.issue("mx.example"));
  CertificateFiles files({.main = this->files(), .names = {}, .ca_file = {}});
  files.look();
  std::filesystem::remove(path("mx.key"));
  EXPECT_THAT(fault(files), AllOf(HasSubstr("mx.key"), HasSubstr("No such file")));
  EXPECT_NE(files.context(""), nullptr);
  write(authority_.issue("mx.example"));
  EXPECT_EQ(fault(files), "");
}

TEST_F(CertificateFilesTest, FaultsNameTheFileAndWhatToDo) {
  const auto pair = authority_.issue("mx.example");
  const auto other = authority_.issue("mx.example");
  EXPECT_THAT(fault_of({"", pair.key}), AllOf(HasSubstr("fresh.pem"), HasSubstr("PEM")));
  EXPECT_THAT(fault_of({pair.key, pair.key}), HasSubstr("fresh.pem: no certificate"));
  EXPECT_THAT(fault_of({pair.certificate, pair.certificate}),
              AllOf(HasSubstr("fresh.key"), HasSubstr("is it the file of the certificate")));
  EXPECT_THAT(fault_of({pair.certificate, "hello"}), HasSubstr("BEGIN PRIVATE KEY"));
  EXPECT_THAT(fault_of({pair.certificate, pair.key.substr(0, pair.key.size() / 2)}),
              AllOf(HasSubstr("fresh.key"), HasSubstr("complete")));
  EXPECT_THAT(fault_of({pair.certificate, other.key}),
              AllOf(HasSubstr("not that of the certificate"), HasSubstr("mx.example")));
  EXPECT_THAT(fault_of({other.certificate + pair.certificate, pair.key}),
              HasSubstr("number 2 in the file"));
  EXPECT_THAT(fault_of({pair.certificate, test::with_passphrase(pair.key, "secret")}),
              HasSubstr("passphrase"));
  std::string damaged = pair.certificate;
  damaged[damaged.size() / 2] = damaged[damaged.size() / 2] == '*' ? '+' : '*';
  EXPECT_THAT(fault_of({damaged, pair.key}), HasSubstr("fresh.pem: certificate 1"));
}

TEST_F(CertificateFilesTest, AChainThatIsCutAnywhereIsNoticed) {
  const auto pair = authority_.subordinate("Department").issue("mx.example");
  const std::size_t first = pair.certificate.find("-----END") + 26;
  for (std::size_t size = first + 12; size < pair.certificate.size() - 1; size += 13) {
    const auto parsed =
        Certificate::parse({"c", pair.certificate.substr(0, size)}, {"k", pair.key});
    EXPECT_FALSE(parsed) << size;
  }
  EXPECT_TRUE(Certificate::parse({"c", pair.certificate}, {"k", pair.key}));
}

TEST_F(CertificateFilesTest, KeyAndCertificateMayBeInOneFile) {
  const auto pair = authority_.issue("mx.example");
  for (const auto& text : {pair.key + pair.certificate, pair.certificate + pair.key})
    EXPECT_TRUE(Certificate::parse({"both", text}, {"both", text}));
}

TEST_F(CertificateFilesTest, AReloadKeepsWhatIsNamedAsBefore) {
  write(authority_.issue("mx.example"));
  write(authority_.issue("shop.example"), "shop");
  CertificateFiles files({.main = this->files(), .names = {}, .ca_file = {}});
  files.look();
  std::filesystem::remove(path("mx.pem"));
  files.configure({.main = this->files(), .names = {this->files("shop")}, .ca_file = {}});
  EXPECT_TRUE(files.look());
  ASSERT_EQ(files.reports().size(), 2U);
  EXPECT_TRUE(files.reports().at(0).present);
  EXPECT_TRUE(files.reports().at(1).present);
  const auto client = test::client_of(authority_, {.demand_verified = true});
  for (const std::string name : {"mx.example", "shop.example"}) {
    Layer server(files.context(""));
    Layer asking(client, name);
    test::exchange(asking, server);
    EXPECT_TRUE(asking.verified()) << name;
  }
  files.configure({.main = {}, .names = {}, .ca_file = {}});
  EXPECT_EQ(files.context(""), nullptr);
}

TEST_F(CertificateFilesTest, AnotherReaderCanHaveTheRightsOfItsOwn) {
  const auto pair = authority_.issue("mx.example");
  CertificateFiles files(
      {.main = {"a", "b"}, .names = {}, .ca_file = {}},
      [&](const KeyPair& named) -> Expected<PairText, PairFault> {
        return PairText{{named.certificate, pair.certificate}, {named.key, pair.key}};
      });
  EXPECT_TRUE(files.look());
  EXPECT_NE(files.context(""), nullptr);
}

TEST_F(CertificateFilesTest, AuthoritiesThatCannotBeReadAreNamed) {
  const auto made = ClientContext::make({.ca_file = path("nowhere")});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error(), HasSubstr("nowhere: No such file"));
  write("empty", "# nothing\n");
  const auto empty = ClientContext::make({.ca_file = path("empty")});
  ASSERT_FALSE(empty);
  EXPECT_THAT(empty.error(), HasSubstr("empty: no certificate"));
}

}  // namespace

}  // namespace sekisho::tls
