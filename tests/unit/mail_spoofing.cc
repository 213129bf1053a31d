// Attacks on the author of a message, by the names that their papers gave them: the espoofer cases
// ("Composition Kills", USENIX Security 2020), those of "Weak Links in Authentication Chains"
// (USENIX Security 2021), and what can be made of them with the octets that readers skip.
// attack.com would pass, legitimate.com would be shown.
#include <string>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "mail/author.h"
#include "mail/message.h"

namespace sekisho::mail {
namespace {

using namespace std::string_literals;

Author author_of(std::string_view octets) {
  const Message message = parse_message(octets);
  return find_author(message.header, message.malformed);
}

struct Attack {
  const char* name;
  std::string header;
};

void PrintTo(const Attack& attack, std::ostream* out) { *out << escape_for_log(attack.header); }

class Spoofing : public testing::TestWithParam<Attack> {};

TEST_P(Spoofing, hasNoAuthor) {
  const Author author = author_of(GetParam().header + "To: victim@victim.com\r\n\r\nbody\r\n");
  EXPECT_FALSE(author.well_formed()) << author.domain().text();
  EXPECT_FALSE(author.reason.empty());
}

std::string encoded(std::string_view text) { return "=?utf-8?b?" + base64_encode(text) + "?="; }

const Attack composition_kills[] = {
    {"a8_two_fields", "From: <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n"},
    {"a8_two_fields_turned", "From: <admin@legitimate.com>\r\nFrom: <first@attack.com>\r\n"},
    {"a9_space_before_name", " From: <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n"},
    {"a10_space_before_colon", "From: <first@attack.com>\r\nFrom : <admin@legitimate.com>\r\n"},
    {"a11_fold_before_colon", "From\r\n : <first@attack.com>\r\nFrom: <admin@legitimate.com>\r\n"},
    {"a12_sender", "From\r\n : <first@attack.com>\r\nSender: <admin@legitimate.com>\r\n"},
    {"a12_sender_as_published",
     "From\r\n : <first@attack.com>\r\nnTo: <v@v.com>\r\nSender: <admin@legitimate.com>\r\n"},
    {"a13_resent_from", "From\r\n : <first@attack.com>\r\nResent-From: <admin@legitimate.com>\r\n"},
    {"a14_two_addresses", "From: <first@attack.com>, <admin@legitimate.com>\r\n"},
    {"a14_two_addresses_and_sender",
     "From: <first@attack.com>, <admin@legitimate.com>\r\nSender: <s@sender.legitimate.com>\r\n"},
    {"a15_encoded_address",
     "From:" + encoded("<admin@legitimate.com>") + ",<second@attack.com>\r\n"},
    {"a16_route", "From: <@attack.com,@any.com:admin@legitimate.com>\r\n"},
    {"a16_route_turned", "From: <@legitimate.com,@any.com:admin@attack.com>\r\n"},
    {"a17_backslash", "From: <admin@legitimate.com>\\,<second@attack.com>\r\n"},
    {"a18_bare_and_angle", "From: admin@legitimate.com,<second@attack.com>\r\n"},
    {"a19_text_after_angle", "From: <any@attack.com>admin@legitimate.com\r\n"},
    {"nul_in_address", "From: <admin@legitimate.com\0@attack.com>\r\n"s},
    {"two_at_signs", "From: <admin@legitimate.com@attack.com>\r\n"},
    {"address_as_name", "From: admin@legitimate.com <any@attack.com>\r\n"},
};

const Attack weak_links[] = {
    {"A4_two_fields", "From: <alice@legit.com>\r\nFrom: <x@attack.com>\r\n"},
    {"A5_two_addresses", "From: <alice@legit.com>, <x@attack.com>\r\nSender: <x@attack.com>\r\n"},
    {"A6_octet_255",
     "From: <Alice@legit.com\xff"
     "attack.com>\r\n"},
    {"A6_nul", "From: <Alice@legit.com\0attack.com>\r\n"s},
    {"A6_brackets", "From: <Alice@legit.com[attack.com>\r\n"},
    {"A6_brackets_closed", "From: <Alice@legit.com]attack.com>\r\n"},
    {"A6_braces", "From: <Alice@legit.com{attack.com>\r\n"},
    {"A6_braces_closed", "From: <Alice@legit.com}attack.com>\r\n"},
    {"A6_semicolon", "From: <Alice@legit.com;attack.com>\r\n"},
    {"A6_tab", "From: <Alice@legit.com\tattack.com>\r\n"},
    {"A7_encoded_words_in_address",
     "From: <" + encoded("Alice@a.com") + encoded("\xff") + "@attack.com>\r\n"},
    {"A13_two_at_signs", "From: <Alice@gm@ail.com>\r\n"},
    {"A14_1_override_in_local_part", "From: <\u202emoc.tigel@attack.com>\r\n"},
    {"A14_1_override_in_domain", "From: <alice@\u202emoc.tigel.attack.com>\r\n"},
    {"A14_2_left_to_right_override", "From: <alice@\u202dlegit.com>\r\n"},
    {"A14_isolate_in_name", "From: \u2067moc.tigel@ecila\u2069 <x@attack.com>\r\n"},
};

std::string attack_name(const testing::TestParamInfo<Attack>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(CompositionKills, Spoofing, testing::ValuesIn(composition_kills),
                         attack_name);
INSTANTIATE_TEST_SUITE_P(WeakLinks, Spoofing, testing::ValuesIn(weak_links), attack_name);

// A6 with every character of the basic plane between the two domains: the name as a whole is the
// author's domain, or there is none; neither half ever is.
TEST(WeakLinks, A6NoCharacterEndsADomain) {
  std::size_t refused = 0;
  for (char32_t c = 1; c <= 0xffff; ++c) {
    if (c >= 0xd800 && c <= 0xdfff) continue;
    std::string character;
    if (c < 0x80) {
      character = {static_cast<char>(c)};
    } else if (c < 0x800) {
      character = {static_cast<char>(0xc0U | c >> 6U), static_cast<char>(0x80U | (c & 0x3fU))};
    } else {
      character = {static_cast<char>(0xe0U | c >> 12U),
                   static_cast<char>(0x80U | (c >> 6U & 0x3fU)),
                   static_cast<char>(0x80U | (c & 0x3fU))};
    }
    const Author author = author_of("From: <alice@legit.com" + character + "attack.com>\r\n");
    if (!author.well_formed()) {
      ++refused;
      continue;
    }
    EXPECT_NE(author.domain().text(), "legit.com") << escape_for_log(character);
    EXPECT_NE(author.domain().text(), "attack.com") << escape_for_log(character);
  }
  EXPECT_GT(refused, 1000U);
}

// A12 compares A-labels: an A-label is what it says, and no letters of another script become those
// of this one.
TEST(WeakLinks, A12LookalikesStayApart) {
  EXPECT_EQ(author_of("From: <a@xn--80aa1cn6g67a.com>\r\n").domain().text(),
            "xn--80aa1cn6g67a.com");
  EXPECT_NE(author_of("From: <a@\u0430pple.com>\r\n").domain().text(), "apple.com");
}

// Octets that some readers skip, strip or take for a blank or a line end.
struct Junk {
  const char* name;
  std::string octets;
};
const Junk junks[] = {
    {"fold with a blank", "\r\n "}, {"fold with a tab", "\r\n\t"},
    {"vertical tab", "\v"},         {"NUL", "\0"s},
    {"no-break space", "\xa0"},     {"byte order mark", "\xef\xbb\xbf"},
};

// `~` is the junk, A and B (which no field name here has) the two addresses. `agreed`: the one of
// them that every reader takes, if any does.
struct Template {
  const char* header;
  char agreed;
};
const Template templates[] = {
    {"~From: <A>\r\nFrom: <B>\r\n", '-'},
    {"From~: <A>\r\nFrom: <B>\r\n", '-'},
    {"From:~<A>\r\nFrom: <B>\r\n", '-'},
    {"From: <A>\r\nFrom~: <B>\r\n", '-'},
    {"To: x\r\n~From: <A>\r\nFrom: <B>\r\n", 'B'},  // with a fold it is the end of To
    {"From: <A>\r\nTo: x~From: <B>\r\n", 'A'},      // as above; else a line may end there
    {"From: <A>\r\nX~From: <B>\r\n", 'A'},
    {"From~\r\n : <A>\r\nFrom: <B>\r\n", '-'},
    {"From: <A>\r\nX~\r\nFrom: <B>\r\n", '-'},
    {"From: <A>~<B>\r\n", '-'},
    {"From: <A>~,<B>\r\n", '-'},
    {"From: <A>~B\r\n", '-'},
    {"From: A~<B>\r\n", '-'},
    {"From: <A~,B>\r\n", '-'},
    {"From: <A~.B>\r\n", '-'},
    {"From: <A~@B>\r\n", '-'},
    {"From: <@A~:B>\r\n", '-'},
    {"From: \"<A>~\" <B>\r\n", 'B'},
    {"From: (<A>~) <B>\r\n", 'B'},
    {"From: <A~>\r\nSender: <B>\r\n", 'A'},
    {"From~: <A>\r\nResent-From: <B>\r\n", 'A'},
};

std::string filled(std::string_view pattern, std::string_view junk, std::string_view a,
                   std::string_view b) {
  std::string out;
  for (const char c : pattern) {
    if (c == '~') {
      out += junk;
    } else if (c == 'A') {
      out += a;
    } else if (c == 'B') {
      out += b;
    } else {
      out += c;
    }
  }
  return out;
}

TEST(CompositionKills, variantsWithOctetsThatReadersSkip) {
  const std::string attack = "first@attack.com";
  const std::string legitimate = "admin@legitimate.com";
  std::size_t variants = 0;
  std::size_t accepted = 0;
  for (const auto& [pattern, agreed] : templates) {
    for (const auto& junk : junks) {
      for (const bool turned : {false, true}) {
        const std::string& a = turned ? legitimate : attack;
        const std::string& b = turned ? attack : legitimate;
        const Author author = author_of(filled(pattern, junk.octets, a, b));
        ++variants;
        if (!author.well_formed()) continue;
        ++accepted;
        ASSERT_NE(agreed, '-') << pattern << " with " << junk.name << " gives "
                               << author.domain().text();
        const std::string& right = agreed == 'A' ? a : b;
        EXPECT_EQ(author.mailboxes.front().text(), right) << pattern << " with " << junk.name;
      }
    }
  }
  EXPECT_EQ(variants, std::size(templates) * std::size(junks) * 2);
  EXPECT_GE(variants, 250U);
  // Not everything is refused: a fold where the grammar has one changes nothing.
  EXPECT_GE(accepted, 10U);
}

}  // namespace
}  // namespace sekisho::mail
