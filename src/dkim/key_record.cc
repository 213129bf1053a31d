#include "dkim/key_record.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/encoding.h"
#include "dkim/colon_list.h"
#include "mail/tag_list.h"

namespace sekisho::dkim {

namespace {

// Whether the list `tag` has the member; `if_absent` when there is no such tag.
bool lists(const mail::TagList& tags, std::string_view tag, std::string_view member,
           bool if_absent) {
  const auto value = tags.find(tag);
  if (!value) return if_absent;
  for (const std::string_view candidate : ColonList(*value)) {
    if (ascii::iequals(candidate, member)) return true;
  }
  return false;
}

// §3.6.1 has "sha1" and "sha256" there, and unknown words are ignored. But for years
// `opendkim-genkey -h rsa-sha256` and the guides that repeat it made records with the name of the
// whole algorithm. Their owners meant SHA-256, which is the only hash that we accept anyway. dkimpy
// and mail-auth do not look at h= at all; OpenDKIM refuses such a key.
bool allows_sha256(const mail::TagList& tags) {
  return lists(tags, "h", "sha256", true) || lists(tags, "h", "rsa-sha256", false) ||
         lists(tags, "h", "ed25519-sha256", false);
}

std::optional<crypto::KeyType> key_type(const mail::TagList& tags) {
  const std::string_view name = tags.find("k").value_or("rsa");
  if (ascii::iequals(name, "rsa")) return crypto::KeyType::rsa;
  if (ascii::iequals(name, "ed25519")) return crypto::KeyType::ed25519;
  return std::nullopt;
}

}  // namespace

Expected<KeyRecord> KeyRecord::parse(std::string_view text) {
  const auto tags = mail::TagList::parse(text);
  if (!tags) return parse_error("the key record is no tag list");
  if (const auto version = tags->find("v")) {
    if (*version != "DKIM1" || tags->tags().front().name != "v") {
      return parse_error("the key record is not v=DKIM1");
    }
  }
  const auto key = tags->find("p");
  if (!key) return parse_error("the key record has no p=");
  auto decoded = base64_decode(mail::without_blanks(*key));
  if (!decoded) return parse_error("the key is not base64");
  return KeyRecord{
      .key_type = dkim::key_type(*tags),
      .key = std::move(*decoded),
      .allows_sha256 = dkim::allows_sha256(*tags),
      .for_email = lists(*tags, "s", "*", true) || lists(*tags, "s", "email", true),
      .testing = lists(*tags, "t", "y", false),
      .same_domain_only = lists(*tags, "t", "s", false),
  };
}

}  // namespace sekisho::dkim
