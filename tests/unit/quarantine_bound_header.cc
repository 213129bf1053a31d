// Which changes to the header of a released message an MTA may make on the way, and that nobody may
// make others.
#include "quarantine/bound_header.h"

#include <gtest/gtest.h>

namespace sekisho::quarantine {
namespace {

struct Case {
  const char* what;
  std::string released;
  std::string came;
  bool same;
};

TEST(BoundHeader, TellsAnMtaFromAForger) {
  const std::string from = "From: A <a@sender.example>\r\n";
  const std::vector<Case> cases = {
      {"nothing", from, from, true},
      {"the order", "A: 1\r\nB: 2\r\n", "B: 2\r\nA: 1\r\n", true},
      {"folds and blanks", "Subject: a b\r\n", "Subject:  a\r\n\tb \r\n", true},
      {"the case of a name", "Message-Id: <1@x>\r\n", "Message-ID: <1@x>\r\n", true},
      {"the case of a value", "Subject: a\r\n", "Subject: A\r\n", false},
      {"a trace", from, "Received: by mx\r\nReturn-Path: <>\r\n" + from, true},
      {"our results of before", from,
       "Authentication-Results: mx.example.jp; dmarc=fail\r\n" + from, true},
      {"other results", from, "Authentication-Results: mx.example.jp; dmarc=pass\r\n" + from,
       false},
      {"our own fields", from, "X-Sekisho-Disposition: tag\r\nX-Sekisho-Release: x\r\n" + from,
       true},
      {"what was missing", from,
       from + "Date: now\r\nMessage-ID: <2@mx>\r\nTo: undisclosed-recipients:;\r\n", true},
      {"a second Date", from + "Date: then\r\n", from + "Date: then\r\nDate: now\r\n", false},
      {"an addressee", from, from + "To: victim@example.jp\r\n", false},
      {"no author", "Subject: x\r\n", "Subject: x\r\nFrom: sender@sender.example\r\n", true},
      {"an author of the forger's", "Subject: x\r\n", "Subject: x\r\nFrom: ceo@example.jp\r\n",
       false},
      {"a second author", from, from + "From: ceo@example.jp\r\n", false},
      {"the author twice", from, from + from, true},
      {"another author", from, "From: A <b@sender.example>\r\n", false},
      {"gone", from + "Subject: x\r\n", from, false},
      {"bare names", "To: hanako, Taro <taro>\r\n",
       "To: hanako@mx.example.jp,\r\n    Taro <taro@mx.example.jp>\r\n", true},
      {"bare names elsewhere", "To: hanako\r\n", "To: hanako@evil.example\r\n", false},
      {"bare names in names", "From: ceo <x@evil.example>\r\n",
       "From: ceo@example.jp <x@evil.example>\r\n", false},
      {"in quotes", "From: \"ceo\" <x@evil.example>\r\n",
       "From: \"ceo@example.jp\" <x@evil.example>\r\n", false},
      {"a second domain", "From: x@evil.example\r\n", "From: x@evil.example@example.jp\r\n", false},
      {"a bare author", "From: root\r\n", "From: root@example.jp\r\n", true},
      {"a bare name with a comment", "From: root (Cron)\r\n", "From: root@example.jp (Cron)\r\n",
       true},
      {"not an address", "Subject: hanako\r\n", "Subject: hanako@example.jp\r\n", false},
      {"a filter's own", "X-Spam-Status: No\r\n", "X-Spam-Status: Yes\r\nX-Virus-Scanned: x\r\n",
       true},
      {"an unknown field of the message", "X-Ticket: 1\r\n", "X-Ticket: 2\r\n", false},
      {"a name that looks like a mark", " from: x\r\n" + from, from + "From: ceo@example.jp\r\n",
       false},
  };
  for (const auto& one : cases) {
    session::ReleaseProof proof;
    proof.header = one.came;
    proof.mail_from = "sender@sender.example";
    proof.own_domains = {"mx.example.jp", "example.jp"};
    const auto bound =
        bound_header(one.released + "\r\nbody: no field\r\n", " mx.example.jp;\r\n\tdmarc=fail");
    const auto difference = header_difference(bound, proof);
    EXPECT_EQ(difference.empty(), one.same) << one.what << ": " << difference;
  }
}

}  // namespace
}  // namespace sekisho::quarantine
