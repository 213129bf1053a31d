// tests/support/held_messages.h: messages to be held, all their own: number 7 is the same
// everywhere.
// Thread: any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/encoding.h"
#include "quarantine/store.h"

namespace sekisho::test {

// The id of message `number`: "0000-0007".
inline std::string held_id(std::uint64_t number) {
  constexpr char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string id;
  for (int shift = 35; shift >= 0; shift -= 5) {
    if (id.size() == 4) id += '-';
    id += digits[(number >> shift) & 31];
  }
  return id;
}

inline std::string held_octets(std::uint64_t number, std::size_t size) {
  const std::string line = "message " + held_id(number) + "\r\n";
  std::string octets = "Subject: " + held_id(number) + "\r\n\r\n";
  while (octets.size() + line.size() <= size) octets += line;
  return octets;
}

// What stands for the digest of its body.
inline std::string held_body(std::uint64_t number) {
  return std::string(23, 'b') + held_id(number);
}

inline quarantine::HeldRow held_message(std::uint64_t number) {
  quarantine::HeldRow held;
  held.id = held_id(number);
  held.queue_id = "4bXY" + std::to_string(number);
  held.time = WallTime(std::chrono::seconds(1'800'000'000 + number));
  held.mail_from = "sender" + std::to_string(number) + "@example.com";
  held.recipients = {"one@example.jp", "two@example.jp"};
  held.author = "a" + std::to_string(number) + "@example.com";
  held.subject = "message " + std::to_string(number);
  held.message_id = "<" + std::to_string(number) + "@example.com>";
  held.client = "mail.example.com[192.0.2.1]";
  held.rule = "dmarc";
  held.reason = "p=reject, not corroborated";
  held.header_hash = std::string(48, 'a') + held_id(number);
  held.body_hash = hex_encode(held_body(number));
  return held;
}

inline const quarantine::Detail& held_detail() {
  static const quarantine::Detail detail{R"({"body":"8BITMIME"})", R"({"id":"…","verdict":{}})"};
  return detail;
}

inline void hold(quarantine::Store& store, std::uint64_t number, std::size_t size,
                 spool::Store::Done done) {
  auto draft = store.draft();
  draft.append(held_octets(number, size));
  store.hold(std::move(draft), held_message(number), held_detail(), std::move(done));
}

// What the filter would say of it when it comes back with that token.
inline session::ReleaseProof held_proof(std::uint64_t number, const std::string& token) {
  const auto held = held_message(number);
  session::ReleaseProof proof;
  proof.id = held.id;
  proof.token = token;
  proof.body_sha256 = held_body(number);
  proof.header = "Received: by mx.example.jp\r\nSubject: x\r\n";  // of quarantine_test.h
  proof.mail_from = held.mail_from;
  proof.recipients = held.recipients;
  proof.from_this_host = true;
  return proof;
}

}  // namespace sekisho::test
