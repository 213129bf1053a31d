#include "session/said_release.h"

#include <algorithm>

#include "mail/limits.h"
#include "session/message.h"

namespace sekisho::session {

SaidRelease::SaidRelease(const mail::HeaderField& field, const mail::Header& before) {
  const std::string said = field.unfolded();
  proof.id = said.substr(0, said.find(' '));
  proof.token = said.substr(std::min(said.size(), proof.id.size() + 1));
  for (const auto& each : before.fields()) append(each);
  append(field);
}

void SaidRelease::append(const mail::HeaderField& field) {
  if (proof.header.size() > 2 * mail::limits::header_block_octets) return;
  proof.header.append(field.name).append(":").append(field.value).append("\r\n");
}

ReleaseProof release_proof(Message& message, const Connected& connected) {
  auto& proof = message.release->proof;
  proof.body_sha256 = std::string(message.body_digest->so_far().view());
  proof.mail_from = message.facts.mail_from.raw();
  proof.recipients = raw_texts(message.facts.recipients);
  proof.own_domains = connected.own_domains(*message.snapshot);
  proof.from_this_host = connected.role == policy::Role::local || !message.evaluated() ||
                         (connected.client.address && mail::is_loopback(*connected.client.address));
  return std::move(proof);
}

}  // namespace sekisho::session
