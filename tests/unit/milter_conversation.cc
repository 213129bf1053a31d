// The milter protocol without sockets: what is agreed, which command may come when, and the exact
// replies.
#include "milter/conversation.h"

#include <array>

#include <gtest/gtest.h>

#include "support/dkim_signer.h"
#include "support/milter_client.h"
#include "support/session_gate.h"

namespace sekisho::milter {

namespace {

using test::connect_packet;
using test::header_packet;
using test::negotiation;
using test::packet;
using test::shown;
using test::strings;
using Lines = std::vector<std::string>;

const char* const zone = R"(
a.example.           TXT  "v=spf1 ip4:192.0.2.10 -all"
_dmarc.a.example.    TXT  "v=DMARC1; p=reject"
example.jp.          TXT  "v=spf1 -all"
_dmarc.example.jp.   TXT  "v=DMARC1; p=reject"
percent.example.     TXT  "v=spf1 -all exp=why.percent.example"
why.percent.example. TXT  "100%% sure"
)";

// A conversation whose replies are kept.
class Talk {
 public:
  explicit Talk(session::Snapshot snapshot = test::snapshot_on_zone(zone))
      : gate_(std::move(snapshot)) {
    conversation_ = std::make_unique<Conversation>(
        gate_.engine(), policy::Role::mx, std::shared_ptr<Executor>(&gate_.queue(), [](auto*) {}),
        [this](std::string octets) { sent_ += octets; });
  }
  Conversation::Next say(std::string_view octets) {
    Packet one;
    std::size_t used = 0;
    auto next = Conversation::Next::go_on;
    while (next == Conversation::Next::go_on && next_packet(octets, one, used) == Framing::packet) {
      next = conversation_->receive(one);
      octets.remove_prefix(used);
    }
    return next;
  }
  Lines replies() { return shown(std::exchange(sent_, {})); }
  Conversation& conversation() { return *conversation_; }
  test::Gate& gate() { return gate_; }

 private:
  test::Gate gate_;
  std::unique_ptr<Conversation> conversation_;
  std::string sent_;
};

const std::string modern = negotiation(6, test::all_actions, test::all_steps);
const std::string greeting = connect_packet("192.0.2.10") + packet('H', strings({"mx.a.example"}));

std::string envelope(const std::string& from, const std::string& to = "<user@example.jp>") {
  return packet('M', strings({from})) + packet('R', strings({to}));
}

std::string content(const std::string& author) {
  return header_packet("From", " " + author) + packet('N') + packet('B', "x\r\n") + packet('E');
}

// Ids differ from run to run.
std::string without_id(std::string text) {
  const auto at = text.find("(id=");
  if (at != std::string::npos) text.replace(at + 4, 9, "ID");
  return text;
}

// An author that is an alias is judged by it.
TEST(MilterMacros, TellWhoTheMtaIs) {
  using mail::Mta;
  for (const auto& [version, mta] : {std::pair{"Postfix 3.7.11", Mta::postfix},
                                     {"8.17.1.9", Mta::sendmail},
                                     {"", Mta::unknown}}) {
    Talk talk;
    talk.say(modern + packet('D', "C" + strings({"j", "mx.example.jp", "v", version})) + greeting);
    talk.say(envelope("<bob@a.example>") + content("bob@a.example"));
    const auto decisions = talk.gate().recorder().decisions();
    ASSERT_EQ(decisions.size(), 1U);
    EXPECT_EQ(decisions.front()->outcome.facts.client.mta, mta) << version;
  }
}

struct NegotiationCase {
  const char* name;
  std::uint32_t version, actions, steps;
  std::uint32_t agreed_version, agreed_actions;  // version 0: refused
};

TEST(Negotiation, TakesWhatIsOfferedAndNeeded) {
  const NegotiationCase cases[] = {
      {"Postfix 3.7", 6, 0x1ff, 0x1fffff, 6, 0x139},
      {"without the leading blank", 6, 0x1ff, 0x0fffff, 6, 0x139},
      {"without quarantine", 6, 0x1df, 0x1fffff, 6, 0x119},
      {"version 2", 2, 0x3f, 0x7f, 2, 0x39},
      {"version 4", 4, 0xff, 0x3ff, 4, 0x39},
      {"a version to come", 7, 0xffffffff, 0xffffffff, 6, 0x139},
      {"version 1", 1, 0x3f, 0x7f, 0, 0},
      {"no header may be changed", 6, 0x1ef, 0x1fffff, 0, 0},
      {"no header may be added", 6, 0x1fe, 0x1fffff, 0, 0},
  };
  for (const auto& c : cases) {
    Talk talk;
    const auto next = talk.say(negotiation(c.version, c.actions, c.steps));
    if (c.agreed_version == 0) {
      EXPECT_EQ(next, Conversation::Next::protocol_error) << c.name;
      continue;
    }
    const auto replies = talk.replies();
    ASSERT_EQ(replies.size(), 1U) << c.name;
    std::string reply = replies[0].substr(1);
    std::replace(reply.begin(), reply.end(), '|', '\0');
    const auto agreed = parse_negotiation(reply);
    ASSERT_TRUE(agreed) << c.name;
    EXPECT_EQ(agreed->version, c.agreed_version) << c.name;
    EXPECT_EQ(agreed->actions, c.agreed_actions) << c.name;
    // Replies that nobody needs (but MAIL's), DATA and unknown commands are left out; the leading
    // blank is kept.
    EXPECT_EQ(agreed->steps, c.steps & 0x1fb380U) << c.name;
  }
}

TEST(Negotiation, EveryCommandIsAnsweredWhereTheMtaWantsIt) {
  Talk talk;
  talk.say(negotiation(2, 0x3f, 0x7f));
  talk.replies();
  talk.say(greeting + envelope("<bob@a.example>") + packet('T') +
           header_packet("From", "bob@a.example"));
  EXPECT_EQ(talk.replies(), Lines(6, "c"));
  talk.say(packet('N') + packet('B', "x"));
  EXPECT_EQ(talk.replies(), Lines(2, "c"));
  talk.say(packet('E'));
  const auto replies = talk.replies();
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_TRUE(replies[0].starts_with("i||||Authentication-Results|mx.example.jp (id="))
      << replies[0];
  EXPECT_EQ(replies[1], "c");
}

// As an MTA says it that keeps the blank after the colon, and as one says it that eats it.
std::string header_of(const std::vector<mail::HeaderField>& fields, bool keeps) {
  std::string out;
  for (const auto& field : fields) {
    std::string value = field.value;
    std::erase(value, '\r');
    if (!keeps && value.starts_with(' ')) value.erase(0, 1);
    out += header_packet(field.name, value);
  }
  return out;
}

TEST(Negotiation, ASimpleSignatureSurvivesAnMtaThatEatsBlanks) {
  const auto key = test::SigningKey::ed25519();
  test::SignatureTags tags;
  tags.relaxed_header = false;
  const struct {
    const char* name;
    std::uint32_t version, steps;
    bool keeps;
  } mtas[] = {{"version 2", 2, 0x7f, false},
              {"version 4", 4, 0x3ff, false},
              {"version 6", 6, test::all_steps, true}};
  for (const auto& mta : mtas) {
    for (const char* blank : {" ", "", "\t", "  "}) {
      std::vector<mail::HeaderField> fields = {{"From", " bob@a.example"},
                                               {"Subject", std::string(blank) + "x"}};
      mail::Header header;
      for (const auto& field : fields) header.add(field);
      fields.insert(fields.begin(), test::sign(key, tags, header, "x\r\n"));
      Talk talk(test::snapshot_on_zone("sel._domainkey.a.example. TXT \"" + key.record() + "\"\n"));
      talk.say(negotiation(mta.version, 0x3f, mta.steps));
      EXPECT_EQ(talk.conversation().loses_blanks(), !mta.keeps);
      // The second connection on the same socket speaks the same.
      talk.say(greeting + envelope("<bob@a.example>") + packet('K'));
      talk.say(greeting + envelope("<bob@a.example>") + header_of(fields, mta.keeps) + packet('N') +
               packet('B', "x\r\n"));
      talk.replies();
      talk.say(packet('E'));
      const auto replies = talk.replies();
      ASSERT_EQ(replies.size(), 2U) << mta.name;
      EXPECT_NE(replies[0].find("dkim=pass"), std::string::npos)
          << mta.name << " '" << blank << "' " << replies[0];
    }
  }
}

TEST(Negotiation, AModernMtaIsAnsweredAtTheEndOnly) {
  Talk talk;
  talk.say(modern);
  talk.replies();
  talk.say(greeting + envelope("<bob@a.example>"));
  talk.say(header_packet("From", " bob@a.example") + packet('N') + packet('B', "x"));
  EXPECT_EQ(talk.replies(), Lines{"c"}) << "MAIL's, so that the MTA does not keep it back";
  talk.say(packet('E'));
  const auto replies = talk.replies();
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_TRUE(replies[0].starts_with("i||||Authentication-Results| mx.example.jp (id="));
  EXPECT_EQ(replies[0].find('\r'), std::string::npos) << "folds are LF on this wire";
}

// Every command in every stage: what may come, and the stage it leaves.
TEST(Order, EveryCommandInEveryStage) {
  const std::pair<const char*, std::string> stages[] = {
      {"negotiating", ""},
      {"connected", modern},
      {"greeting", modern + greeting},
      {"envelope", modern + greeting + envelope("<bob@a.example>")},
      {"header",
       modern + greeting + envelope("<bob@a.example>") + header_packet("From", " b@c.example")},
      {"body", modern + greeting + envelope("<bob@a.example>") +
                   header_packet("From", " b@c.example") + packet('N')},
  };
  const std::pair<char, const char*> allowed[] = {
      // command, and a letter for each stage in which it may come: n c g e h b
      {'O', "n"},     {'C', "c"},     {'H', "gehb"},  {'M', "cgehb"},  {'R', "e"},
      {'T', "e"},     {'L', "eh"},    {'N', "eh"},    {'B', "b"},      {'E', "ehb"},
      {'A', "cgehb"}, {'K', "cgehb"}, {'U', "cgehb"}, {'D', "ncgehb"},
  };
  const auto plain = [](char command) -> std::string {
    switch (command) {
      case 'O':
        return modern;
      case 'C':
        return connect_packet("192.0.2.10");
      case 'M':
        return packet('M', strings({"<bob@a.example>"}));
      case 'R':
        return packet('R', strings({"<user@example.jp>"}));
      case 'L':
        return header_packet("Subject", " x");
      case 'D':
        return packet('D', "M");
      case 'H':
        return packet('H', strings({"mx"}));
      default:
        return packet(command);
    }
  };
  for (const auto& [command, in] : allowed) {
    for (const auto& [stage, before] : stages) {
      Talk talk;
      ASSERT_EQ(talk.say(before), Conversation::Next::go_on);
      const bool may = std::string_view(in).find(stage[0]) != std::string_view::npos;
      const auto next = talk.say(plain(command));
      EXPECT_EQ(next, may ? Conversation::Next::go_on : Conversation::Next::protocol_error)
          << command << " while " << stage;
    }
  }
  for (const auto& [stage, before] : stages) {
    Talk talk;
    talk.say(before);
    EXPECT_EQ(talk.say(packet('Q')), Conversation::Next::close) << stage;
    Talk other;
    other.say(before);
    EXPECT_EQ(other.say(packet('z')), Conversation::Next::protocol_error) << stage;
  }
}

struct ReplyCase {
  const char* name;
  std::string mail_from, author;
  Lines replies;
};

TEST(Replies, ByteForByte) {
  auto snapshot = test::snapshot_on_zone(zone);
  snapshot.rules.defaults.spf.fail = policy::OnSpfFail::reject;
  snapshot.options.identity.authserv_aliases = {"old.example.jp"};
  const ReplyCase cases[] = {
      {"accepted", "<bob@a.example>", "bob@a.example", {"i", "c"}},
      {"forged",
       "<x@none.example>",
       "ceo@a.example",
       {"i", "i", "qdmarc: p=reject, not corroborated (id=ID)|", "c"}},
      {"our own domain from outside",
       "<ceo@example.jp>",
       "ceo@example.jp",
       {"y550 5.7.1 rejected by DMARC policy for example.jp (id=ID)|"}},
      {"a percent sign is doubled",
       "<x@percent.example>",
       "x@none.example",
       {"y550 5.7.23 SPF fail: percent.example does not permit this client; percent.example "
        "explained: 100%% sure (id=ID)|"}},
  };
  for (const auto& c : cases) {
    Talk talk(snapshot);
    talk.say(modern + greeting);
    talk.replies();
    talk.say(envelope(c.mail_from));
    talk.replies();
    talk.say(content(c.author));
    auto replies = talk.replies();
    for (auto& reply : replies) {
      if (reply[0] == 'i') reply = "i";
      reply = without_id(reply);
    }
    EXPECT_EQ(replies, c.replies) << c.name;
    EXPECT_FALSE(talk.conversation().in_message());
  }
}

TEST(Replies, RemovalsComeFirstAndFromTheLast) {
  Talk talk;
  talk.say(modern + greeting + envelope("<bob@a.example>"));
  talk.replies();
  talk.say(header_packet("Authentication-Results", " mx.example.jp; spf=pass") +
           header_packet("Authentication-Results", " other.example; spf=pass") +
           header_packet("Authentication-Results", " mx.example.jp; dkim=pass") +
           content("bob@a.example"));
  const auto replies = talk.replies();
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_EQ(replies[0],
            "m|||\x03"
            "Authentication-Results||");
  EXPECT_EQ(replies[1],
            "m|||\x01"
            "Authentication-Results||");
  EXPECT_EQ(replies[2].substr(0, 5), "i||||");
}

TEST(Replies, WithoutQuarantineAForgeryIsDeferred) {
  Talk talk;
  talk.say(negotiation(6, 0x1df, test::all_steps) + greeting);
  talk.replies();
  talk.say(envelope("<x@none.example>"));
  talk.replies();
  talk.say(content("ceo@a.example"));
  const auto replies = talk.replies();
  ASSERT_FALSE(replies.empty());
  EXPECT_EQ(replies.back(), "y451 4.7.1 the MTA offers no quarantine to its filter|");
  EXPECT_EQ(replies.size(), 1U);
}

// A store that says at once what the test wants.
class Shelf final : public session::Keeping {
 public:
  explicit Shelf(session::HoldCode code) : code_(code) {}
  std::unique_ptr<session::Draft> begin() override {
    struct Nothing final : session::Draft {
      void append(std::string_view) override {}
    };
    return std::make_unique<Nothing>();
  }
  void keep(session::KeepRequest, std::function<void(session::HoldResult)> done) override {
    done({code_, ""});
  }
  void take_back(session::ReleaseProof, std::function<void(session::TakenBack)> done) override {
    done(std::nullopt);
  }

 private:
  session::HoldCode code_;
};

// With a store: a message of a forger to an ordinary user, and to postmaster, who only has it
// tagged.
Lines stored(std::uint32_t actions, session::HoldCode code, bool postmaster_too) {
  auto snapshot = test::snapshot_on_zone(zone);
  snapshot.options.quarantine.where = session::QuarantineWhere::store;
  policy::RecipientRules tagged;
  tagged.to = {policy::RecipientPattern::parse("postmaster@*").value()};
  tagged.rules.dmarc.reject = policy::OnDmarcReject::tag;
  snapshot.rules.policies.push_back(tagged);
  Shelf shelf(code);
  Talk talk(std::move(snapshot));
  talk.gate().engine().keep_in(&shelf);
  talk.say(negotiation(6, actions, test::all_steps));
  talk.say(greeting + envelope("<bob@b.example>"));
  if (postmaster_too) talk.say(packet('R', strings({"<postmaster@example.jp>"})));
  talk.replies();
  talk.say(content("eve@a.example"));
  talk.gate().queue().run_until([] { return false; }, steady_now());
  return talk.replies();
}

TEST(Replies, WhatTheStoreHasIsDiscarded) {
  EXPECT_EQ(stored(test::all_actions, session::HoldCode::held, false), Lines{"d"});
}

TEST(Replies, OneRecipientIsTakenOutOfTheEnvelope) {
  const auto replies = stored(test::all_actions, session::HoldCode::held, true);
  ASSERT_EQ(replies.size(), 4U);
  EXPECT_TRUE(replies[0].starts_with("i||||X-Sekisho-Disposition| tag;")) << replies[0];
  EXPECT_TRUE(replies[1].starts_with("i||||Authentication-Results|")) << replies[1];
  EXPECT_EQ(replies[2], "-<user@example.jp>|");
  EXPECT_EQ(replies[3], "c");
}

TEST(Replies, WhatTheStoreHasNotIsDeferred) {
  for (const bool postmaster_too : {false, true}) {
    const auto replies = stored(test::all_actions, session::HoldCode::failed, postmaster_too);
    ASSERT_EQ(replies.size(), 1U);
    EXPECT_TRUE(replies[0].starts_with("y451 4.3.0 ")) << replies[0];
  }
}

TEST(Replies, AnMtaWhoseRecipientsCannotBeDeletedIsDeferred) {
  constexpr std::uint32_t without_delrcpt = test::all_actions & ~0x08U;
  const auto replies = stored(without_delrcpt, session::HoldCode::held, true);
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_TRUE(replies[0].starts_with("y451 4.7.1 ")) << replies[0];
  EXPECT_EQ(stored(without_delrcpt, session::HoldCode::held, false), Lines{"d"});
}

TEST(Dialogue, MacrosNameTheMessageAndTheLogin) {
  Talk talk;
  talk.say(modern + packet('D', "C" + strings({"j", "mta.example"})) + greeting);
  talk.say(
      packet('D', "M" + strings({"i", "4bXY", "{auth_authen}", "alice", "{auth_type}", "plain"})) +
      envelope("<bob@a.example>") + content("bob@a.example"));
  talk.say(packet('D', "M" + strings({"i", "5cZZ"})) + envelope("<bob@a.example>") +
           packet('D', "E" + strings({"i", "6dAA"})) + content("bob@a.example"));
  const auto lines = talk.gate().recorder().lines();
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_TRUE(lines[0].starts_with("4bXY: ")) << lines[0];
  EXPECT_NE(lines[0].find(" skipped=authenticated "), std::string::npos);
  EXPECT_TRUE(lines[1].starts_with("6dAA: ")) << lines[1];
  EXPECT_EQ(lines[1].find(" skipped="), std::string::npos);
}

// Macros by the megabyte: those that nobody reads leave nothing behind, and of the others there is
// a most.
TEST(Dialogue, MacrosAreBounded) {
  Talk talk;
  talk.say(modern);
  std::vector<std::string> unread;
  for (int i = 0; i < 20'000; ++i) {
    unread.push_back("{x" + std::to_string(i) + "}");
    unread.push_back(std::string(20, 'v'));
  }
  for (const char command : {'C', 'H', 'M', 'R', 'T', 'N', 'E', 'B', 'L', 'U', '?'}) {
    EXPECT_EQ(talk.say(packet('D', command + strings(unread))), Conversation::Next::go_on);
  }
  constexpr std::array<std::string_view, 2> wanted = {"i", "auth_authen"};
  const auto kept = parse_macros("M" + strings(unread) + strings({"{auth_authen}", "bob"}), wanted);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->values, (MacroValues{{"auth_authen", "bob"}}));
  EXPECT_EQ(talk.say(greeting), Conversation::Next::go_on);
  // The same ones again and again take the place of those before.
  for (int i = 0; i < 1000; ++i) {
    const auto next =
        talk.say(packet('D', "M" + strings({"{auth_authen}", std::string(1000, 'a')})));
    ASSERT_EQ(next, Conversation::Next::go_on);
  }
  EXPECT_EQ(talk.say(packet('D', "M" + strings({"{auth_authen}", std::string(900'000, 'a')}))),
            Conversation::Next::protocol_error);
  EXPECT_NE(talk.conversation().problem().find("macros"), std::string::npos);
}

// What is kept of an envelope, which an SMTP client chooses.
TEST(Dialogue, EnvelopesAreBounded) {
  const std::string nuls(9'000, '\0');
  for (const auto& large :
       {packet('H', std::string(9'000, 'h') + '\0'), packet('M', "<a@b>" + nuls),
        packet('M', strings({"<a@b>"})) + packet('R', "<c@d>" + nuls)}) {
    Talk talk;
    talk.say(modern + greeting);
    EXPECT_EQ(talk.say(large), Conversation::Next::protocol_error);
    EXPECT_NE(talk.conversation().problem().find("octets"), std::string::npos);
  }
  // Parameters cost memory besides their octets.
  Talk talk;
  talk.say(modern + greeting + packet('M', strings({"<a@b>"})));
  const auto recipient = packet('R', "<c@d>" + std::string(8'000, '\0'));
  int taken = 0;
  while (talk.say(recipient) == Conversation::Next::go_on) ASSERT_LT(++taken, 100);
  EXPECT_GE(taken, 2);
  // Ordinary ones, as many as no MTA sends at once.
  Talk many;
  many.say(modern + greeting + packet('M', strings({"<a@b>"})));
  for (std::size_t i = 0; i < max_recipients; ++i) {
    ASSERT_EQ(many.say(packet('R', strings({"<user" + std::to_string(i) + "@example.jp>"}))),
              Conversation::Next::go_on);
  }
  EXPECT_EQ(many.say(packet('R', strings({"<one@example.jp>"}))),
            Conversation::Next::protocol_error);
}

// An MTA that waits for an answer at RCPT is told, and the message goes on without that one.
TEST(Dialogue, ARecipientTooManyIsToldSo) {
  Talk talk;
  talk.say(negotiation(6, test::all_actions, 0));
  talk.say(greeting + packet('M', strings({"<bob@a.example>"})));
  talk.replies();
  for (std::size_t i = 0; i < max_recipients; ++i) {
    talk.say(packet('R', strings({"<user" + std::to_string(i) + "@example.jp>"})));
  }
  talk.replies();
  talk.say(packet('R', strings({"<one@example.jp>"})));
  EXPECT_EQ(talk.replies(), Lines{"y452 4.5.3 too many recipients|"});
  talk.say(content("bob@a.example"));
  EXPECT_EQ(talk.replies().back(), "c");
}

TEST(Dialogue, AnEmptyLoginIsNone) {
  Talk talk;
  talk.say(modern + greeting + packet('D', "M" + strings({"{auth_authen}", ""})) +
           envelope("<bob@a.example>") + content("bob@a.example"));
  EXPECT_EQ(talk.gate().recorder().lines().at(0).find(" skipped="), std::string::npos);
}

TEST(Dialogue, AnotherClientOverTheSameConnection) {
  Talk talk;
  talk.say(modern + packet('D', "M" + strings({"{auth_authen}", "alice"})) + greeting +
           envelope("<bob@a.example>"));
  talk.replies();
  EXPECT_EQ(
      talk.say(packet('K') + greeting + envelope("<bob@a.example>") + content("bob@a.example")),
      Conversation::Next::go_on);
  const auto lines = talk.gate().recorder().lines();
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].find(" skipped="), std::string::npos) << "the login was the last client's";
}

TEST(Dialogue, ABodyThatEndsWithTheLastPacket) {
  Talk talk;
  talk.say(modern + greeting);
  talk.replies();
  talk.say(envelope("<bob@a.example>") + header_packet("From", " bob@a.example") + packet('N') +
           packet('B', "one\r\n") + packet('E', "two\r\n"));
  EXPECT_EQ(talk.replies().back(), "c");
}

TEST(Dialogue, AVerdictThatIsAwaited) {
  auto snapshot = test::snapshot_on_zone(zone);
  const auto held = std::make_shared<test::HeldResolver>(snapshot.resolver);
  snapshot.resolver = held;
  Talk talk(snapshot);
  talk.say(modern + greeting + envelope("<bob@a.example>"));
  talk.replies();
  talk.say(content("bob@a.example"));
  EXPECT_TRUE(talk.conversation().waiting());
  EXPECT_TRUE(talk.replies().empty());
  talk.conversation().progress();
  EXPECT_EQ(talk.replies(), Lines{"p"});
  EXPECT_LT(talk.conversation().deadline(), SteadyTime::max());
  talk.conversation().expire();
  EXPECT_FALSE(talk.conversation().waiting());
  EXPECT_EQ(talk.replies().back().substr(0, 10), "y451 4.7.1");
}

TEST(Dialogue, AnAbortWhileAVerdictIsAwaited) {
  auto snapshot = test::snapshot_on_zone(zone);
  const auto held = std::make_shared<test::HeldResolver>(snapshot.resolver);
  snapshot.resolver = held;
  Talk talk(snapshot);
  talk.say(modern + greeting + envelope("<bob@a.example>") + content("bob@a.example"));
  talk.replies();
  EXPECT_EQ(talk.say(packet('M', strings({"<x@b.example>"}))), Conversation::Next::protocol_error);
  EXPECT_EQ(talk.say(packet('A')), Conversation::Next::go_on);
  held->answer_all();
  talk.gate().queue().run_until([] { return false; }, steady_now());
  EXPECT_TRUE(talk.replies().empty());
}

}  // namespace

}  // namespace sekisho::milter
