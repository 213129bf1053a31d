// Hostile senders against the policy of every victim, generated: names that burn questions, names
// that fail, names for which the attacker passes, signatures of anybody in any number, recipients
// who differ; at once and after defer_for. And the victims' honest mail, beside failures that do
// not matter. A failure prints its seed and the whole case.
#include <random>

#include <gtest/gtest.h>

#include "session/checks.h"

#include "support/dkim_signer.h"
#include "support/session_gate.h"

namespace sekisho::session {

namespace {

using dmarc::Policy;
using policy::Action;
using test::Gate;
using test::Letter;

constexpr unsigned cases = 1500;

const test::SigningKey& victims_key() {
  static const auto made = test::SigningKey::ed25519();
  return made;
}
const test::SigningKey& attackers_key() {
  static const auto made = test::SigningKey::ed25519();
  return made;
}

class Dice {
 public:
  explicit Dice(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t count) { return random_() % count; }
  bool one_in(std::size_t count) { return below(count) == 0; }
  template <class T>
  T pick(std::initializer_list<T> all) {
    return *(all.begin() + below(all.size()));
  }
  template <class T>
  const T& of(const std::vector<T>& all) {
    return all[below(all.size())];
  }

 private:
  std::mt19937 random_;
};

// The records of the victim, and the policy for each of its names.
struct Victim {
  std::string zone;
  std::string record;
  bool readable = true;  // its record can be looked up
  Policy p, sp, np;
  bool at_subdomain = false;  // the record is at sub.victim.example alone
  bool strict_dkim = false, strict_spf = false;

  // The least that is asked for mail of that author.
  Policy asks(const std::string& author) const {
    if (author == (at_subdomain ? "sub.victim.example" : "victim.example")) return p;
    if (at_subdomain) return Policy::none;  // neither above the author nor of its organization
    if (author.find("gone") != std::string::npos) return np;
    // Whether such a name exists can be known of some, and of others not.
    const bool unknown =
        author.find("lame") != std::string::npos || author.find("mute") != std::string::npos;
    return unknown ? std::min(sp, np) : sp;
  }
};

std::string word(Policy policy) { return std::string(to_string(policy)); }

Policy any_policy(Dice& dice) {
  return dice.pick({Policy::none, Policy::quarantine, Policy::reject});
}

Policy lowered(Policy policy) {
  return policy == Policy::reject ? Policy::quarantine : Policy::none;
}

Victim make_victim(Dice& dice) {
  Victim victim;
  victim.p = victim.sp = any_policy(dice);
  victim.record = "v=DMARC1; p=" + word(victim.p);
  if (dice.one_in(2)) {
    victim.sp = any_policy(dice);
    victim.record += "; sp=" + word(victim.sp);
  }
  victim.np = victim.sp;
  if (dice.one_in(2)) {
    victim.np = any_policy(dice);
    victim.record += "; np=" + word(victim.np);
  }
  victim.strict_dkim = dice.one_in(2);
  victim.strict_spf = dice.one_in(2);
  if (victim.strict_dkim) victim.record += "; adkim=s";
  if (victim.strict_spf) victim.record += "; aspf=s";
  if (dice.one_in(6)) {
    victim.record += "; t=y";
    for (Policy* policy : {&victim.p, &victim.sp, &victim.np}) *policy = lowered(*policy);
  }
  victim.at_subdomain = dice.one_in(5);
  const std::string place = victim.at_subdomain ? "sub.victim.example" : "victim.example";
  victim.zone = "_dmarc." + place + ". TXT \"" + victim.record + "\"\n";
  for (const char* name : {"victim.example", "sub.victim.example"}) {
    victim.zone += std::string(name) + ". TXT \"v=spf1 ip4:192.0.2.10 -all\"\n" +
                   "sel._domainkey." + name + ". TXT \"" + victims_key().record() + "\"\n" + name +
                   ". A 192.0.2.10\n";
  }
  // Two subdomains whose name servers are gone: each DNS has such.
  for (const char* name : {"lame", "mute"}) {
    const std::string fault = name == std::string("lame") ? ";!servfail " : ";!timeout ";
    for (const char* at : {"", "_dmarc.", "sel._domainkey.", "j0._domainkey.", "j1._domainkey."}) {
      victim.zone += fault + at + name + ".victim.example\n";
    }
  }
  return victim;
}

// The attacker's own names: those that pass for it, and those that cost questions.
std::string attackers_zone(Dice& dice) {
  std::string zone =
      "att.example. TXT \"v=spf1 ip4:203.0.113.66 -all\"\n"
      "_dmarc.att.example. TXT \"v=DMARC1; p=reject\"\n"
      ";!servfail fail.att.example\n;!timeout late.att.example\n"
      ";!servfail j1._domainkey.att.example\n"
      "loop.att.example. TXT \"v=spf1 include:fail.att.example -all\"\n"
      "sel._domainkey.att.example. TXT \"" +
      attackers_key().record() + "\"\n";
  for (const std::string name : {"bomb.att.example", "helo.att.example"}) {
    zone += name + ". TXT \"v=spf1";
    for (int t = 0; t < 10; ++t) zone += " mx:m" + std::to_string(t) + "." + name;
    zone += " -all\"\n";
    for (int t = 0; t < 10; ++t) {
      for (int h = 0; h < 10; ++h) {
        const std::string place = std::to_string(t) + "." + name + ". ";
        const std::string host = "h" + std::to_string(h) + "-" + place;
        zone += "m" + place + "MX 1 " + host + "\n" + host + "A 198.51.100.1\n";
      }
    }
  }
  const auto pointers = dice.pick<std::size_t>({0, 1, 10, 30});
  for (std::size_t i = 0; i < pointers; ++i) {
    const std::string name = "p" + std::to_string(i) + ".att.example. ";
    zone += "66.113.0.203.in-addr.arpa. PTR " + name + "\n" + name + "A 203.0.113." +
            std::to_string(dice.one_in(10) ? 66 : 67) + "\n";
  }
  if (dice.one_in(6)) zone += ";!servfail 66.113.0.203.in-addr.arpa\n";
  return zone;
}

mail::HeaderField junk(const std::string& domain, const std::string& selector) {
  return {"DKIM-Signature",
          " v=1; a=rsa-sha256; d=" + domain + "; s=" + selector +
              "; h=from; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b=AQEBAQ=="};
}

mail::HeaderField signed_by(const test::SigningKey& key, const Letter& letter,
                            const std::string& domain) {
  test::SignatureTags tags;
  tags.domain = domain;
  tags.fields = "from";
  mail::Header header;
  for (const auto& field : letter.fields) header.add(field);
  return test::sign(key, tags, header, letter.body);
}

void add_anywhere(Dice& dice, Letter& letter, mail::HeaderField field) {
  const auto place = static_cast<std::ptrdiff_t>(dice.below(letter.fields.size() + 1));
  letter.fields.insert(letter.fields.begin() + place, std::move(field));
}

std::string deep(std::size_t labels, const std::string& below) {
  std::string name = below;
  for (std::size_t i = 0; i < labels; ++i) name = "l" + std::to_string(i) + "." + name;
  return name;
}

Letter forged_letter(Dice& dice, std::string& author) {
  const std::vector<std::string> authors = {"victim.example",
                                            "victim.example",
                                            "victim.example",
                                            "sub.victim.example",
                                            "gone.victim.example",
                                            "lame.victim.example",
                                            "mute.victim.example",
                                            deep(3, "gone.victim.example"),
                                            deep(9, "gone.victim.example"),
                                            "x.lame.victim.example"};
  author = dice.of(authors);
  const std::vector<std::string> names = {"att.example",
                                          "bomb.att.example",
                                          "helo.att.example",
                                          "fail.att.example",
                                          "late.att.example",
                                          "loop.att.example",
                                          "victim.example",
                                          "sub.victim.example",
                                          "gone.victim.example",
                                          "lame.victim.example",
                                          "mute.victim.example",
                                          "nothing.example",
                                          "example",
                                          author};
  Letter letter;
  letter.client = "203.0.113.66";
  letter.helo = dice.of(names);
  letter.mail_from = dice.one_in(6) ? "" : "x@" + dice.of(names);
  letter.fields = {{"From", " ceo@" + author}, {"Subject", " pay"}};
  if (dice.one_in(2)) {
    letter.fields.insert(letter.fields.begin(), signed_by(attackers_key(), letter, "att.example"));
  }
  const auto signatures = dice.pick<std::size_t>({0, 0, 1, 3, 12, 40, 120});
  const std::string favourite = dice.of(names);
  for (std::size_t i = 0; i < signatures; ++i) {
    const std::string selector =
        dice.pick<std::string>({"sel", "j0", "j1", "k" + std::to_string(i)});
    add_anywhere(dice, letter, junk(dice.one_in(2) ? favourite : dice.of(names), selector));
  }
  return letter;
}

// Recipients: the strict ones must be safe whoever is beside them.
const char* const strict[] = {"user@example.jp", "reject@example.jp", "hold@example.jp"};
const char* const others[] = {"lenient@example.jp", "watch@example.jp", "tag@example.jp"};

void add_recipients(Dice& dice, Letter& letter) {
  letter.to = {strict[dice.below(3)]};
  for (auto more = dice.below(3); more > 0; --more) {
    letter.to.emplace_back(dice.one_in(2) ? strict[dice.below(3)] : others[dice.below(3)]);
  }
}

void add_policy(Snapshot& snapshot, const char* to,
                const std::function<void(policy::Rules&)>& set) {
  policy::Rules rules;
  set(rules);
  snapshot.rules.policies.push_back({{policy::RecipientPattern::parse(to).value()}, rules});
}

Snapshot snapshot_for(Dice& dice, const std::string& zone) {
  auto snapshot = test::snapshot_on_zone(zone);
  snapshot.options.quarantine.where = dice.pick({QuarantineWhere::mta, QuarantineWhere::junk});
  snapshot.dkim.max_signatures = dice.pick<std::size_t>({1, 10, 10, 10, 50});
  add_policy(snapshot, "reject@example.jp",
             [](auto& r) { r.dmarc.reject = policy::OnDmarcReject::always; });
  add_policy(snapshot, "hold@example.jp",
             [](auto& r) { r.dmarc.reject = policy::OnDmarcReject::quarantine; });
  add_policy(snapshot, "lenient@example.jp",
             [](auto& r) { r.dmarc.temperror = policy::OnTemperror::accept; });
  add_policy(snapshot, "watch@example.jp", [](auto& r) { r.monitor = true; });
  add_policy(snapshot, "tag@example.jp", [](auto& r) {
    r.dmarc.reject = policy::OnDmarcReject::tag;
    r.dmarc.quarantine = policy::OnDmarcQuarantine::tag;
  });
  return snapshot;
}

bool is_strict(const std::string& to) {
  return std::any_of(std::begin(strict), std::end(strict), [&](const char* s) { return to == s; });
}

// As if every deferred message had been deferred for hours.
void let_time_pass(Gate& gate) {
  auto& deferrals = gate.engine().deferrals();
  auto all = deferrals.all(wall_now(), steady_now());
  for (auto& each : all) each.first -= std::chrono::hours(5);
  deferrals.remember(all, wall_now(), steady_now());
}

std::string told(const Letter& letter, const Outcome& outcome, const std::string& zone) {
  std::string text = "HELO " + letter.helo + "\nMAIL FROM:<" + letter.mail_from + ">\n";
  for (const auto& field : letter.fields) text += field.name + ":" + field.value + "\n";
  for (const auto& [to, decision] : outcome.verdict.recipients) {
    text += to + ": " + std::string(to_string(decision.action)) + " " + decision.rule + ", " +
            decision.reason + "\n";
  }
  return text + outcome.authentication_results + "\n" + zone;
}

// What is wrong; nothing when nothing is.
std::string delivered_forgery(const Outcome& outcome, Policy asked, bool readable, bool waited) {
  const auto& dmarc = outcome.facts.dmarc;
  if (dmarc.code == dmarc::Code::pass || dmarc.aligned_spf || dmarc.aligned_dkim) {
    return "a forged message has a name that was proved";
  }
  if (asked == Policy::none) return "";
  for (const auto& [to, decision] : outcome.verdict.recipients) {
    if (!is_strict(to)) continue;
    if (decision.action == Action::accept) return "delivered unmarked to " + to;
    if (decision.action == Action::tag && (readable || !waited)) return "delivered to " + to;
    if (decision.action == Action::tempfail && waited) return "deferred without end for " + to;
  }
  return "";
}

void forge(unsigned seed) {
  Dice dice(seed);
  auto victim = make_victim(dice);
  if (dice.one_in(8)) {
    victim.zone += ";!servfail _dmarc.victim.example\n";
    victim.readable = false;
  }
  if (dice.one_in(8)) victim.zone += ";!servfail _dmarc.example\n";
  if (dice.one_in(8)) victim.zone += ";!timeout victim.example\n";
  const std::string zone = victim.zone + attackers_zone(dice);
  std::string author;
  auto letter = forged_letter(dice, author);
  add_recipients(dice, letter);
  Gate gate(snapshot_for(dice, zone));
  const auto asked = victim.asks(author);
  const auto first = gate.judge(letter);
  std::string wrong = delivered_forgery(first, asked, victim.readable, false);
  EXPECT_EQ(wrong, "") << "seed " << seed << ", asked " << word(asked) << "\n"
                       << told(letter, first, zone);
  EXPECT_LE(first.facts.dns_questions, Checks::most_questions(gate.engine().snapshot()->dkim))
      << "seed " << seed;
  if (!wrong.empty()) return;
  let_time_pass(gate);
  if (dice.one_in(2)) letter.client = "203.0.113." + std::to_string(dice.below(256));
  const auto last = gate.judge(letter);
  wrong = delivered_forgery(last, asked, victim.readable, true);
  EXPECT_EQ(wrong, "") << "seed " << seed << " after defer_for, asked " << word(asked) << "\n"
                       << told(letter, last, zone);
}

TEST(HostileSender, DeliversNoForgeryWhateverHeDoes) {
  for (unsigned seed = 1; seed <= cases && !testing::Test::HasFailure(); ++seed) forge(seed);
}

// A failure that cannot matter to whoever passes for exactly the author, by SPF, DKIM or both.
std::string harmless_faults(Dice& dice, bool by_spf, bool by_dkim) {
  std::string zone;
  const auto maybe = [&](const char* fault) {
    if (dice.one_in(3)) zone += std::string(fault) + "\n";
  };
  maybe(";!servfail _dmarc.victim.example");
  maybe(";!servfail _dmarc.sub.victim.example");
  maybe(";!timeout _dmarc.example");
  maybe(";!servfail 10.2.0.192.in-addr.arpa");
  maybe(";!timeout mx.list.example");
  maybe(";!servfail j0._domainkey.list.example");
  maybe(";!servfail j1._domainkey.victim.example");
  if (!by_spf) maybe(";!servfail victim.example TXT\n;!servfail sub.victim.example TXT");
  if (!by_dkim) {
    maybe(";!timeout sel._domainkey.victim.example\n;!timeout sel._domainkey.sub.victim.example");
  }
  return zone;
}

void write_honestly(unsigned seed) {
  Dice dice(seed);
  const auto victim = make_victim(dice);
  const bool by_spf = dice.one_in(2);
  const bool by_dkim = !by_spf || dice.one_in(2);
  const std::string zone = victim.zone + harmless_faults(dice, by_spf, by_dkim);
  const std::string author = dice.pick<std::string>({"victim.example", "sub.victim.example"});
  Letter letter;
  letter.client = by_spf ? "192.0.2.10" : "198.51.100.20";
  letter.helo =
      dice.pick<std::string>({"mx.list.example", "victim.example", "lame.victim.example"});
  letter.mail_from = by_spf ? "bob@" + author
                            : dice.pick<std::string>({"", "list@list.example", "bob@victim.example",
                                                      "bob@lame.victim.example"});
  letter.fields = {{"From", " bob@" + author}, {"Subject", " x"}};
  if (by_dkim) {
    letter.fields.insert(letter.fields.begin(), signed_by(victims_key(), letter, author));
  }
  for (auto more = dice.pick<std::size_t>({0, 1, 12, 40}); more > 0; --more) {
    // Above it, as those who handed it on put theirs; and keys of the author's that are gone by
    // now.
    const auto domain = dice.one_in(8) ? "victim.example" : "list.example";
    letter.fields.insert(
        letter.fields.begin(),
        junk(domain, dice.pick<std::string>({"j0", "j1", "k" + std::to_string(more)})));
  }
  add_recipients(dice, letter);
  auto snapshot = snapshot_for(dice, zone);
  // As many as verify it with the author's gone ones above.
  snapshot.dkim.max_signatures = std::max<std::size_t>(snapshot.dkim.max_signatures, 50);
  Gate gate(std::move(snapshot));
  for (const bool waited : {false, true}) {
    const auto outcome = gate.judge(letter);
    for (const auto& [to, decision] : outcome.verdict.recipients) {
      // Without a policy there is nothing that passes, and SPF has its say.
      const bool by_spf_alone =
          decision.rule == "spf" && outcome.facts.dmarc.code == dmarc::Code::none;
      EXPECT_LE(decision.action, by_spf_alone ? Action::tag : Action::accept)
          << "seed " << seed << (waited ? " after defer_for" : "") << ", to " << to << "\n"
          << told(letter, outcome, zone);
    }
    let_time_pass(gate);
  }
}

TEST(HonestSender, IsNeverRefusedForFailuresThatDoNotMatter) {
  for (unsigned seed = 1; seed <= cases && !testing::Test::HasFailure(); ++seed) {
    write_honestly(seed);
  }
}

}  // namespace

}  // namespace sekisho::session
