// Whom a From field names: the table in data/mail/from.json, behind an MTA that leaves the field as
// it is and behind one that rewrites it; and fields of a generator, of which no lenient reader may
// see another author than we do.
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "mail/author.h"
#include "mail/limits.h"
#include "support/fake_dns.h"
#include "support/lenient_readers.h"

namespace sekisho::mail {
namespace {

using Json = nlohmann::json;
using namespace std::string_literals;

Author author_of(std::string value, Mta mta = Mta::own) {
  Header header;
  header.add({"Subject", " x"});
  header.add({"From", std::move(value)});
  return find_author(header, {}, mta);
}

std::string octets_of(const Json& row) {
  if (!row.contains("octets")) return row.at("from");
  const std::string hex = row.at("octets");
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return out;
}

const Json& table() {
  static const Json rows = test::read_json(test::data_path("mail/from.json"));
  return rows;
}

void check_row(const Json& row, Mta mta, const std::string& wanted) {
  const std::string value = octets_of(row);
  const Author author = author_of(value, mta);
  const auto shown = row.at("id").get<std::string>() + ", " + std::string(to_string(mta)) + ": " +
                     escape_for_log(value) + ": " + author.reason;
  EXPECT_EQ(to_string(author.result), wanted) << shown;
  const bool named = wanted == "one" || wanted == "readable";
  EXPECT_EQ(author.well_formed(), named) << shown;
  EXPECT_EQ(author.well_formed() ? author.domain().text() : "",
            named ? row.at("domain").get<std::string>() : "")
      << shown;
  EXPECT_EQ(author.reason.empty(), wanted == "one") << shown;
}

TEST(FromFields, everyRowIsReadAsTheTableSays) {
  for (const auto& row : table()) {
    const std::string plain = row.at("postfix");
    const std::string rewritten = row.value("sendmail", plain);
    check_row(row, Mta::own, plain);
    check_row(row, Mta::postfix, plain);
    check_row(row, Mta::sendmail, rewritten);
    check_row(row, Mta::unknown, rewritten);
  }
}

TEST(FromFields, theFaultIsNamed) {
  const std::pair<const char*, const char*> cases[] = {
      {" Kock, Arne <a@example.com>", "a comma outside quotes"},
      {" Anna; Bob <a@example.com>", "a semicolon outside quotes"},
      {" HowlRound: A <a@example.com>", "a colon outside quotes, or a group without its semicolon"},
      {" sales@shop.example <a@example.com>", "two addresses with different domains"},
      {" a@example.com, b@example.org", "addresses of 2 domains"},
      {" Anna <a@example.com", "no > after the address"},
      {" Anna\" <a@example.com>", "a quotation mark without its other"},
      {" Support (Billing <a@example.com>", "a ( without )"},
      {" \"\\\" <x@bank.example>\" <a@example.com>", "a name whose meaning hangs on a backslash"},
      {" \"x@bank.example\"@example.com", "an address within a quoted local part"},
      {" \"a@example.com\"", "no address outside quotes and comments"},
      {" (x@bank.example)", "a comment in place of an address"},
      {" \"x@bank.example\":;", "a name that looks like another address"},
      {" \"a\r\n x@bank.example\" <a@example.com>", "a fold in a name that looks like an address"},
  };
  for (const auto& [value, fault] : cases) EXPECT_EQ(author_of(value).reason, fault) << value;
}

// Whoever may be shown is in the record, each once.
TEST(FromFields, everyAddressOfAReadableFieldIsKept) {
  const Author author = author_of(" sales@example.com <a@example.com>");
  ASSERT_EQ(author.mailboxes.size(), 2U);
  EXPECT_EQ(author.mailboxes[0].text(), "sales@example.com");
  EXPECT_EQ(author.mailboxes[1].text(), "a@example.com");
  EXPECT_EQ(author_of(" 'a@example.com' <a@example.com>").mailboxes.size(), 2U);
  EXPECT_EQ(author_of(" Kock, Arne <a@example.com>").mailboxes.size(), 1U);
}

TEST(FromFields, aLineThatIsNoFieldMakesASloppyFieldMalformed) {
  Header header;
  header.add({"From", " Anna <a@example.com"});
  EXPECT_TRUE(find_author(header).readable());
  EXPECT_EQ(find_author(header, {"bank.example>"}).result, Author::Result::invalid);
}

TEST(FromFields, aLocalPartHasTheLengthThatItHasElsewhere) {
  const std::string longest(limits::local_part_octets, 'x');
  EXPECT_TRUE(author_of(" Kock, Arne <" + longest + "@example.com>").readable());
  EXPECT_FALSE(author_of(" Kock, Arne <x" + longest + "@example.com>").well_formed());
}

TEST(FromFields, floodsAreReadInLinearTime) {
  constexpr std::size_t flood = 100'000;
  for (const char* part : {"(", "\"", "<", "a@", "@", "=?utf-8?b?", "a@b.example ", ",", "\\",
                           "(\\)", "=?utf-8?b?====?=", "\x1b$B"}) {
    std::string value = " ";
    for (std::size_t i = 0; i < flood; ++i) value += part;
    EXPECT_FALSE(author_of(value + " <a@example.com>").readable()) << part;
    EXPECT_FALSE(author_of(value).readable()) << part;
  }
}

// Addresses that the sender can prove (att.test), addresses that it wants to forge, and the text
// around them.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}

  std::string next() {
    std::string value = one_of({" ", " ", " ", " Team: ", " \t"});
    const unsigned members = below(8) == 0 ? 2 + below(2) : 1;
    for (unsigned i = 0; i < members; ++i)
      value += (i == 0 ? ""s : one_of({", ", ",", "; ", " "})) + member();
    if (below(3) == 0) mutate(value);
    return value;
  }
  std::string mutated(std::string value) {
    for (unsigned i = 0; i <= below(3); ++i) mutate(value);
    return value;
  }

 private:
  using Words = std::vector<std::string>;

  unsigned below(unsigned end) { return static_cast<unsigned>(random_() % end); }
  std::string one_of(const Words& words) {
    return words[below(static_cast<unsigned>(words.size()))];
  }

  std::string domain() {
    std::string name = one_of({"att.test", "att.test", "att.test", "victim.test", "sub.att.test",
                               "ATT.test", "att.test.", "vic"});
    if (below(12) == 0) {
      const std::string dot =
          one_of({" . ", " .", ". ", "(c).", "..", ".\r\n ", "\u200b.", ".(c)"});
      if (const auto at = name.find('.'); at != std::string::npos) name.replace(at, 1, dot);
    }
    return name;
  }
  std::string spec() {
    return one_of({"a", "admin", "a.b", "a..b", "\"a b\"", "\"a@victim.test\"", "\"a", "a b", "",
                   "a(c)", "(c)a", "\"a\".b", "a . b", "\"<a@victim.test>\"", "\"a\\\"b\"",
                   "o'x"}) +
           one_of({"@", "@", "@", "@", "@", " @", "@ ", "(c)@", "@(c)", "\r\n @", "\uff20"}) +
           domain();
  }
  std::string angle() {
    const std::string route =
        below(14) == 0 ? "@" + domain() + one_of({":", ",@b.test:", " :"}) : ""s;
    return one_of({"<", "<", "<", "<", "<<", "< ", "[", "", "(", "<(c)", "<\"", "<x "}) + route +
           spec() + one_of({">", ">", ">", ">", ">>", " >", "]", "", ")", "(c)>", " x>", "\">"});
  }
  std::string word() {
    return one_of({"Anna",
                   "Inc.",
                   "\"B C\"",
                   "\"x, y\"",
                   "\"a@victim.test\"",
                   "\"<admin@victim.test>\"",
                   "\"\\\" <admin@victim.test>\"",
                   "(c)",
                   "(admin@victim.test)",
                   "(<admin@victim.test>)",
                   "=?utf-8?q?A=2C_B?=",
                   "=?utf-8?q?admin=40victim.test?=",
                   "=?utf-8?b?PGFkbWluQHZpY3RpbS50ZXN0Pg==?=",
                   "@handle",
                   "M\xc3\xbcller",
                   "\x1b$B3t<02q\x1b(B",
                   "\x1b$B@DLZ\x1b(B",
                   "10:30",
                   "https://victim.test",
                   "victim.test",
                   "m",
                   "[List]",
                   "<3",
                   ">",
                   "<",
                   "\"",
                   "(",
                   ")",
                   ",",
                   ";",
                   ":",
                   "\\",
                   "\\\"",
                   ".",
                   "@",
                   "'",
                   "<>",
                   "Team:",
                   "\u200e",
                   "\t",
                   "\r\n ",
                   "admin@victim.test",
                   "a@att.test",
                   "\\,",
                   "(\\)",
                   "=?",
                   "?=",
                   "<@victim.test:",
                   "[192.0.2.1]",
                   "a@[192.0.2.1]"});
  }
  std::string phrase() {
    std::string out;
    for (unsigned i = below(4); i > 0; --i) out += word() + one_of({"", " ", " ", " "});
    return out;
  }
  std::string member() {
    switch (below(6)) {
      case 0:
        return spec() +
               one_of({"", "", " (c)", " Anna Example)", "(Anna :-))", ".", " m", ">", " \"x\""});
      case 1:
        return spec() + " " + angle();
      case 2:
        return phrase() + word();
      default:
        return phrase() + angle() +
               one_of({"", "", "", "", "(c)", " x", ".", ";", " Anna", " (\\)"});
    }
  }
  void mutate(std::string& value) {
    const std::size_t at = 1 + below(static_cast<unsigned>(value.size()));
    switch (below(3)) {
      case 0:
        value.insert(std::min(at, value.size()),
                     one_of({"<", ">", "@", ",", ";", ":", "(", ")", "[", "]", "\"", "\\", " ", ".",
                             "'", "=", "?", "x", "\r\n "}));
        break;
      case 1:
        if (at < value.size()) value.erase(at, 1);
        break;
      default:
        value.insert(std::min(at, value.size()), word());
    }
  }

  std::mt19937 random_;
};

// A domain that nobody can have: a last label that is longer than every public suffix that begins
// with another. There the old Python goes on over the words behind an address without brackets.
bool is_nobodys(const std::string& domain) { return domain.size() - domain.rfind('.') > 14; }

void check_value(const std::string& value, std::size_t& named) {
  const Author author = author_of(value);
  if (!author.well_formed()) return;
  ++named;
  for (const auto& domain : test::domains_shown(value)) {
    if (is_nobodys(domain)) continue;
    EXPECT_EQ(domain, author.domain().text())
        << to_string(author.result) << ": " << escape_for_log(value);
  }
  const Author rewritten = author_of(value, Mta::sendmail);
  EXPECT_TRUE(!rewritten.well_formed() || rewritten == author) << escape_for_log(value);
}

TEST(FromFields, noLenientReaderSeesAnotherAuthor) {
  std::size_t named = 0;
  Generator generator(20261130);
  for (int i = 0; i < 20'000; ++i) check_value(generator.next(), named);
  for (int i = 0; i < 100; ++i) {
    for (const auto& row : table()) check_value(generator.mutated(octets_of(row)), named);
  }
  // Neither is everything refused.
  EXPECT_GT(named, 5'000U);
}

// They see what public readers see, and where those err.
TEST(FromFields, lenientReadersErrAsPublicOnesDo) {
  const std::pair<const char*, std::set<std::string>> cases[] = {
      {" Anna <a@example.com>", {"example.com"}},
      {" sales@shop.example <a@example.com>", {"example.com", "shop.example"}},
      {" x@victim.co m", {"victim.co", "victim.com"}},
      {" x@vic (a) tim.test", {"victim.test"}},
      {" a@att.test(a(b)x)", {"att.test", "att.testx"}},
      {" \"a\r\n <admin@victim.test>,\" <x@att.test>", {"att.test", "victim.test"}},
      {" x@att.test (\\) <admin@victim.test>)", {"att.test", "victim.test"}},
      {" <a@vic<tim.test>", {"victim.test"}},
      {" <@victim.test,@b.test:x@att.test>", {"att.test", "b.test", "victim.test"}},
      {" (admin@victim.test)", {"victim.test"}},
      {" \"a@example.com\"", {"example.com"}},
  };
  for (const auto& [value, wanted] : cases) EXPECT_EQ(test::domains_shown(value), wanted) << value;
}

}  // namespace
}  // namespace sekisho::mail
