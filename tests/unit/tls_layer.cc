// Both sides of TLS against each other, in memory: every chunking, names, dates, authorities,
// versions, renegotiation, garbage, and the two ways in which a connection ends.
#include "tls/layer.h"

#include <openssl/ssl.h>

#include <cstring>
#include <stdexcept>

#include "base/unique_handle.h"
#include "support/tls_pair.h"

namespace sekisho::tls {

namespace {

using test::carry;
using test::client_of;
using test::exchange;
using test::server_of;
using testing::HasSubstr;
using testing::Test;

class TlsLayer : public Test {
 protected:
  const test::CertificateAuthority authority_;
  const std::shared_ptr<const ServerContext> server_ = server_of(authority_.issue("mx.example"));
  const std::shared_ptr<const ClientContext> client_ = client_of(authority_);
  const std::shared_ptr<const ClientContext> strict_ =
      client_of(authority_, {.demand_verified = true});

  // The client's side after a handshake with a server that has this certificate.
  Layer after_handshake(const test::PemPair& pair, const std::string& name, bool demanded = false) {
    Layer server(server_of(pair));
    Layer client(demanded ? strict_ : client_, name);
    exchange(client, server);
    return client;
  }
};

TEST_F(TlsLayer, CarriesTextInPiecesOfEverySize) {
  std::string text;
  for (int i = 0; i < 40000; ++i) text += static_cast<char>(i * 7 % 251);
  for (const std::size_t piece : {1U, 2U, 3U, 5U, 16U, 100U, 1000U, 16384U, 100000U}) {
    Layer server(server_);
    Layer client(client_, "mx.example");
    exchange(client, server, piece);
    ASSERT_TRUE(client.established() && server.established()) << piece;
    client.send("EHLO client.example\r\n");
    exchange(client, server, piece);
    EXPECT_EQ(server.take_plain(), "EHLO client.example\r\n");
    server.send(text);
    client.send(text);
    exchange(client, server, piece);
    EXPECT_EQ(client.take_plain(), text) << piece;
    EXPECT_EQ(server.take_plain(), text) << piece;
    EXPECT_EQ(client.version(), "TLSv1.3");
    EXPECT_EQ(server.cipher(), client.cipher());
    EXPECT_NE(client.cipher(), "");
    EXPECT_TRUE(client.verified()) << client.why_unverified();
  }
}

TEST_F(TlsLayer, CiphertextHoldsNoPlainText) {
  Layer server(server_);
  Layer client(client_, "mx.example");
  exchange(client, server);
  client.send("a password that nobody must see");
  const std::string wire = client.take_output();
  EXPECT_GT(wire.size(), 31U);
  EXPECT_EQ(wire.find("password"), std::string::npos);
}

TEST_F(TlsLayer, TextAfterTheHandshakeInTheSamePacketIsThere) {
  Layer server(server_);
  Layer client(client_, "mx.example");
  carry(client, server);
  carry(server, client);
  ASSERT_TRUE(client.established());
  client.send("first");  // goes with the client's Finished
  carry(client, server);
  EXPECT_TRUE(server.established());
  EXPECT_EQ(server.take_plain(), "first");
}

TEST_F(TlsLayer, SendingBeforeTheHandshakeIsABug) {
  Layer client(client_, "mx.example");
  EXPECT_THROW(client.send("x"), std::logic_error);
}

TEST_F(TlsLayer, AnotherNameIsReportedOrRefused) {
  const auto pair = authority_.issue(test::CertificateWish{.names = {"a.example", "b.example"}});
  const Layer tolerant = after_handshake(pair, "mx.example");
  EXPECT_TRUE(tolerant.established());
  EXPECT_FALSE(tolerant.verified());
  EXPECT_THAT(tolerant.why_unverified(), HasSubstr("a.example, b.example"));
  const Layer strict = after_handshake(pair, "mx.example", true);
  ASSERT_TRUE(strict.failure());
  EXPECT_FALSE(strict.established());
  EXPECT_THAT(*strict.failure(), HasSubstr("not accepted"));
  EXPECT_THAT(*strict.failure(), HasSubstr("a.example, b.example"));
}

TEST_F(TlsLayer, TheServerLearnsThatItsCertificateWasRefused) {
  Layer server(server_of(test::self_signed("mx.example")));
  Layer client(strict_, "mx.example");
  exchange(client, server);
  ASSERT_TRUE(client.failure());
  ASSERT_TRUE(server.failure());
  EXPECT_THAT(*server.failure(), HasSubstr("unknown ca"));
}

TEST_F(TlsLayer, DatesAndAuthoritiesCount) {
  const auto then = wall_now() - std::chrono::hours(24 * 400);
  const auto expired = authority_.issue(test::CertificateWish{
      .names = {"mx.example"}, .begins = then, .expires = then + std::chrono::hours(24)});
  EXPECT_THAT(after_handshake(expired, "mx.example").why_unverified(), HasSubstr("expired"));
  EXPECT_THAT(after_handshake(expired, "mx.example", true).failure().value_or(""),
              HasSubstr("expired"));
  const auto future = authority_.issue(test::CertificateWish{
      .names = {"mx.example"}, .begins = wall_now() + std::chrono::hours(24)});
  EXPECT_THAT(after_handshake(future, "mx.example").why_unverified(), HasSubstr("not yet valid"));
  EXPECT_THAT(after_handshake(test::self_signed("mx.example"), "mx.example").why_unverified(),
              HasSubstr("self-signed"));
  const test::CertificateAuthority other("Somebody else");
  EXPECT_NE(after_handshake(other.issue("mx.example"), "mx.example").why_unverified(), "");
}

TEST_F(TlsLayer, AnAuthorityBelowOursIsFollowedIfTheServerSendsIt) {
  const auto below = authority_.subordinate("Department");
  auto pair = below.issue("mx.example");
  EXPECT_TRUE(after_handshake(pair, "mx.example", true).verified());
  pair.certificate.resize(pair.certificate.find("-----END CERTIFICATE-----\n") + 26);
  EXPECT_TRUE(after_handshake(pair, "mx.example", true).failure());
}

TEST_F(TlsLayer, NamesAreComparedAsMailHostsAreWritten) {
  const auto verified = [&](const std::string& certified, const std::string& name) {
    return after_handshake(authority_.issue(certified), name, true).verified();
  };
  EXPECT_TRUE(verified("mx.example", "MX.Example"));
  EXPECT_TRUE(verified("mx.example", "mx.example."));
  EXPECT_TRUE(verified("*.mail.example", "mx.mail.example"));
  EXPECT_FALSE(verified("*.mail.example", "a.mx.mail.example"));
  EXPECT_FALSE(verified("m*.mail.example", "mx.mail.example"));
  EXPECT_TRUE(verified("192.0.2.1", "192.0.2.1"));
  EXPECT_FALSE(verified("192.0.2.1", "192.0.2.2"));
  EXPECT_TRUE(verified("2001:db8::1", "2001:DB8:0::1"));
  EXPECT_TRUE(verified("fe80::1", "fe80::1%eth0"));
  EXPECT_FALSE(verified("mx.example", ""));
  EXPECT_FALSE(verified("mx.example", std::string("mx.example\0.evil", 15)));
  EXPECT_FALSE(verified("mx.example", std::string(300, 'a') + ".example"));
}

TEST_F(TlsLayer, WithoutANameNothingIsVerified) {
  Layer server(server_);
  Layer client(client_, "");
  exchange(client, server);
  EXPECT_TRUE(client.established());
  EXPECT_FALSE(client.verified());
}

TEST_F(TlsLayer, CloseIsToldToTheOtherSideAndTextBeforeItArrives) {
  Layer server(server_);
  Layer client(client_, "mx.example");
  exchange(client, server);
  client.send("QUIT\r\n");
  client.close();
  client.send("too late");
  exchange(client, server, 7);
  EXPECT_EQ(server.take_plain(), "QUIT\r\n");
  EXPECT_TRUE(server.ended());
  EXPECT_FALSE(server.failure());
  server.send("221 bye\r\n");
  server.close();
  exchange(server, client);
  EXPECT_EQ(client.take_plain(), "221 bye\r\n");
  EXPECT_TRUE(client.ended());
}

TEST_F(TlsLayer, AConnectionThatIsCutHasNotEnded) {
  Layer server(server_);
  Layer client(client_, "mx.example");
  exchange(client, server);
  client.send("half of a message");
  const std::string wire = client.take_output();
  server.receive(std::string_view(wire).substr(0, wire.size() - 1));
  EXPECT_EQ(server.take_plain(), "");
  EXPECT_FALSE(server.ended());
  EXPECT_FALSE(server.failure());
}

TEST_F(TlsLayer, AChangedOctetIsNoticed) {
  Layer server(server_);
  Layer client(client_, "mx.example");
  exchange(client, server);
  client.send("text");
  std::string wire = client.take_output();
  wire[wire.size() / 2] = static_cast<char>(wire[wire.size() / 2] ^ 1);
  server.receive(wire);
  EXPECT_TRUE(server.failure());
  EXPECT_EQ(server.take_plain(), "");
  EXPECT_NE(server.take_output(), "");  // the alert
  server.receive("more");
  server.send("is not sent");
  EXPECT_EQ(server.take_output(), "");
}

TEST_F(TlsLayer, WhatIsNoTlsFailsAndNothingOfItIsText) {
  for (const std::string& wire :
       {std::string("EHLO client.example\r\nMAIL FROM:<a@b.example>\r\n"),
        std::string("GET / HTTP/1.1\r\nHost: mx.example\r\n\r\n"), std::string(5000, '\0'),
        std::string(5000, '\x16'), std::string("\x16\x03\x01\xff\xff") + std::string(9000, 'x'),
        std::string("\x80\x2e\x01\x03\x01") + std::string(100, 'x')}) {
    Layer server(server_);
    for (const char octet : wire) server.receive(std::string_view(&octet, 1));
    EXPECT_TRUE(server.failure()) << wire.substr(0, 20);
    EXPECT_FALSE(server.established());
    EXPECT_EQ(server.take_plain(), "");
  }
  Layer client(client_, "mx.example");
  client.receive("220 mx.example ESMTP\r\n");
  ASSERT_TRUE(client.failure());
  EXPECT_THAT(*client.failure(), HasSubstr("TLS handshake: "));
}

// A client of OpenSSL itself, for what Layer cannot do.
class RawClient {
 public:
  explicit RawClient(int version, const char* ciphers = "DEFAULT@SECLEVEL=0")
      : context_(SSL_CTX_new(TLS_client_method())) {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), version);
    SSL_CTX_set_max_proto_version(context_.get(), version);
    SSL_CTX_set_cipher_list(context_.get(), ciphers);
    connection_.reset(SSL_new(context_.get()));
    SSL_set_bio(connection_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(connection_.get());
  }
  SSL* get() { return connection_.get(); }
  SSL_CTX* context() { return context_.get(); }
  // One step of both sides, until there is nothing to carry.
  void talk(Layer& server) {
    for (;;) {
      char octets[4096];
      SSL_do_handshake(connection_.get());
      SSL_read(connection_.get(), octets, sizeof octets);
      const std::string to_server = pending();
      server.receive(to_server);
      const std::string to_client = server.take_output();
      BIO_write(SSL_get_rbio(connection_.get()), to_client.data(),
                static_cast<int>(to_client.size()));
      if (to_server.empty() && to_client.empty()) return;
    }
  }

 private:
  std::string pending() {
    std::string octets(BIO_ctrl_pending(SSL_get_wbio(connection_.get())), '\0');
    if (!octets.empty())
      BIO_read(SSL_get_wbio(connection_.get()), octets.data(), static_cast<int>(octets.size()));
    return octets;
  }
  UniqueHandle<SSL_CTX, SSL_CTX_free> context_;
  UniqueHandle<SSL, SSL_free> connection_;
};

TEST_F(TlsLayer, OldVersionsAreRefused) {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    Layer server(server_);
    RawClient(version).talk(server);
    EXPECT_FALSE(server.established());
    ASSERT_TRUE(server.failure());
    EXPECT_THAT(*server.failure(), HasSubstr("unsupported protocol"));
  }
  Layer server(server_);
  RawClient(TLS1_2_VERSION).talk(server);
  EXPECT_EQ(server.version(), "TLSv1.2");
  EXPECT_TRUE(server.established());
}

TEST_F(TlsLayer, TheLeastVersionIsThatOfTheConfiguration) {
  Layer server(server_of(authority_.issue("mx.example"), {.min_version = Version::v1_3}));
  RawClient(TLS1_2_VERSION).talk(server);
  EXPECT_TRUE(server.failure());
  Layer second(server_of(authority_.issue("mx.example"), {.min_version = Version::v1_3}));
  Layer client(client_, "mx.example");
  exchange(client, second);
  EXPECT_EQ(second.version(), "TLSv1.3");
}

TEST_F(TlsLayer, CiphersWithoutEncryptionOrCertificateAreRefused) {
  for (const char* ciphers : {"eNULL@SECLEVEL=0", "aNULL@SECLEVEL=0", "3DES@SECLEVEL=0"}) {
    Layer server(server_of(
        authority_.issue(test::CertificateWish{.names = {"mx.example"}, .rsa_bits = 2048})));
    RawClient(TLS1_2_VERSION, ciphers).talk(server);
    EXPECT_FALSE(server.established()) << ciphers;
  }
}

TEST_F(TlsLayer, RenegotiationIsRefusedAndTextStillArrives) {
  Layer server(server_);
  RawClient client(TLS1_2_VERSION);
  client.talk(server);
  ASSERT_TRUE(server.established());
  ASSERT_EQ(SSL_renegotiate(client.get()), 1);
  SSL_do_handshake(client.get());
  client.talk(server);
  EXPECT_EQ(SSL_num_renegotiations(client.get()), 1);
  EXPECT_EQ(SSL_is_init_finished(client.get()), 0);
  EXPECT_FALSE(server.ended());
  EXPECT_EQ(server.take_plain(), "");
}

// Whether a second connection resumes the session of the first.
bool resumes(const std::shared_ptr<const ServerContext>& first,
             const std::shared_ptr<const ServerContext>& second, int version) {
  RawClient client(version);
  SSL_CTX_set_session_cache_mode(client.context(), SSL_SESS_CACHE_CLIENT);
  Layer server(first);
  client.talk(server);
  const UniqueHandle<SSL_SESSION, SSL_SESSION_free> session(SSL_get1_session(client.get()));
  RawClient again(version);
  SSL_set_session(again.get(), session.get());
  Layer later(second);
  again.talk(later);
  EXPECT_TRUE(later.established());
  return SSL_session_reused(again.get()) == 1;
}

TEST_F(TlsLayer, SessionsAreResumedOnlyWhereTheyMayBe) {
  const auto pair = authority_.issue("mx.example");
  const auto submission = server_of(pair, {.resumption = "submission"});
  const auto submissions = server_of(pair, {.resumption = "submissions"});
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    EXPECT_FALSE(resumes(server_, server_, version));
    EXPECT_TRUE(resumes(submission, submission, version));
    EXPECT_FALSE(resumes(submission, submissions, version));
  }
}

TEST_F(TlsLayer, ThePairIsChosenByTheNameThatIsAskedFor) {
  const auto certificate = [&](const std::string& name) {
    return test::certificate_of(authority_.issue(name));
  };
  auto made = ServerContext::make(
      {certificate("mx.example"), certificate("*.shop.example"), certificate("b.shop.example")},
      {});
  ASSERT_TRUE(made);
  const auto why = [&](const std::string& name) {
    Layer server(*made);
    Layer client(client_, name);
    exchange(client, server);
    EXPECT_TRUE(client.established());
    return client.why_unverified();
  };
  EXPECT_EQ(why("mx.example"), "");
  EXPECT_EQ(why("a.shop.example"), "");
  EXPECT_EQ(why("B.SHOP.example"), "");
  // For other names the first is presented, as without SNI.
  EXPECT_THAT(why("other.example"), HasSubstr("holds for mx.example"));
  EXPECT_THAT(why(""), HasSubstr("holds for mx.example"));
}

}  // namespace

}  // namespace sekisho::tls
