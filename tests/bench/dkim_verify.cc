// What DKIM verification costs: MB/s of body hashing for each canonicalisation and kind of text
// beside SHA-256 alone, and µs of each signature.
//   dkim_verify [SECONDS per measurement]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/encoding.h"
#include "base/unique_handle.h"
#include "crypto/digest.h"
#include "crypto/key_cache.h"
#include "dkim/body_hash.h"
#include "dkim/verify.h"

namespace {

using namespace sekisho;
using PKey = UniqueHandle<EVP_PKEY, EVP_PKEY_free>;

double seconds_per_measurement = 0.5;

// Seconds that one call of `work` takes.
double measure(const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  std::size_t calls = 0;
  std::chrono::duration<double> elapsed{};
  do {
    work();
    ++calls;
    elapsed = Clock::now() - start;
  } while (elapsed.count() < seconds_per_measurement);
  return elapsed.count() / static_cast<double>(calls);
}

std::string repeat(const std::vector<std::string>& lines, std::size_t octets) {
  std::string out;
  for (std::size_t i = 0; out.size() < octets; ++i) out += lines[i % lines.size()] + "\r\n";
  return out;
}

struct Text {
  const char* name;
  std::string octets;
};

std::vector<Text> texts() {
  constexpr std::size_t size = 4 << 20;
  return {
      {"prose",
       repeat({"The checkpoints on the Edo highways where every traveller's papers were",
               "read before the gate opened stood at Hakone, Arai and Kiso-Fukushima.", ""},
              size)},
      {"base64", repeat({std::string(76, 'Q')}, size)},
      {"html", repeat({"<table>", "  <tr>", "    <td class=\"a\">A cell with some words in it</td>",
                       "    <td>1,234</td>", "  </tr>", "</table>"},
                      size)},
      {"flowed", repeat({"Lines that end with a blank, as format=flowed has them, in every line ",
                         "of a paragraph. "},
                        size)},
      {"code", repeat({"\tif (x  ==  y) {", "\t\treturn  z;\t// comment", "\t}"}, size)},
      {"blanks", repeat({"a b  c \t d   e\t\tf "}, size)},
  };
}

void hash_body(dkim::Canonicalisation form, const std::string& text) {
  dkim::BodyHashes hashes;
  hashes.want({form, std::nullopt});
  // A milter gives the body in chunks of 64 KB at most.
  for (std::size_t at = 0; at < text.size(); at += 65535) {
    hashes.text(std::string_view(text).substr(at, 65535));
  }
  hashes.end();
}

void bench_bodies() {
  std::printf("%-8s %10s %10s %10s   MB/s\n", "body", "sha256", "simple", "relaxed");
  for (const auto& [name, text] : texts()) {
    const double megabytes = static_cast<double>(text.size()) / 1e6;
    const double raw = measure([&] { crypto::sha256(text); });
    const double simple = measure([&] { hash_body(dkim::Canonicalisation::simple, text); });
    const double relaxed = measure([&] { hash_body(dkim::Canonicalisation::relaxed, text); });
    std::printf("%-8s %10.0f %10.0f %10.0f   (relaxed takes %.2f times raw)\n", name,
                megabytes / raw, megabytes / simple, megabytes / relaxed, relaxed / raw);
  }
}

mail::Header header_without_signature() {
  mail::Header header;
  for (int i = 0; i < 6; ++i) {
    header.add({"Received",
                " from a.example (a.example [192.0.2.1])\r\n\tby mx.example with ESMTPS"
                " id 4bXY;\r\n\tSat, 21 Nov 2026 09:30:00 +0000"});
  }
  header.add({"From", " Alice Example <alice@example.com>"});
  header.add({"To", " Bob Example <bob@example.net>"});
  header.add({"Subject", " A subject of ordinary length for the measurement"});
  header.add({"Date", " Sat, 21 Nov 2026 09:30:00 +0000"});
  header.add({"Message-ID", " <20261121093000.1@example.com>"});
  header.add({"MIME-Version", " 1.0"});
  header.add({"Content-Type", " text/plain; charset=utf-8"});
  return header;
}

struct KeyKind {
  const char* name;
  const char* algorithm;
  std::function<PKey()> make;
};

// The p= of the key: RSA as SubjectPublicKeyInfo, Ed25519 as its 32 octets.
std::string public_octets(EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) {
    std::string raw(32, '\0');
    std::size_t size = raw.size();
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char*>(raw.data()), &size);
    return raw;
  }
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

// A signature of the right size that does not match: every step is done, the result is `fail`.
void bench_signature(const KeyKind& kind) {
  const PKey key = kind.make();
  const std::string body = texts()[0].octets.substr(0, 4096);
  dkim::BodyHashes hashes;
  hashes.want({dkim::Canonicalisation::relaxed, std::nullopt});
  hashes.text(body);
  hashes.end();
  const auto body_hash = hashes.get({dkim::Canonicalisation::relaxed, std::nullopt}).digest;

  const std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key.get())), '\1');
  mail::Header header;
  header.add({"DKIM-Signature", std::string(" v=1; a=") + kind.algorithm +
                                    "; c=relaxed/relaxed; d=example.com; s=sel; t=1;\r\n\t"
                                    "h=from:to:subject:date:message-id:mime-version:content-type:"
                                    "from:to:subject;\r\n\tbh=" +
                                    base64_encode(body_hash.view()) +
                                    ";\r\n\tb=" + base64_encode(signature)});
  const mail::Header rest = header_without_signature();
  for (const auto& field : rest.fields()) header.add(field);

  dns::Answer answer;
  answer.outcome = dns::Outcome::records;
  const bool ed25519 = std::string_view(kind.algorithm).starts_with("ed");
  answer.texts = {std::string("v=DKIM1; k=") + (ed25519 ? "ed25519" : "rsa") +
                  "; p=" + base64_encode(public_octets(key.get()))};
  dns::Answers answers;
  answers.add({*dns::Name::from("sel._domainkey.example.com"), dns::Type::txt},
              std::make_shared<const dns::Answer>(answer));

  crypto::KeyCache keys;
  const WallTime now = wall_now();
  const auto run = [&](crypto::KeyCache& cache) {
    dkim::Verification verification{dkim::Options{}};
    verification.start(header);
    verification.body(body);
    verification.end_of_body();
    const auto results = verification.evaluate(answers, now, cache).result;
    if (!results || results->at(0).code != dkim::Code::fail) std::abort();
  };
  const double cached = measure([&] { run(keys); });
  const double parsed = measure([&] {
    crypto::KeyCache empty;
    run(empty);
  });
  const auto public_key = crypto::PublicKey::parse(
      ed25519 ? crypto::KeyType::ed25519 : crypto::KeyType::rsa, public_octets(key.get()));
  const double verify = measure([&] { public_key->verify_sha256(body_hash.view(), signature); });
  std::printf("%-8s %10.1f %10.1f %10.1f   µs\n", kind.name, verify * 1e6, cached * 1e6,
              parsed * 1e6);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) seconds_per_measurement = std::atof(argv[1]);
  bench_bodies();
  std::printf("\n%-8s %10s %10s %10s\n", "key", "verify", "message", "new key");
  const std::vector<KeyKind> kinds = {
      {"rsa1024", "rsa-sha256", [] { return PKey(EVP_RSA_gen(1024)); }},
      {"rsa2048", "rsa-sha256", [] { return PKey(EVP_RSA_gen(2048)); }},
      {"rsa4096", "rsa-sha256", [] { return PKey(EVP_RSA_gen(4096)); }},
      {"ed25519", "ed25519-sha256",
       [] { return PKey(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")); }},
  };
  for (const auto& kind : kinds) bench_signature(kind);
  return 0;
}
