// record/sample.h: a made-up typical decision: the zstd dictionary. May be changed at will: a
// database keeps every dictionary that its records use.
// Thread: immutable.
#pragma once

#include <string_view>

namespace sekisho::record {

// In the members of fields.h, as JSON.
inline constexpr std::string_view sample_decision = R"json({
"outcome": {
  "facts": {
    "id": "0000-0000", "queue_id": "4XXXXX0XXXzXXX", "received": 1767225600, "role": "mx", "exemption": "none",
    "client": {"address": "192.0.2.25", "name": "mail.example.com", "helo": "mail.example.com", "unix": false},
    "relay_reason": "", "mail_from": "bounces@example.com", "recipients": ["user@example.net"], "over_limits": false,
    "author": {"result": "one", "mailboxes": [["info", "example.com"]], "domains": ["example.com"], "reason": ""},
    "author_is_ours": false, "traces": {"fields": ["list-id"], "signature": true},
    "iprev": {"code": "pass", "name": "mail.example.com", "reason": "mail.example.com"},
    "spf_helo": {"scope": "helo", "code": "none", "domain": "mail.example.com",
      "reason": "no SPF record of mail.example.com", "explanation": ""},
    "spf_mail_from": {"scope": "mfrom", "code": "pass", "domain": "example.com",
      "reason": "matched ip4:192.0.2.0/24 in record of _spf.example.com", "explanation": "", "overbroad": false},
    "dkim": [
      {"code": "pass", "domain": "example.com", "selector": "selector1", "algorithm": "rsa-sha256",
       "identity": "@example.com", "start": "AAAAAAAA", "reason": "", "bits": 2048, "testing": false},
      {"code": "fail", "domain": "example.com", "selector": "s1", "algorithm": "rsa-sha256",
       "identity": "@example.com", "start": "AAAAAAAA", "reason": "body hash did not verify", "bits": 0,
       "testing": false}],
    "dmarc": {"code": "pass", "from": "example.com", "policy_domain": "example.com", "org_domain": "example.com",
      "discovery": "treewalk", "tag": "p", "policy": "reject", "requested": "none",
      "published": {"p": "none", "sp": "quarantine", "adkim": false, "aspf": false, "fo": "0", "testing": false,
        "psd": "u", "rua": ["mailto:dmarc-reports@example.com"], "ruf": ["mailto:dmarc@example.com"]},
      "exists": true, "aligned_spf": true, "aligned_dkim": true, "queries": ["_dmarc.example.com", "_dmarc.com"],
      "reason": ""},
    "questions": 12, "waited": 0, "elapsed": 0, "decided_in": 50,
    "lists": [
      {"name": "zen.spamhaus.org", "kind": "dnsbl", "on": "client", "value": "192.0.2.25", "code": "not-listed",
       "codes": "", "reason": "", "fault": "none"},
      {"name": "dbl.spamhaus.org", "kind": "rhsbl", "on": "sender", "value": "example.com", "code": "not-listed",
       "codes": "", "reason": "", "fault": "none"}],
    "rcpt_dnsbl": false, "rcpt_rhsbl": false},
  "verdict": {
    "message": {"action": "accept", "rule": "dmarc", "reason": "dmarc=pass"},
    "recipients": [{"to": "user@example.net", "decision": {"action": "accept", "rule": "dmarc", "reason": "dmarc=pass"}}],
    "edits": [{"kind": "insert", "name": "Authentication-Results", "value": "", "index": 0}]},
  "results": " mx.example.net (id=0000-0000);\r\n\tiprev=pass policy.iprev=192.0.2.25;\r\n\tspf=none smtp.helo=mail.example.com;\r\n\tspf=pass smtp.mailfrom=bounces@example.com;\r\n\tdkim=pass (2048-bit key) header.d=example.com header.s=selector1\r\n\theader.a=rsa-sha256 header.b=AAAAAAAA;\r\n\tdmarc=pass (p=reject) header.from=example.com policy.dmarc=none",
  "held": "no", "hold_reason": ""},
"configuration": "0000000000000000", "failure": "",
"inputs": {
  "mta_name": "mx.example.net", "hostname": "mx.example.net", "connected": 1767225600, "authenticated": false,
  "at_rcpt": false,
  "header": [
    {"n": "Received", "v": " from mail.example.com (mail.example.com [192.0.2.25])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\r\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\r\n\tby mx.example.com (Postfix) with ESMTPS id 4XXXXX0XXXzXXX\r\n\tfor <user@example.net>; Thu,  1 Jan 2026 00:00:00 +0000 (UTC)"},
    {"n": "DKIM-Signature", "v": " v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com;\r\n i=@example.com; q=dns/txt; s=selector1; t=1767225600; x=1767830400; h=from:to:cc:subject:\r\n date:message-id:mime-version:content-type:content-transfer-encoding:reply-to:\r\n list-unsubscribe:list-unsubscribe-post;\r\n bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;\r\n b="},
    {"n": "X-Google-DKIM-Signature", "v": ""}, {"n": "ARC-Seal", "v": ""}, {"n": "ARC-Message-Signature", "v": ""},
    {"n": "ARC-Authentication-Results", "v": ""}, {"n": "Reply-To", "v": ""}, {"n": "Cc", "v": ""},
    {"n": "Content-Transfer-Encoding", "v": " quoted-printable"}, {"n": "In-Reply-To", "v": ""},
    {"n": "References", "v": ""}, {"n": "Feedback-ID", "v": ""}, {"n": "Precedence", "v": " bulk"},
    {"n": "List-Unsubscribe", "v": " <mailto:unsubscribe@example.com>, <https://www.example.com/unsubscribe"},
    {"n": "List-Unsubscribe-Post", "v": " List-Unsubscribe=One-Click"}, {"n": "List-Id", "v": ""},
    {"n": "User-Agent", "v": " Mozilla Thunderbird"}, {"n": "X-Mailer", "v": ""},
    {"n": "Date", "v": " Thu, 01 Jan 2026 00:00:00 +0000"}, {"n": "From", "v": " Example <info@example.com>"},
    {"n": "To", "v": " user@example.net"}, {"n": "Message-ID", "v": ""}, {"n": "Subject", "v": " =?UTF-8?B?"},
    {"n": "MIME-Version", "v": " 1.0"},
    {"n": "Content-Type", "v": " multipart/alternative; boundary=\"--=_Part_"},
    {"n": "Content-Type", "v": " multipart/mixed; boundary=\"=_"},
    {"n": "Content-Type", "v": " text/plain; charset=\"UTF-8\""}],
  "answers": [
    ["25.2.0.192.in-addr.arpa", "PTR", {"outcome": "records", "error": "", "ttl": 3600, "pointers": ["mail.example.com"]}],
    ["mail.example.com", "A", {"outcome": "records", "error": "", "ttl": 3600, "addresses": ["192.0.2.25"]}],
    ["example.com", "MX", {"outcome": "records", "error": "", "ttl": 3600,
      "exchanges": [{"preference": 10, "exchange": "mail.example.com"}]}],
    ["example.com", "TXT", {"outcome": "records", "error": "", "ttl": 300,
      "texts": ["google-site-verification=", "MS=ms", "v=spf1 include:_spf.example.com -all"]}],
    ["_spf.example.com", "TXT", {"outcome": "records", "error": "", "ttl": 3600,
      "texts": ["v=spf1 include:_spf.google.com include:spf.protection.outlook.com ip4:192.0.2.0/24 ip6:2001:db8::/32 a mx ~all"]}],
    ["_dmarc.example.com", "TXT", {"outcome": "records", "error": "", "ttl": 3600,
      "texts": ["v=DMARC1; p=reject; sp=quarantine; adkim=r; aspf=r; pct=100; fo=1; rua=mailto:dmarc-reports@example.com"]}],
    ["selector1._domainkey.example.com", "TXT", {"outcome": "records", "error": "", "ttl": 3600,
      "texts": ["v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA", "v=DKIM1; h=sha256; t=s; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ"]}],
    ["25.2.0.192.{zen.spamhaus.org}", "A", {"outcome": "nxdomain", "error": "", "ttl": 60}],
    ["_dmarc.com", "TXT", {"outcome": "nxdomain", "error": "", "ttl": 300}],
    ["mail.example.com", "TXT", {"outcome": "nodata", "error": "", "ttl": 300}],
    ["mail.example.com", "MX", {"outcome": "nodata", "error": "", "ttl": 300}]]}
})json";

}  // namespace sekisho::record
