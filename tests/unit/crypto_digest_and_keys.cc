// SHA-256, public keys and the cache of parsed ones.
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/key_cache.h"
#include "support/dkim_signer.h"

namespace sekisho::crypto {
namespace {

// FIPS 180-4's examples.
constexpr std::string_view abc_hex =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view empty_hex =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST(Digest, Sha256InPieces) {
  EXPECT_EQ(hex_encode(sha256("abc").view()), abc_hex);
  EXPECT_EQ(hex_encode(sha256("").view()), empty_hex);
  Sha256 hash;
  hash.update("a");
  EXPECT_EQ(hash.so_far(), sha256("a"));
  hash.update("bc");
  hash.update("");
  EXPECT_EQ(hex_encode(hash.finish().view()), abc_hex);
  EXPECT_EQ(hex_encode(hash.finish().view()), empty_hex);  // it began anew
}

std::string der(char tag, std::string content) {
  std::string out(1, tag);
  if (content.size() < 0x80) {
    out += static_cast<char>(content.size());
  } else {
    out += '\x82';
    out += static_cast<char>(content.size() >> 8);
    out += static_cast<char>(content.size() & 0xff);
  }
  return out + content;
}

// RSAPublicKey (RFC 8017 §A.1.1).
std::string rsa_public_key(const std::string& n, const std::string& e) {
  return der('\x30', der('\x02', n) + der('\x02', e));
}

TEST(PublicKey, RsaThatIsNoKey) {
  const std::string n = std::string(1, '\0') + std::string(256, '\xff');
  const std::string e("\x01\x00\x01", 3);
  ASSERT_TRUE(PublicKey::parse(KeyType::rsa, rsa_public_key(n, e)));
  std::string even = n;
  even.back() = '\xfe';
  const std::vector<std::pair<std::string, std::string>> numbers = {
      {std::string(1, '\0'), e},  // n=0
      {std::string(1, '\1'), e},  // n=1
      {even, e},
      {n, std::string(1, '\0')},                                  // e=0
      {n, std::string(1, '\1')},                                  // e=1
      {n, std::string(1, '\2')},                                  // e=2
      {n, std::string(1, '\1') + std::string(8, '\0')},           // e=2^64
      {n, std::string(1, '\1') + std::string(7, '\0') + "\1\1"},  // longer than 64 bits
      {"\x7f", e},                                                // e greater than n
      {n, ""},
      {"", e},
      {"\xff", e},  // negative
  };
  for (const auto& [modulus, exponent] : numbers) {
    EXPECT_FALSE(PublicKey::parse(KeyType::rsa, rsa_public_key(modulus, exponent)))
        << hex_encode(exponent);
  }
  for (const std::string& octets :
       {std::string(), std::string(1, '\x30'), std::string(4097, '\x30'),
        rsa_public_key(n, e) + "x", rsa_public_key(n, e).substr(0, 200)}) {
    EXPECT_FALSE(PublicKey::parse(KeyType::rsa, octets));
  }
}

TEST(PublicKey, VerifiesOnlyWhatWasSigned) {
  const std::vector<test::SigningKey> keys = {
      test::SigningKey::rsa(1024), test::SigningKey::rsa(2048, 3), test::SigningKey::ed25519()};
  for (const auto& signing_key : keys) {
    const auto type = signing_key.is_rsa() ? KeyType::rsa : KeyType::ed25519;
    const auto key = PublicKey::parse(type, signing_key.public_octets());
    ASSERT_TRUE(key);
    const std::string signature = signing_key.sign("text");
    const auto digest = sha256("text");
    EXPECT_TRUE(key->verify_sha256(digest.view(), signature));
    EXPECT_FALSE(key->verify_sha256(sha256("other").view(), signature));
    for (std::size_t i = 0; i < signature.size(); i += 7) {
      std::string changed = signature;
      changed[i] = static_cast<char>(changed[i] ^ 1);
      EXPECT_FALSE(key->verify_sha256(digest.view(), changed));
    }
    EXPECT_FALSE(key->verify_sha256(digest.view(), ""));
    EXPECT_FALSE(key->verify_sha256(digest.view(), signature.substr(1)));
    EXPECT_FALSE(key->verify_sha256(digest.view(), signature + "x"));
    EXPECT_FALSE(key->verify_sha256(digest.view().substr(1), signature));
  }
}

TEST(PublicKey, Ed25519InItsInfo) {
  const auto signing_key = test::SigningKey::ed25519();
  const std::string info("\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00", 12);
  const auto key = PublicKey::parse(KeyType::ed25519, info + signing_key.public_octets());
  ASSERT_TRUE(key);
  EXPECT_TRUE(key->verify_sha256(sha256("text").view(), signing_key.sign("text")));
  EXPECT_EQ(key->bits(), 256U);
  EXPECT_FALSE(PublicKey::parse(KeyType::ed25519, info));
  EXPECT_FALSE(PublicKey::parse(KeyType::rsa, info + signing_key.public_octets()));
}

TEST(KeyCache, ParsesOnceAndForgetsTheLeastUsed) {
  std::vector<std::string> octets;
  for (char c = 'a'; c < 'e'; ++c) octets.emplace_back(32, c);
  KeyCache cache(3);
  const auto first = cache.get(KeyType::ed25519, octets[0]).value();
  for (const auto& key : octets) ASSERT_TRUE(cache.get(KeyType::ed25519, key));
  EXPECT_EQ(cache.status().entries, 3U);
  EXPECT_EQ(cache.status().hits, 1U);
  // The first was used twice, but longest ago: it is parsed again, and whoever holds the old one
  // keeps it.
  EXPECT_NE(cache.get(KeyType::ed25519, octets[0]).value(), first);
  EXPECT_EQ(first->bits(), 256U);
  const auto last = cache.get(KeyType::ed25519, octets[3]).value();
  EXPECT_EQ(cache.get(KeyType::ed25519, octets[3]).value(), last);
}

TEST(KeyCache, KeepsNoErrorsAndNoOtherType) {
  KeyCache cache;
  EXPECT_FALSE(cache.get(KeyType::ed25519, "short"));
  EXPECT_FALSE(cache.get(KeyType::ed25519, "short"));
  EXPECT_EQ(cache.status().entries, 0U);
  EXPECT_EQ(cache.status().misses, 2U);
  const std::string octets(32, 'k');
  EXPECT_TRUE(cache.get(KeyType::ed25519, octets));
  EXPECT_FALSE(cache.get(KeyType::rsa, octets));
}

TEST(KeyCache, ManyThreadsShareIt) {
  const auto signing_key = test::SigningKey::rsa(1024);
  const std::string octets = signing_key.public_octets();
  const std::string signature = signing_key.sign("text");
  KeyCache cache(2);
  std::vector<std::thread> threads;
  std::vector<int> verified(4, 0);
  for (std::size_t t = 0; t < verified.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const auto other = std::string(32, static_cast<char>('a' + i % 3));
        EXPECT_TRUE(cache.get(KeyType::ed25519, other));
        const auto key = cache.get(KeyType::rsa, octets);
        if (key && (*key)->verify_sha256(sha256("text").view(), signature)) ++verified[t];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(verified, std::vector<int>(4, 100));
}

}  // namespace
}  // namespace sekisho::crypto
