// Any octets as what an MTA sends, with everything in force: DNS lists, our own store, relays,
// networks that are trusted, an allowlist and a denylist, rules by recipient, and a release under
// way, whose id and token take the place of 0000-0000 and of 32 T. The MTA is played to its end:
// what it is answered is what the command allows; and of the message as it would be delivered,
// nothing claims to be ours that is not, a release passes once and only as it is, and what is held
// is there.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <sys/types.h>
// mfdef.h needs mfapi.h, and both need the types above.
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <nlohmann/json.hpp>

#include "authres/authentication_results.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "dns/zone_resolver.h"
#include "fuzz/require.h"
#include "milter/conversation.h"
#include "policy/access_list.h"
#include "quarantine/envelope.h"
#include "quarantine/service.h"
#include "session/edits.h"
#include "support/temporary_folder.h"

namespace {

using namespace sekisho;
using fuzz::require;
using Held = session::Outcome::Held;

constexpr std::string_view own_id = "mx.shop.test";
constexpr std::string_view results_field = "Authentication-Results";

constexpr const char* zone = R"(
2.0.0.127.bl.test.     A    127.0.0.2
66.2.0.192.bl.test.    A    127.0.0.4
66.2.0.192.bl.test.    TXT  "see %s there"
9.2.0.192.bl.test.     A    192.0.2.1
9.2.0.192.wl.test.     A    127.0.0.3
bad.test.dbl.test.     A    127.0.1.2
7.2.0.192.in-addr.arpa. PTR mail.good.test.
mail.good.test.        A    192.0.2.7
good.test.             TXT  "v=spf1 ip4:192.0.2.7 -all"
_dmarc.good.test.      TXT  "v=DMARC1; p=reject"
victim.test.           TXT  "v=spf1 -all"
_dmarc.victim.test.    TXT  "v=DMARC1; p=reject"
held.test.             TXT  "v=spf1 -all"
_dmarc.held.test.      TXT  "v=DMARC1; p=quarantine"
)";

constexpr std::string_view allowlist = R"(
from:victim.test   proof=dmarc skip=dnsbl
mfrom:good.test    skip=all
ip:192.0.2.66      skip=rhsbl
)";
constexpr std::string_view denylist =
    "from:denied.test\nmfrom:held@denied.test action=quarantine\n";

class NoSink final : public LogSink {
 public:
  bool write(LogLevel, std::string_view) const override { return true; }
};

class LastDecision final : public session::Journal {
 public:
  void decided(std::shared_ptr<const session::Decided> decided) override {
    last = std::move(decided);
    ++count;
  }
  std::shared_ptr<const session::Decided> last;
  std::size_t count = 0;
};

std::shared_ptr<const policy::AccessList> list_of(policy::AccessKind kind, std::string_view text) {
  auto file =
      std::make_shared<const policy::AccessFile>(policy::parse_access_file(text, "list", kind));
  return std::make_shared<const policy::AccessList>(kind,
                                                    policy::AccessList::Files{std::move(file)});
}

void add_list(session::Snapshot& made, const char* name, client::DnsListKind kind) {
  client::DnsListDefinition list;
  list.name = name;
  list.kind = kind;
  list.list = client::DnsListZone::parse(std::string(name) + ".test").value();
  made.client.lists.push_back(list);
  policy::DnsListRule rule;
  rule.name = name;
  rule.kind = kind;
  made.rules.defaults.lists.rules.push_back(rule);
}

std::shared_ptr<const session::Snapshot> snapshot() {
  session::Snapshot made;
  made.resolver = std::make_shared<dns::ZoneResolver>(dns::Zone::parse(zone).value());
  made.options.identity.authserv_id = own_id;
  made.options.identity.hostname = own_id;
  made.options.identity.domains = {mail::DomainName::parse("shop.test").value()};
  made.options.trust.networks = {mail::IpPrefix::parse("10.0.0.0/8").value()};
  made.options.trust.relays = {mail::IpPrefix::parse("198.51.100.25").value()};
  made.options.quarantine.where = session::QuarantineWhere::store;
  add_list(made, "bl", client::DnsListKind::dnsbl);
  add_list(made, "dbl", client::DnsListKind::rhsbl);
  add_list(made, "wl", client::DnsListKind::dnswl);
  auto& rules = made.rules;
  rules.allowlist = list_of(policy::AccessKind::allow, allowlist);
  rules.denylist = list_of(policy::AccessKind::deny, denylist);
  policy::RecipientRules mild{{policy::RecipientPattern::parse("mild@shop.test").value()},
                              rules.defaults};
  mild.rules.dmarc.reject = policy::OnDmarcReject::tag;
  mild.rules.dmarc.quarantine = policy::OnDmarcQuarantine::tag;
  mild.rules.author.malformed = policy::OnMalformedAuthor::quarantine;
  mild.rules.lists.use = policy::UseLists::skip;
  rules.policies.push_back(std::move(mild));
  return std::make_shared<const session::Snapshot>(std::move(made));
}

// The engine, and its store with one message that is being released.
class House {
 public:
  static constexpr std::string_view body = "Hello\r\n";

  House() : log_(std::make_shared<NoSink>(), LogLevel::error), engine_(snapshot(), journal) {
    quarantine::Options options;
    options.dir = folder_.file("store");
    auto store = quarantine::Store::open(options, quarantine::Access::owner, [](const auto&) {});
    require(store.has_value());
    holding_ = std::make_unique<quarantine::Service>(std::move(*store), log_);
    engine_.keep_in(holding_.get());
    auto guard = std::make_shared<client::DnsListGuard>([](const std::string&) {});
    guard->configure(engine_.snapshot()->client, false, steady_now());
    engine_.guard_lists(std::move(guard));
    hold_one();
    release();
  }
  ~House() {
    release_.reset();
    engine_.keep_in(nullptr);
  }
  session::Engine& engine() { return engine_; }
  quarantine::Store& store() { return holding_->store(); }
  const quarantine::Release& released() const { return *release_; }

  // Under way again, by another token.
  void release() {
    if (release_) require(store().fail_release(*release_, "again", wall_now()).has_value());
    release_.reset();
    auto begun = store().begin_release({held_.id, {}, true}, wall_now());
    require(begun.has_value());
    release_ = std::move(*begun);
  }

  LastDecision journal;

 private:
  void hold_one() {
    held_.id = "K7Q2-4DMX";
    held_.time = wall_now();
    held_.mail_from = "eve@victim.test";
    held_.recipients = {"user@shop.test"};
    const std::string header = "From: eve@victim.test\r\nSubject: x\r\n";
    held_.header_hash = hex_encode(crypto::sha256(header).view());
    held_.body_hash = hex_encode(crypto::sha256(body).view());
    const quarantine::Envelope envelope{
        "", " mx.shop.test; none", {}, {session::Recipient{"user@shop.test", {}}}, {}};
    auto draft = store().draft();
    draft.append(header + "\r\n" + std::string(body));
    RunQueue queue;
    bool done = false;
    store().hold(std::move(draft), held_, {envelope.json(), "{}"}, [&](const auto& stored) {
      require(stored.has_value());
      queue.post([&] { done = true; });
    });
    require(queue.run_until([&] { return done; }, steady_now() + std::chrono::minutes(1)));
  }

  test::TemporaryFolder folder_;
  Log log_;
  session::Engine engine_;
  std::unique_ptr<quarantine::Service> holding_;
  quarantine::HeldRow held_;
  std::optional<quarantine::Release> release_;
};

// An MTA as it understands what it is answered.
class Mta {
 public:
  explicit Mta(House& house)
      : house_(house),
        conversation_(house.engine(), policy::Role::mx, queue_,
                      [this](const std::string& octets) { answers_ += octets; }) {}

  // Whether a message passed as the one that is released.
  bool play(std::string_view octets) {
    milter::Packet packet;
    std::size_t used = 0;
    while (milter::next_packet(octets, packet, used) == milter::Framing::packet) {
      note(packet);
      const std::size_t decisions = house_.journal.count;
      answers_.clear();
      const auto next = conversation_.receive(packet);
      if (next != milter::Conversation::Next::go_on) {
        require(conversation_.problem().empty() == (next == milter::Conversation::Next::close));
        break;
      }
      const bool answered = queue_->run_until([&] { return !conversation_.waiting(); },
                                              steady_now() + std::chrono::minutes(2));
      require(answered);
      check_answer(packet.command);
      if (packet.command == SMFIC_BODYEOB) {
        require(house_.journal.count == decisions + 1);
        check_message(*house_.journal.last);
      }
      octets.remove_prefix(used);
    }
    return released_;
  }

 private:
  // What the MTA knows of the message that it hands over.
  void note(const milter::Packet& packet) {
    const auto strings = milter::parse_strings(packet.data);
    switch (packet.command) {
      case SMFIC_MAIL:
      case SMFIC_HELO:
      case SMFIC_ABORT:
      case SMFIC_QUIT_NC:
        fields_.clear();
        recipients_.clear();
        body_.clear();
        break;
      case SMFIC_RCPT:
        if (strings && !strings->empty()) recipients_.emplace_back(strings->front());
        break;
      case SMFIC_HEADER:
        note_field(packet.data);
        break;
      case SMFIC_BODY:
      case SMFIC_BODYEOB:
        body_ += packet.data;
        break;
      default:
        break;
    }
  }

  void note_field(std::string_view data) {
    const std::size_t end = data.find('\0');
    if (end == std::string_view::npos || end + 1 >= data.size()) return;
    fields_.push_back({std::string(data.substr(0, end)),
                       std::string(data.substr(end + 1, data.size() - end - 2))});
  }

  void check_answer(char command) {
    changes_.clear();
    deleted_ = 0;
    final_ = '\0';
    std::string_view rest = answers_;
    milter::Packet packet;
    std::size_t used = 0;
    while (!rest.empty()) {
      require(milter::next_packet(rest, packet, used) == milter::Framing::packet);
      require(final_ == '\0');  // nothing behind the last word
      take(command, packet);
      rest.remove_prefix(used);
    }
    if (command == SMFIC_BODYEOB) require(final_ != '\0');
    if (final_ == SMFIR_REPLYCODE || final_ == SMFIR_DISCARD)
      require(changes_.empty() && deleted_ == 0);
  }

  void take(char command, const milter::Packet& packet) {
    const auto strings = milter::parse_strings(packet.data);
    switch (packet.command) {
      case SMFIR_CHGHEADER:
      case SMFIR_INSHEADER:
        require(command == SMFIC_BODYEOB && packet.data.size() > 4);
        changes_.emplace_back(packet.command, packet.data);
        return;
      case SMFIR_DELRCPT:
        require(command == SMFIC_BODYEOB && strings && strings->size() == 1);
        require(is_recipient(strings->front()));
        ++deleted_;
        return;
      case SMFIR_REPLYCODE:
        require((command == SMFIC_BODYEOB || command == SMFIC_RCPT) && strings &&
                strings->size() == 1);
        check_reply(strings->front());
        break;
      case SMFIR_DISCARD:
        require(command == SMFIC_BODYEOB);
        break;
      case SMFIR_CONTINUE:
        break;
      default:
        require(packet.command == SMFIC_OPTNEG && command == SMFIC_OPTNEG);
        break;
    }
    final_ = packet.command;
  }

  bool is_recipient(std::string_view deleted) const {
    return std::any_of(recipients_.begin(), recipients_.end(), [&](const std::string& one) {
      return one == deleted || "<" + one + ">" == deleted;
    });
  }

  // A `%` is a format's to sendmail: only pairs of it.
  static void check_reply(std::string_view line) {
    require(line.size() >= 10 && (line[0] == '4' || line[0] == '5') && line[3] == ' ');
    std::size_t percents = 0;
    for (const char c : line) {
      require(c >= ' ' && c <= '~');
      if (c != '%') require(percents % 2 == 0);
      percents = c == '%' ? percents + 1 : 0;
    }
    require(percents % 2 == 0);
  }

  void check_message(const session::Decided& decided) {
    const auto& outcome = decided.outcome;
    const auto& facts = outcome.facts;
    require(decided.failure.empty());
    require(deleted_ == outcome.recipients_held.size() || final_ != SMFIR_CONTINUE);
    if (final_ == SMFIR_DISCARD) require(outcome.held == Held::whole);
    const bool kept =
        outcome.held == Held::whole || (outcome.held == Held::some && final_ == SMFIR_CONTINUE);
    if (kept) require(house_.store().get(facts.id).has_value());
    if (facts.exemption == policy::Exemption::released) check_release(facts);
    if (final_ != SMFIR_CONTINUE) return;
    check_delivered(facts);
    check_author(outcome);
  }

  void check_release(const policy::Facts& facts) {
    const auto& release = house_.released();
    require(!released_ && facts.released_id == release.id);
    require(facts.mail_from == release.held.mail_from);
    require(std::is_permutation(facts.recipients.begin(), facts.recipients.end(),
                                release.recipients.begin(), release.recipients.end()));
    require(body_ == House::body);
    released_ = true;
  }

  // The header after the changes, as the MTA makes them one after the other.
  std::vector<mail::HeaderField> delivered() const {
    auto fields = fields_;
    for (const auto& [kind, data] : changes_) {
      const std::size_t index =
          static_cast<unsigned char>(data[2]) * 256U + static_cast<unsigned char>(data[3]);
      const auto strings = milter::parse_strings(std::string_view(data).substr(4));
      require(strings && strings->size() == 2);
      const std::string_view name = (*strings)[0];
      if (kind == SMFIR_INSHEADER) {
        require(index == 0);
        fields.insert(fields.begin(),
                      mail::HeaderField{std::string(name), std::string((*strings)[1])});
        continue;
      }
      require(index > 0 && (*strings)[1].empty());
      std::size_t seen = 0;
      const auto at = std::find_if(fields.begin(), fields.end(), [&](const mail::HeaderField& one) {
        return one.is(name) && ++seen == index;
      });
      require(at != fields.end());
      fields.erase(at);
    }
    return fields;
  }

  static bool claims_to_be_ours(const mail::HeaderField& field) {
    if (field.is(session::disposition_field) || field.is(session::release_field)) return true;
    return field.is(results_field) && authres::could_be_from(field.value, own_id);
  }

  // Ours are those that were inserted, and stand on top.
  void check_delivered(const policy::Facts& facts) const {
    const auto fields = delivered();
    const auto inserted = static_cast<std::size_t>(
        std::count_if(changes_.begin(), changes_.end(),
                      [](const auto& change) { return change.first == SMFIR_INSHEADER; }));
    require(inserted <= 2 && inserted <= fields.size());
    for (std::size_t i = 0; i < fields.size(); ++i) {
      require(claims_to_be_ours(fields[i]) == (i < inserted));
      if (i < inserted) check_ours(fields[i]);
    }
    const bool judged = facts.exemption == policy::Exemption::none;
    if (judged) require(inserted > 0 && fields[0].is(results_field));
  }

  static void check_ours(const mail::HeaderField& field) {
    for (std::size_t i = 0; i < field.value.size(); ++i) {
      const char c = field.value[i];
      if (c != '\n')
        require(c == '\t' || (c >= ' ' && c != 0x7f) || static_cast<signed char>(c) < 0);
      if (c == '\n')
        require(i + 1 < field.value.size() &&
                (field.value[i + 1] == ' ' || field.value[i + 1] == '\t'));
    }
  }

  // Who may not be forged reaches nobody without a mark.
  static void check_author(const session::Outcome& outcome) {
    const auto& facts = outcome.facts;
    if (facts.exemption != policy::Exemption::none) return;
    const bool forged = facts.author.well_formed() && facts.dmarc.code == dmarc::Code::fail &&
                        facts.dmarc.requested != dmarc::Policy::none;
    if (forged || !facts.author.well_formed())
      require(outcome.verdict.message.action != policy::Action::accept ||
              outcome.held == Held::some);
  }

  House& house_;
  std::shared_ptr<RunQueue> queue_ = std::make_shared<RunQueue>();
  std::string answers_;
  milter::Conversation conversation_;
  std::vector<mail::HeaderField> fields_;
  std::vector<std::string> recipients_;
  std::string body_;
  std::vector<std::pair<char, std::string>> changes_;
  std::size_t deleted_ = 0;
  char final_ = '\0';
  bool released_ = false;
};

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A store of many thousand messages is another test.
  constexpr int messages = 2000;
  static std::unique_ptr<House> house;
  static int runs = 0;
  if (!house || ++runs % messages == 0) {
    house.reset();
    house = std::make_unique<House>();
  }
  std::string octets(fuzz::text_of(data, size));
  replace_all(octets, "0000-0000", house->released().id);
  replace_all(octets, std::string(32, 'T'), house->released().token);
  if (!Mta(*house).play(octets)) return 0;
  // A proof is consumed.
  require(!Mta(*house).play(octets));
  house->release();
  return 0;
}
