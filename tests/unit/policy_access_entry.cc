// The text of the allowlist and the denylist: entries as they are written again, and what is wrong
// with bad lines.
#include "policy/access_entry.h"

#include <gtest/gtest.h>

#include "policy/access_file.h"

namespace sekisho::policy {

namespace {

struct Good {
  const char* line;
  const char* text;  // as it is written again
};

const Good good_allow[] = {
    {"from:example.com skip=dnsbl", "from:example.com skip=dnsbl"},
    {"from:Example.COM. proof=dmarc skip=dnsbl,rhsbl", "from:example.com skip=dnsbl,rhsbl"},
    {"from:.example.org proof=dkim skip=rhsbl", "from:.example.org proof=dkim skip=rhsbl"},
    {"from:Bob@example.com skip=dnsbl", "from:bob@example.com skip=dnsbl"},
    {"from:\"a b\"@example.com skip=dnsbl", "from:\"a b\"@example.com skip=dnsbl"},
    {"from:例え.example skip=dnsbl", "from:xn--r8jz45g.example skip=dnsbl"},
    {"from:legacy.example proof=none dmarc=tag", "from:legacy.example proof=none dmarc=tag"},
    {"from:parcel.example proof=dkim:Mailer.example. dmarc=accept",
     "from:parcel.example proof=dkim:mailer.example dmarc=accept"},
    {"from:News@parcel.example proof=spf:bounces.mailer.example dmarc=accept",
     "from:news@parcel.example proof=spf:bounces.mailer.example dmarc=accept"},
    {"from:.parcel.example proof=\"dkim:例え.example\" skip=dnsbl",
     "from:.parcel.example proof=dkim:xn--r8jz45g.example skip=dnsbl"},
    {"from:example.jp proof=ip:192.0.2.0/28 dmarc=accept",
     "from:example.jp proof=ip:192.0.2.0/28 dmarc=accept"},
    {"from:example.jp proof=ip:::ffff:192.0.2.7 dmarc=accept",
     "from:example.jp proof=ip:192.0.2.7 dmarc=accept"},
    {"mfrom:partner.example proof=spf spf=accept", "mfrom:partner.example spf=accept"},
    {"mfrom:bounce=x@partner.example skip=rhsbl", "mfrom:bounce=x@partner.example skip=rhsbl"},
    {"dkim:lists.freebsd.org  dmarc=accept  note=\"list breaks From alignment\"",
     "dkim:lists.freebsd.org dmarc=accept note=\"list breaks From alignment\""},
    {"dkim:a.example\tdmarc=quarantine", "dkim:a.example dmarc=quarantine"},
    {"ip:192.0.2.0/24 skip=all", "ip:192.0.2.0/24 skip=dnsbl,rhsbl dmarc=accept spf=accept"},
    {"ip:192.0.2.1 skip=all dmarc=tag", "ip:192.0.2.1 skip=dnsbl,rhsbl dmarc=tag spf=accept"},
    {"ip:::ffff:192.0.2.1 skip=author", "ip:192.0.2.1 skip=author"},
    {"ip:2001:db8::/32 skip=dnsbl", "ip:2001:db8::/32 skip=dnsbl"},
    {"ip:192.0.2.1 skip=smtp,dnsbl", "ip:192.0.2.1 skip=dnsbl,smtp"},
    {"ptr:.mail.example.net proof=fcrdns skip=dnsbl", "ptr:.mail.example.net skip=dnsbl"},
    {"dkim:a.example dmarc=accept until=2027-01-31",
     "dkim:a.example dmarc=accept until=2027-01-31"},
    {"dkim:a.example dmarc=accept until=2027-01-31T12:00:00Z",
     "dkim:a.example dmarc=accept until=2027-01-31T12:00:00Z"},
    {R"(dkim:a.example dmarc=accept note="a \"b\" \\ # c")",
     R"(dkim:a.example dmarc=accept note="a \"b\" \\ # c")"},
    {"dkim:a.example dmarc=accept note=word", "dkim:a.example dmarc=accept note=\"word\""},
};

const Good good_deny[] = {
    {"from:bad.example", "from:bad.example"},
    {"helo:ylmf-pc action=reject", "helo:ylmf-pc"},
    {"ip:192.0.2.0/24 action=quarantine", "ip:192.0.2.0/24 action=quarantine"},
    {"from:.top action=tag note=x", "from:.top action=tag note=\"x\""},
    {"mfrom:eve@bad.example until=2030-12-31", "mfrom:eve@bad.example until=2030-12-31"},
};

void check_good(const Good& good, AccessKind kind) {
  const auto entry = AccessEntry::parse(good.line, kind);
  ASSERT_TRUE(entry) << good.line << ": " << entry.error().what;
  EXPECT_EQ(entry->text(kind), good.text);
  const auto again = AccessEntry::parse(entry->text(kind), kind);
  ASSERT_TRUE(again) << entry->text(kind);
  EXPECT_EQ(again->text(kind), good.text);
}

TEST(AccessEntry, IsWrittenAsItIsRead) {
  for (const auto& good : good_allow) check_good(good, AccessKind::allow);
  for (const auto& good : good_deny) check_good(good, AccessKind::deny);
}

struct Bad {
  const char* line;
  const char* says;
};

const Bad bad_allow[] = {
    {"example.com skip=dnsbl", "an entry begins with from:, mfrom:, dkim:, ip: or ptr:"},
    {"form:example.com skip=dnsbl", "an entry begins with"},
    {"from: example.com skip=dnsbl", "no blank may follow"},
    {"from:example.com", "the entry allows nothing"},
    {"from:example.com until=2027-01-31", "the entry allows nothing"},
    {"from:*.example.com skip=dnsbl", "write .example.com for all names below it"},
    {"from:*@example.com skip=dnsbl", "or example.com for everybody in it"},
    {"mfrom:bounce-*@example.com skip=dnsbl", "no patterns before the @"},
    {"from:@example.com skip=dnsbl", "write example.com for everybody in it"},
    {"from:.com skip=dnsbl", "anybody may have a name below .com"},
    {"from:a@b@example.com skip=dnsbl", "a character no domain has"},
    {"from:example..com skip=dnsbl", "an empty label"},
    {"from:exa_mple!.com skip=dnsbl", "a character no domain has"},
    {"dkim:bob@example.com dmarc=accept", "dkim: takes a domain, not an address"},
    {"ptr:bob@example.com skip=dnsbl", "ptr: takes a domain, not an address"},
    {"helo:mx.example.com skip=dnsbl", "helo: is for the denylist only"},
    {"ip:0.0.0.0/0 skip=all", "is everybody"},
    {"ip:::/0 skip=all", "is everybody"},
    {"ip:192.0.2.1/24 skip=all", "did you mean 192.0.2.0/24"},
    {"ip:mx.example.com skip=all", "not an IP address"},
    {"ip:192.0.2.1 proof=none skip=all", "an address needs no proof="},
    {"ptr:mx.example.com proof=none skip=dnsbl", "ptr: takes proof=fcrdns, not none"},
    {"dkim:example.com proof=none dmarc=accept", "dkim: takes proof=dkim, not none"},
    {"mfrom:example.com proof=dmarc skip=dnsbl", "mfrom: takes proof=spf or none, not dmarc"},
    {"from:example.com proof=fcrdns skip=dnsbl",
     "from: takes proof=dmarc, dkim, spf, none, dkim:DOMAIN"},
    {"from:example.com proof=arc skip=dnsbl", "not arc"},
    {"from:example.com proof=arc:a.example skip=dnsbl", "proof= takes dkim:DOMAIN, spf:DOMAIN or"},
    {"from:example.com proof=dmarc:a.example skip=dnsbl", "proof= takes dkim:DOMAIN"},
    {"from:example.com proof=dkim: skip=dnsbl", "takes one domain"},
    {"from:example.com proof=dkim:.a.example skip=dnsbl",
     "stands for itself and for no name below"},
    {"from:example.com proof=dkim:x@a.example skip=dnsbl", "takes one domain"},
    {"from:example.com proof=spf:example skip=dnsbl", "proof= of the whole .example"},
    {"from:example.com proof=ip:0.0.0.0/0 skip=dnsbl", "is everybody"},
    {"from:example.com proof=ip:mx.a.example skip=dnsbl", "proof=ip: "},
    {"dkim:example.com proof=dkim:a.example dmarc=accept", "only a from: entry says of whom"},
    {"mfrom:example.com proof=spf:a.example skip=dnsbl", "only a from: entry says of whom"},
    {"ip:192.0.2.1 proof=ip:192.0.2.1 skip=dnsbl", "an address needs no proof="},
    {"from:example.com skip=smtp", "only an ip: entry may skip=smtp"},
    {"from:example.com skip=author", "only an ip: entry may skip=author"},
    {"dkim:example.com skip=all,author", "only an ip: entry may skip=author"},
    {"from:example.com skip=", "skip= takes dnsbl, rhsbl, all, author and smtp"},
    {"from:example.com skip=dnsbl,", "skip= takes"},
    {"from:example.com skip=relay", "not relay"},
    {"dkim:example.com dmarc=reject", "dmarc= takes accept, tag, quarantine, not reject"},
    {"dkim:example.com spf=tag", "spf= takes accept, not tag"},
    {"dkim:example.com dmarc=accept dmarc=tag", "dmarc= is given twice"},
    {"dkim:example.com dmarc=accept until=tomorrow", "until= takes a date"},
    {"dkim:example.com dmarc=accept until=1800000000", "until= takes a date"},
    {"dkim:example.com dmarc=accept until=2027-02-31", "until= takes a date"},
    {"dkim:example.com dmarc=accept note=\"a", "a quote without end"},
    {"dkim:example.com dmarc=accept note=a\"b\"", "quotes belong around the whole value"},
    {"dkim:example.com dmarc=accept ip:192.0.2.1", "one entry a line"},
    {"dkim:example.com dmarc=accept accept", "expected an option"},
    {"dkim:example.com dmarc=accept action=reject", "unknown option action="},
    {"dkim:example.com dmarc=accept \x1b[2J", "a control character"},
    {"dkim:example.com dmarc=accept note=\xff", "not UTF-8"},
    {"from:ex\xc2\xad"
     "ample.com skip=dnsbl",
     "an invisible character"},
};

const Bad bad_deny[] = {
    {"from:bad.example skip=dnsbl", "skip= is no option of the denylist"},
    {"from:bad.example proof=none", "proof= is no option of the denylist"},
    {"from:bad.example action=accept", "action= takes reject, quarantine, tag, not accept"},
    {"ip:0.0.0.0/0", "is everybody"},
    {"bad.example", "ptr: or helo:"},
};

TEST(AccessEntry, SaysWhatIsWrong) {
  const auto check = [](const Bad& bad, AccessKind kind) {
    const auto entry = AccessEntry::parse(bad.line, kind);
    ASSERT_FALSE(entry) << bad.line;
    EXPECT_NE(entry.error().what.find(bad.says), std::string::npos)
        << bad.line << ": " << entry.error().what;
  };
  for (const auto& bad : bad_allow) check(bad, AccessKind::allow);
  for (const auto& bad : bad_deny) check(bad, AccessKind::deny);
}

// The line of a DNS list that came into the wrong file.
TEST(AccessEntry, NeverRepeatsWhatCouldBeAKey) {
  const std::string key = "canary7canary7canary7";
  const std::string zone = key + ".zen.dq.spamhaus.net";
  for (const AccessKind kind : {AccessKind::allow, AccessKind::deny}) {
    for (const std::string& line : {
             zone,
             zone + "=127.0.0.[2..11]",
             "ip:" + zone,
             "ip:192.0.2.1 " + zone,
             "ip:192.0.2.1 " + zone + "=127.0.0.[2..11]",
             "ip:192.0.2.1 skip=" + zone,
             "ip:192.0.2.1 dmarc=" + zone,
             "ip:192.0.2.1 action=" + zone,
             "ip:192.0.2.1 until=" + zone,
             "from:a.example proof=" + zone,
             "from:*." + zone,
             "from:@" + zone,
             "from:" + zone + "=127.0.0.[2..11]",
             "from:a.example " + key + "=1 " + key + "=1",
             "from:a.example note=\"" + zone,
             zone + " \x01",
         }) {
      const auto entry = AccessEntry::parse(line, kind);
      ASSERT_FALSE(entry) << line;
      EXPECT_EQ(entry.error().what.find("canary7"), std::string::npos) << entry.error().what;
    }
  }
}

TEST(AccessEntry, HoldsThroughItsLastDay) {
  const auto entry =
      AccessEntry::parse("dkim:a.example dmarc=accept until=2027-01-31", AccessKind::allow);
  ASSERT_TRUE(entry);
  EXPECT_FALSE(entry->expired(parse_time("2027-01-31T23:59:59Z").value()));
  EXPECT_TRUE(entry->expired(parse_time("2027-02-01T00:00:00Z").value()));
}

TEST(AccessEntry, OfANoteOf200Octets) {
  const std::string start = "dkim:a.example dmarc=accept note=";
  EXPECT_TRUE(AccessEntry::parse(start + std::string(200, 'x'), AccessKind::allow));
  EXPECT_FALSE(AccessEntry::parse(start + std::string(201, 'x'), AccessKind::allow));
}

TEST(AccessFile, ABadLineIsAFindingAndTheRestHolds) {
  const auto file = parse_access_file(
      "\xef\xbb\xbf# partners\r\n"
      "\r\n"
      "from:example.com skip=dnsbl   # billing\r\n"
      "from:example.org skp=dnsbl\n"
      "  mfrom:a#b@partner.example skip=rhsbl\n"
      "ip:192.0.2.1 skip=all note=\"x # y\"\n"
      "from:dead.example dmarc=accept\n"
      "ip:192.0.2.2 skip=al",
      "list", AccessKind::allow);
  ASSERT_EQ(file.entries.size(), 4U);
  EXPECT_EQ(file.entries[0].place(), "list:3");
  EXPECT_EQ(file.entries[1].identity(), "mfrom:a#b@partner.example");
  EXPECT_EQ(file.entries[2].note, "x # y");
  EXPECT_EQ(file.bad_lines, 2U);
  ASSERT_EQ(file.findings.size(), 3U);
  EXPECT_EQ(file.findings[0].text(),
            "list:4: unknown option skp=: there are proof=, skip=, dmarc=, spf=, until= and note=");
  EXPECT_TRUE(file.findings[0].bad_line);
  EXPECT_EQ(file.findings[1].text(),
            "list:7: from:dead.example: dmarc= never does anything here, for what dmarc=pass "
            "proves needs it not");
  EXPECT_FALSE(file.findings[1].bad_line);
  EXPECT_EQ(file.findings[2].line, 8U);
}

// What an entry's own proof leads to needs no permission.
TEST(AccessFile, AnEntryThatCanNeverDoAnythingIsAFinding) {
  struct Dead {
    const char* entry;
    const char* says;  // empty: it may do something
  };
  const Dead cases[] = {
      {"mfrom:a.example spf=accept",
       "spf= never does anything here, for what spf=pass proves needs it not"},
      {"mfrom:a.example proof=spf spf=accept", "spf= never does anything here"},
      {"from:a.example proof=spf spf=accept", "spf= never does anything here"},
      {"from:a.example spf=accept", "spf= never does anything here, for what dmarc=pass"},
      {"from:a.example dmarc=tag spf=accept",
       "dmarc= and spf= never do anything here, for what dmarc=pass proves needs them not"},
      {"mfrom:a.example spf=accept skip=dnsbl", ""},
      {"mfrom:a.example dmarc=accept spf=accept", ""},
      {"mfrom:a.example proof=none spf=accept", ""},
      {"from:a.example proof=dkim spf=accept", ""},
      {"from:a.example skip=all", ""},
      {"dkim:a.example spf=accept", ""},
      {"ip:192.0.2.1 spf=accept", ""},
      {"ptr:a.example spf=accept", ""},
  };
  for (const auto& c : cases) {
    const auto file = parse_access_file(c.entry, "list", AccessKind::allow);
    ASSERT_EQ(file.entries.size(), 1U) << c.entry;
    const std::string said = file.findings.empty() ? "" : file.findings[0].text();
    EXPECT_EQ(said.empty(), *c.says == '\0') << c.entry << ": " << said;
    EXPECT_NE(said.find(c.says), std::string::npos) << c.entry << ": " << said;
  }
}

TEST(AccessFile, OfNulOctetsAndLongLines) {
  const std::string nul("from:example.com\0.attack.example skip=dnsbl\n", 44);
  const auto file = parse_access_file(
      nul + "from:" + std::string(1000, 'a') + " skip=dnsbl\n" + "from:ok.example skip=dnsbl\n",
      "list", AccessKind::allow);
  EXPECT_EQ(file.entries.size(), 1U);
  EXPECT_EQ(file.bad_lines, 2U);
}

TEST(AccessFile, TellsTheFirstHundredFindings) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "nonsense\n";
  const auto file = parse_access_file(text, "list", AccessKind::allow);
  EXPECT_EQ(file.bad_lines, 300U);
  EXPECT_EQ(file.findings.size(), 100U);
}

}  // namespace

}  // namespace sekisho::policy
