// Received fields as MTAs write them, each by its own program's layout. The addresses are those of
// documentation.
#include "mail/received.h"

#include <gtest/gtest.h>

namespace sekisho::mail {
namespace {

using namespace std::string_literals;
using Source = Received::Source;

constexpr const char* date = "; Wed, 25 Nov 2026 10:00:00 +0900";

struct Line {
  const char* mta;
  const char* value;
  const char* address;
  const char* helo;
  const char* name;
};

const Line lines[] = {
    {"Postfix",
     "from mail.foreign.test (out7.foreign.test [192.0.2.1])\r\n\tby mx2.example.jp (Postfix) with "
     "ESMTP id 4bXY1z2Qz8\r\n\tfor <user@example.jp>; Wed, 25 Nov 2026 10:00:00 +0900 (JST)",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"Postfix, TLS, no name, IPv6",
     "from x (unknown [IPv6:2001:db8::1])\r\n\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 "
     "(256/256 bits)\r\n\t key-exchange X25519 server-signature RSA-PSS (2048 bits))\r\n\t(Client "
     "CN \"192.0.2.99\", Issuer \"(CA)\" (not verified))\r\n\tby mx2.example.jp (Postfix) with "
     "ESMTPS id A\r\n\tfor <\"a(b\"@example.jp>; Wed, 25 Nov 2026 10:00:00 +0900 (JST)",
     "2001:db8::1", "x", ""},
    {"Postfix, the client said an address",
     "from [198.51.100.7] (unknown [192.0.2.1]) by mx2.example.jp (Postfix) with SMTP id A; "
     "Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "[198.51.100.7]", ""},
    {"Postfix, the client said by",
     "from by (unknown [192.0.2.1]) by mx2.example.jp (Postfix) with SMTP id A; "
     "Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "by", ""},
    {"sendmail",
     "from mail.foreign.test (out7.foreign.test [192.0.2.1])\n\tby mx2.example.jp "
     "(8.17.1/8.17.1/Debian-2) with ESMTPS id 4AP10abc012345\n\t(version=TLSv1.3 "
     "cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=NO)\n\tfor <user@example.jp>; Wed, 25 Nov 2026 "
     "10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"sendmail, no name",
     "from mail.foreign.test ([192.0.2.1]) by mx2.example.jp (8.17.1/8.17.1) with SMTP id A; "
     "Wed, 25 Nov 2026 10:00:00 +0900 (JST)",
     "192.0.2.1", "mail.foreign.test", ""},
    {"sendmail, ident",
     "from helo.test (IDENT:198.51.100.7@out7.foreign.test [192.0.2.1]) by mx2.example.jp "
     "(8.14.9/8.14.9) with ESMTP id A; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "helo.test", "out7.foreign.test"},
    {"sendmail, no HELO",
     "(from out7.foreign.test [192.0.2.1]) by mx2.example.jp (8.17.1/8.17.1) with SMTP id A; "
     "Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "", "out7.foreign.test"},
    {"Exim",
     "from [192.0.2.1] (helo=mail.foreign.test)\r\n\tby mx2.example.jp with esmtps  (TLS1.3) tls "
     "TLS_AES_256_GCM_SHA384\r\n\t(Exim 4.96)\r\n\t(envelope-from <a@foreign.test>)\r\n\tid "
     "1pAbCd-0001Xy-2z\r\n\tfor user@example.jp;\r\n\tWed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Exim, name and another HELO",
     "from out7.foreign.test ([192.0.2.1] helo=[198.51.100.7]) by mx2.example.jp with esmtp (Exim "
     "4.96) (envelope-from <a@foreign.test>) id 1p for u@example.jp; Wed, 25 Nov 2026 10:00:00 "
     "+0900",
     "192.0.2.1", "[198.51.100.7]", "out7.foreign.test"},
    {"Exim, HELO is the name",
     "from out7.foreign.test ([2001:db8::1]:25123) by mx2.example.jp with esmtp (Exim 4.96) id 1p; "
     "Wed, 25 Nov 2026 10:00:00 +0900",
     "2001:db8::1", "out7.foreign.test", "out7.foreign.test"},
    {"Exim, HELO is the address",
     "from [192.0.2.1] by mx2.example.jp with smtp (Exim 4.96) id 1p; Wed, 25 Nov 2026 10:00:00 "
     "+0900",
     "192.0.2.1", "[192.0.2.1]", ""},
    {"Exim, port",
     "from [192.0.2.1] (port=4711 helo=[198.51.100.7] ident=root) by mx2.example.jp with smtp "
     "(Exim "
     "4.96) id 1p; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "[198.51.100.7]", ""},
    {"Exchange",
     "from mail.foreign.test (192.0.2.1) by EX1.example.jp (10.0.0.2) with Microsoft SMTP "
     "Server\r\n (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.1.2507.6 via "
     "Frontend\r\n Transport; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Exchange, inside, a link-local address",
     "from EX2.example.jp ([fe80::1c2:3d4%12]) by EX1.example.jp ([fe80::5%13]) with mapi id "
     "15.01.2507.006; Wed, 25 Nov 2026 10:00:00 +0900",
     "fe80::1c2:3d4", "EX2.example.jp", ""},
    {"Exchange, the client said an address",
     "from [198.51.100.7] (192.0.2.1) by EX1.example.jp (10.0.0.2) with Microsoft SMTP Server id "
     "15.1; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "[198.51.100.7]", ""},
    {"IIS",
     "from mail.foreign.test ([192.0.2.1]) by iis.example.jp with Microsoft "
     "SMTPSVC(8.5.9600.16384);\r\n\t Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"qmail",
     "from unknown (HELO mail.foreign.test) (192.0.2.1)\n  by mx2.example.jp with SMTP; 25 Nov "
     "2026 "
     "01:00:00 -0000",
     "192.0.2.1", "mail.foreign.test", ""},
    {"qmail, name and ident",
     "from out7.foreign.test (HELO ?198.51.100.7?) (198.51.100.7@192.0.2.1) by mx2.example.jp with "
     "SMTP; 25 Nov 2026 01:00:00 -0000",
     "192.0.2.1", "?198.51.100.7?", "out7.foreign.test"},
    {"IronPort",
     "from unknown (HELO mail.foreign.test) ([192.0.2.1])\r\n  by esa1.example.jp with "
     "ESMTP/TLS/ECDHE-RSA-AES128-GCM-SHA256; 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Stalwart",
     "from mail.foreign.test (out7.foreign.test [192.0.2.1])\r\n\t(using TLSv1.3 with cipher "
     "TLS13_AES_256_GCM_SHA384)\r\n\tby mx2.example.jp (Stalwart SMTP) with ESMTPS id "
     "12A4F;\r\n\tWed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"Gmail",
     "from mail.foreign.test (mail.foreign.test. [192.0.2.1])\r\n        by mx.google.com with "
     "ESMTPS "
     "id d2e1a72fcca58-abc123si456b3a.1.2026.11.24.17.00.00\r\n        for <u@example.jp>\r\n      "
     "  "
     "(version=TLS1_3 cipher=TLS_AES_256_GCM_SHA384 bits=256/256);\r\n        Tue, 24 Nov 2026 "
     "17:00:00 -0800 (PST)",
     "192.0.2.1", "mail.foreign.test", "mail.foreign.test."},
    {"OpenSMTPD",
     "from mail.foreign.test (<unknown> [192.0.2.1])\r\n\tby mx2.example.jp (OpenSMTPD) with "
     "ESMTPS "
     "id 1a2b3c4d (TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO)\r\n\tfor <u@example.jp>;\r\n\tWed, 25 "
     "Nov "
     "2026 10:00:00 +0900 (JST)",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Courier",
     "from mail.foreign.test (out7.foreign.test [::ffff:192.0.2.1])\n  (TLS: "
     "TLSv1.3,256bits,TLS_AES_256_GCM_SHA384)\n  by mx2.example.jp with ESMTPS; Wed, 25 Nov 2026 "
     "10:00:00 +0900\n  id 0000000000A1B2.0000.6543",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"Haraka",
     "from mail.foreign.test (out7.foreign.test [192.0.2.1])\r\n\tby mx2.example.jp (Haraka/3.0.3) "
     "with ESMTPS id 0C1D.1\r\n\tenvelope-from <a@foreign.test>\r\n\t(cipher="
     "TLS_AES_256_GCM_SHA384);\r\n\tWed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"Domino",
     "from mail.foreign.test ([192.0.2.1])\r\n          by notes.example.jp (Lotus Domino Release "
     "9.0.1FP10)\r\n          with ESMTP id 2026112510000000-123 ;\r\n          Wed, 25 Nov 2026 "
     "10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"amavis",
     "from mx2.example.jp ([127.0.0.1])\r\n\tby localhost (mx2.example.jp [127.0.0.1]) "
     "(amavisd-new, port 10024)\r\n\twith ESMTP id aBcD-12 for <u@example.jp>; Wed, 25 Nov 2026 "
     "10:00:00 +0900 (JST)",
     "127.0.0.1", "mx2.example.jp", ""},
    {"CommuniGate",
     "from mail.foreign.test ([192.0.2.1] verified)\r\n  by mx2.example.jp (CommuniGate Pro SMTP "
     "6.3) with ESMTPS id 123 for u@example.jp; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"James",
     "from 192.0.2.1 (EHLO mail.foreign.test) ([192.0.2.1])\r\n          by mx2.example.jp (JAMES "
     "SMTP Server ) with ESMTP ID 123\r\n          for <u@example.jp>;\r\n          Wed, 25 Nov "
     "2026 "
     "10:00:00 +0900 (JST)",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Mimecast",
     "from mail.foreign.test (out7.foreign.test [192.0.2.1]) (Using\r\n TLS) by "
     "relay.mimecast.example with ESMTP with STARTTLS (version=TLSv1.3,\r\n "
     "cipher=TLS_AES_256_GCM_SHA384) id uk-mta-123-abc-1; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"Yahoo",
     "from 192.0.2.1  (EHLO mail.foreign.test)\r\n by 10.197.37.74 with SMTPs\r\n (version=TLS1_3 "
     "cipher=TLS_AES_128_GCM_SHA256); Wed, 25 Nov 2026 01:00:00 +0000",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Microsoft 365",
     "from mail.foreign.test (192.0.2.1) by AM4PEPF00027A6B.mail.protection.outlook.com "
     "(10.167.16.4) with Microsoft SMTP Server (version=TLS1_3, cipher=TLS_AES_256_GCM_SHA384) id "
     "15.20.7958.14 via Frontend Transport; Wed, 25 Nov 2026 01:00:00 +0000",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Microsoft 365, IPv6",
     "from AS8PR04MB7704.eurprd04.prod.outlook.com (2001:db8:10a6:20b:23f::17) by "
     "DB9PR04MB8107.eurprd04.prod.outlook.com (2001:db8:10a6:10:243::20) with Microsoft SMTP "
     "Server "
     "(version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.7971.17; Wed, 25 Nov "
     "2026 01:00:00 +0000",
     "2001:db8:10a6:20b:23f::17", "AS8PR04MB7704.eurprd04.prod.outlook.com", ""},
    {"Amazon SES",
     "from mail.foreign.test (out7.foreign.test [192.0.2.1]) by "
     "inbound-smtp.us-east-1.amazonaws.com "
     "with SMTP id k2abc for u@example.jp; Wed, 25 Nov 2026 01:00:00 +0000 (UTC)",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"Barracuda",
     "from mail.foreign.test (out7.foreign.test [192.0.2.1]) by bar.example.jp with ESMTP id "
     "abc (version=TLSv1.2 cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 verify=NO) for "
     "<u@example.jp>; Wed, 25 Nov 2026 10:00:00 +0900 (JST)",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"Proofpoint",
     "from mail.foreign.test (out7.foreign.test [192.0.2.1])\r\n\tby mx0a.example.jp (PPS) with "
     "ESMTPS "
     "id 3abc\r\n\t(version=TLSv1.2 cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256 "
     "verify=NOT)\r\n\tfor "
     "<u@example.jp>; Wed, 25 Nov 2026 10:00:00 +0900 (JST)",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"SurgeMail",
     "from mail.foreign.test (unverified [192.0.2.1]) by mx2.example.jp (SurgeMail 7.4) with ESMTP "
     "(TLS) id 1-2 for <u@example.jp>; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Coremail",
     "from mail.foreign.test (unknown [192.0.2.1])\r\n\tby mx2 (Coremail) with SMTP id "
     "abc_CgDX;\r\n\tWed, 25 Nov 2026 09:00:00 +0800 (CST)",
     "192.0.2.1", "mail.foreign.test", ""},
    {"MailEnable",
     "from mail.foreign.test ([192.0.2.1]) by mx2.example.jp with MailEnable ESMTP; Wed, 25 Nov "
     "2026 "
     "10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Kerio",
     "from mail.foreign.test ([192.0.2.1])\r\n\tby mx2.example.jp (Kerio Connect 9.4)\r\n\t(using "
     "TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256 bits))\r\n\tfor u@example.jp;\r\n\tWed, "
     "25 "
     "Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Zimbra, LMTP proxy",
     "from mx2.example.jp (LHLO mx2.example.jp) (192.0.2.1) by mbox.example.jp with LMTP; Wed, 25 "
     "Nov 2026 10:00:00 +0900 (JST)",
     "192.0.2.1", "mx2.example.jp", "mx2.example.jp"},
    {"PowerMTA",
     "from mail.foreign.test (192.0.2.1) by pmta.example.jp id hq0c for <u@example.jp>; Wed, 25 "
     "Nov "
     "2026 10:00:00 +0900 (envelope-from <a@foreign.test>)",
     "192.0.2.1", "mail.foreign.test", ""},
    {"a name that touches its address",
     "from mail.foreign.test (out7.foreign.test[192.0.2.1]) by mx2.example.jp with SMTP; Wed, 25 "
     "Nov "
     "2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"a port without brackets",
     "from mail.foreign.test (192.0.2.1:50123) by mx2.example.jp with SMTP; Wed, 25 Nov 2026 "
     "10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"a note behind the address",
     "from mail.foreign.test (out7.foreign.test [192.0.2.1] (no TLS, not logged in)) by "
     "mx2.example.jp with SMTP; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", "out7.foreign.test"},
    {"words behind the client",
     "from mail.foreign.test ([192.0.2.1]) claims mail.foreign.test by mx2.example.jp with SMTP; "
     "Wed, "
     "25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"clauses twice",
     "from mail.foreign.test ([192.0.2.1]) by mx2.example.jp with ESMTP id A with STARTTLS id B "
     "for "
     "<u@example.jp> for <v@example.jp> via tcp via x; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"a path that is broken, and one with a blank",
     "from mail.foreign.test ([192.0.2.1]) by mx2.example.jp with ESMTP id A for <\"a "
     "b\"@example.jp>, "
     "<u@example.jp; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"semicolons within",
     "from mail.foreign.test ([192.0.2.1]) by mx2.example.jp with ESMTP; id A; envelope-from "
     "<a@foreign.test>; Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
    {"words behind the date",
     "from mail.foreign.test ([192.0.2.1]) by mx2.example.jp id A; Wed, 25 Nov 2026 10:00:00 +0900 "
     "again id B",
     "192.0.2.1", "mail.foreign.test", ""},
    {"Sekisho",
     "from mail.foreign.test (unknown [192.0.2.1]) by mx.example.jp (Sekisho) with ESMTP id "
     "K7Q2-4D; "
     "Wed, 25 Nov 2026 10:00:00 +0900",
     "192.0.2.1", "mail.foreign.test", ""},
};

TEST(Received, ofTheMtasOfTheWorld) {
  for (const Line& line : lines) {
    const auto received = parse_received(line.value);
    ASSERT_TRUE(received) << line.mta << ": " << received.error().what;
    ASSERT_EQ(received->source, Source::client) << line.mta << ": " << received->reason;
    EXPECT_EQ(received->address->text(), line.address) << line.mta;
    EXPECT_EQ(received->helo, line.helo) << line.mta;
    EXPECT_EQ(received->name, line.name) << line.mta;
    EXPECT_EQ(received->reason, "") << line.mta;
    ASSERT_TRUE(received->date) << line.mta;
    EXPECT_EQ(to_iso8601(*received->date), "2026-11-25T01:00:00Z") << line.mta;
    EXPECT_FALSE(received->by.empty()) << line.mta;
  }
}

TEST(Received, hasItsClauses) {
  const auto received = parse_received(
      "FROM h (n [192.0.2.1] (may be forged)) BY mx2.example.jp (8.17.1/8.17.1) VIA tcp WITH "
      "Microsoft SMTP id 4bXY for <u@example.jp>; 1 Jan 2026 00:00 GMT");
  ASSERT_TRUE(received) << received.error().what;
  EXPECT_TRUE(received->may_be_forged);
  EXPECT_EQ(received->from, "h");
  EXPECT_EQ(received->by, "mx2.example.jp");
  EXPECT_EQ(received->via, "tcp");
  EXPECT_EQ(received->with, "Microsoft SMTP");
  EXPECT_EQ(received->id, "4bXY");
  EXPECT_EQ(received->recipient, "<u@example.jp>");
  EXPECT_EQ(to_iso8601(received->date.value()), "2026-01-01T00:00:00Z");
}

TEST(Received, submittedOnTheHostItself) {
  const std::string values[] = {
      "by mx2.example.jp (Postfix, from userid 0)\r\n\tid 4bXY1z; Wed, 25 Nov 2026 10:00:00 +0900",
      "(from root@localhost)\n\tby mx2.example.jp (8.17.1/8.17.1/Submit) id 4AP1"s + date,
      "from root by mx2.example.jp with local (Exim 4.96)\n\t(envelope-from <root@example.jp>) id 1p"s +
          date,
      "from root (uid 0)\n\t(envelope-from root@mx2.example.jp)\n\tid 2f3a\n\tby mx2.example.jp "
      "(DragonFly Mail Agent v0.13 on mx2.example.jp)"s +
          date,
      "from localhost (localhost [local])\n\tby mx2.example.jp (OpenSMTPD) with ESMTPA id 1a"s +
          date,
      "(qmail 4711 invoked by uid 0); 25 Nov 2026 01:00:00 -0000",
      "(qmail 4711 invoked for bounce); 25 Nov 2026 01:00:00 -0000",
      "(nullmailer pid 4711 invoked by uid 1000)"s + date,
  };
  for (const auto& value : values) {
    const auto received = parse_received(value);
    ASSERT_TRUE(received) << value << ": " << received.error().what;
    EXPECT_EQ(received->source, Source::local) << value << ": " << received->reason;
    EXPECT_FALSE(received->address) << value;
  }
}

TEST(Received, ofTheQueueOfQmailSaysThatTheNextFieldTells) {
  const auto received =
      parse_received("(qmail 4711 invoked from network); 25 Nov 2026 01:00:00 -0000");
  ASSERT_TRUE(received) << received.error().what;
  EXPECT_EQ(received->source, Source::next_field);
}

TEST(Received, withoutACertainClientSaysWhy) {
  const std::pair<std::string, const char*> cases[] = {
      {"from mail.foreign.test by mx2.example.jp with ESMTP id A", "names no client"},
      {"by 2002:a05:6214:5186:b0:6a0:0:0 with SMTP id x", "names no client"},
      // Nobody knows whether the software put the client's word or its address first.
      {"from [192.0.2.1] by mx2.example.jp with ESMTP id A", "names no client"},
      {"from [192.0.2.1] (mail.foreign.test) by mx2.example.jp with ESMTP id A", "names no client"},
      {"from [192.0.2.1] ([198.51.100.7]) by mx2.example.jp with ESMTP id A", "more than one"},
      {"from 192.0.2.1 (198.51.100.7) by mx2.example.jp with ESMTP id A", "more than one"},
      {"from h (unknown [unknown]) by mx2.example.jp (Postfix) with ESMTP id A", "names no client"},
      {"from h (n [192.0.2.256]) by mx2.example.jp (Postfix) with ESMTP id A", "names no client"},
      {"from mail pickup service by iis.example.jp with Microsoft SMTPSVC", "names no client"},
      {"from h (n [192.0.2.1) by mx2.example.jp (Postfix) with ESMTP id A", "more than one"},
      {"from h (n [192.0.2.1] or 192.0.2.2) by mx2.example.jp (Postfix) id A", "more than one"},
      {"from h (n [192.0.2.1] [192.0.2.1]) by mx2.example.jp (Postfix) id A", "more than one"},
      {"from h (n m [192.0.2.1]) by mx2.example.jp (Postfix) id A", "more than one"},
      {"from h 192.0.2.2 (n [192.0.2.1]) by mx2.example.jp (Postfix) id A", "more than one"},
      {"from 192.0.2.1 (EHLO x) (unknown [unknown]) by mx2.example.jp id A", "names no client"},
      {"from 192.0.2.1 (EHLO x (n [192.0.2.2])) by mx2.example.jp id A", "names no client"},
      {"from 192.0.2.1 (EHLO [192.0.2.2]) by mx2.example.jp id A", "names no client"},
      {"from [192.0.2.1] (mail.foreign.test)\n\tby mx2.example.jp (chasquid)\n\twith ESMTPS id A",
       "client's word"},
      {"(delivered by hand)", "neither"},
      {"(qmail 1 invoked from network) (qmail 2 invoked from network)", "neither"},
      {"(xmail 1 invoked from network)", "neither"},
  };
  for (const auto& [value, reason] : cases) {
    const auto received = parse_received(value + date);
    ASSERT_TRUE(received) << value << ": " << received.error().what;
    EXPECT_EQ(received->source, Source::untold) << value;
    EXPECT_FALSE(received->address) << value;
    EXPECT_NE(received->reason.find(reason), std::string::npos)
        << value << ": " << received->reason;
  }
}

// The client stands where it stands, whatever the date is like.
TEST(Received, aDateThatIsNoneDoesNotHideTheClient) {
  const std::string good = "from h (n [192.0.2.1]) by mx2.example.jp (Postfix) with ESMTP id A";
  const std::pair<const char*, const char*> cases[] = {
      {"; Wed, 25 Nov 2026 10:00:00 +0900", "2026-11-25T01:00:00Z"},
      {"; Wed 25 Nov 2026 10:00:00 +0900", "2026-11-25T01:00:00Z"},
      {"; Wed,25 Nov 2026 10:00:00 +0900", "2026-11-25T01:00:00Z"},
      {"; Wednesday, 25 November 2026 10:00:00 +0900", "2026-11-25T01:00:00Z"},
      {"; 25 nov 2026 10:00 +0900", "2026-11-25T01:00:00Z"},
      {"; Wed, 25 Nov 2026 9:00:00 +0800", "2026-11-25T01:00:00Z"},
      {"; Wed, 25 Nov 2026 1:00:0 GMT", "2026-11-25T01:00:00Z"},
      {"; Wed, 25 Nov 2026 01:00:00.123 +0000 (UTC)", "2026-11-25T01:00:00Z"},
      {"; Wed, 25-Nov-2026 10:00:00 +09:00", "2026-11-25T01:00:00Z"},
      {"; Wed, 25 Nov 26 10:00:00 +0900", "2026-11-25T01:00:00Z"},
      {"; Wed Nov 25 10:00:00 2026 +0900", "2026-11-25T01:00:00Z"},
      {"; Nov 25, 2026 10:00:00 +0900", "2026-11-25T01:00:00Z"},
      {"; Wed, 25 Nov 2026 10:00:00 GMT+0900", "2026-11-25T01:00:00Z"},
      {"; Tue, 24 Nov 2026 17:00:00 PST", "2026-11-25T01:00:00Z"},
      {"; (early) Wed, (x) 25 Nov 2026 (y) 10:00:00 +0900 (JST) again", "2026-11-25T01:00:00Z"},
      {"; yesterday; Wed, 25 Nov 2026 10:00:00 +0900", "2026-11-25T01:00:00Z"},
      {"", nullptr},
      {";", nullptr},
      {"; yesterday", nullptr},
      {"; Wed, 25 Nov 2026 10:00:00", nullptr},
      {"; 31 Feb 2026 10:00:00 +0900", nullptr},
      {"; 25 Nov 2026 24:00:00 +0900", nullptr},
      {"; 25 Nov 2026 10:60:00 +0900", nullptr},
      {"; 25 Nov 2026 10:00:00 +0960", nullptr},
      {"; 25 Nov 2026 10:00:00 +9", nullptr},
      {"; 25 Nov 2026 10:00:00 +", nullptr},
      {"; 25 Nov 2026 1000 +0900", nullptr},
      {"; 25 Smarch 2026 10:00:00 +0900", nullptr},
      {"; 2026-11-25T01:00:00Z", nullptr},
      {"; 25 ; Nov 2026 10:00:00 +0900", nullptr},
  };
  for (const auto& [when, want] : cases) {
    const auto received = parse_received(good + when);
    ASSERT_TRUE(received) << when << ": " << received.error().what;
    ASSERT_EQ(received->source, Source::client) << when;
    EXPECT_EQ(received->address->text(), "192.0.2.1") << when;
    ASSERT_EQ(received->date.has_value(), want != nullptr) << when;
    if (want != nullptr) {
      EXPECT_EQ(to_iso8601(*received->date), want) << when;
    }
  }
}

TEST(Received, whatIsNoStampIsAnError) {
  const std::string good = "from h (n [192.0.2.1]) by mx2.example.jp (Postfix) with ESMTP id A";
  ASSERT_TRUE(parse_received(good + date));
  const std::string values[] = {
      "",
      " \r\n ",
      "; Wed, 25 Nov 2026 10:00:00 +0900",
      "h (n [192.0.2.1]) by mx2.example.jp"s + date,
      "with ESMTP from h (n [192.0.2.1]) by mx2.example.jp"s + date,
      "from h (n [192.0.2.1]) with ESMTP"s + date,
      "from h (n [192.0.2.1]) by ; 25 Nov 2026 10:00:00 +0900",
      "from h (n [192.0.2.1]); by mx2.example.jp"s + date,
      "from"s + date,
      good + " by mx3.example.jp" + date,
      good + date + " by mx3.example.jp",
      good + date + " from h",
      good + " from h" + date,
      good + " )" + date,
      good + " (" + date,
      good + " (\\)" + date,
      good + date + " (",
      good + date + " )",
      good + "\0"s + date,
      good + "\r" + date,
      good + "\r\nX: y" + date,
      good + "\x1b[2J" + date,
  };
  for (const auto& value : values) {
    const auto received = parse_received(value);
    ASSERT_FALSE(received) << value;
    EXPECT_FALSE(received.error().what.empty()) << value;
  }
}

}  // namespace
}  // namespace sekisho::mail
