#include "support/session_gate.h"

#include <algorithm>
#include <stdexcept>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dns/zone_resolver.h"
#include "record/codec.h"
#include "record/log_line.h"
#include "replay/replay.h"

namespace sekisho::test {

void Recorder::decided(std::shared_ptr<const session::Decided> decided) {
  decisions_.with([&](auto& decisions) { decisions.push_back(std::move(decided)); });
}

std::vector<std::shared_ptr<const session::Decided>> Recorder::decisions() const {
  return decisions_.with([](const auto& decisions) { return decisions; });
}

std::vector<std::string> Recorder::lines() const {
  std::vector<std::string> lines;
  for (const auto& decided : decisions()) {
    lines.push_back(record::log_line(decided->outcome.facts, decided->outcome.verdict));
  }
  return lines;
}

session::Snapshot snapshot_on_zone(const std::string& zone) {
  auto parsed = dns::Zone::parse(zone);
  if (!parsed) throw std::invalid_argument(parsed.error().what);
  session::Snapshot snapshot;
  snapshot.resolver = std::make_shared<dns::ZoneResolver>(std::move(*parsed));
  auto& options = snapshot.options;
  options.identity.authserv_id = "mx.example.jp";
  options.identity.hostname = "host.example.jp";
  options.identity.domains = {mail::DomainName::parse("example.jp").value()};
  options.trust.networks = {mail::IpPrefix::parse("127.0.0.0/8").value(),
                            mail::IpPrefix::parse("::1/128").value()};
  return snapshot;
}

Gate::Gate(session::Snapshot snapshot)
    : snapshot_(std::make_shared<const session::Snapshot>(std::move(snapshot))) {
  engine_ = std::make_unique<session::Engine>(snapshot_, recorder_);
}

Gate::~Gate() {
  // What another configuration decided is not for this one to decide again.
  if (engine_->snapshot() != snapshot_) return;
  for (const auto& decided : recorder_.decisions()) expect_replay(*decided, *snapshot_);
}

void expect_round_trip(const session::Decided& decided) {
  const auto read = record::decode(record::Encoder().encode(decided));
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->outcome, decided.outcome);
  EXPECT_EQ(read->configuration, decided.configuration);
  EXPECT_EQ(read->failure, decided.failure);
  const auto& now = read->inputs;
  const auto& then = decided.inputs;
  EXPECT_EQ(now.mta_name, then.mta_name);
  EXPECT_EQ(now.hostname, then.hostname);
  EXPECT_EQ(now.connected, then.connected);
  EXPECT_EQ(now.authenticated, then.authenticated);
  EXPECT_EQ(now.header.fields(), then.header.fields());
  EXPECT_EQ(now.malformed_lines, then.malformed_lines);
  EXPECT_EQ(now.bodies, then.bodies);
  EXPECT_EQ(now.left_out, then.left_out);
  ASSERT_EQ(now.answers.size(), then.answers.size());
  for (const auto& [question, answer] : then.answers.all()) {
    const auto* found = now.answers.find(question);
    ASSERT_NE(found, nullptr) << dns::to_string(question);
    EXPECT_EQ(*found, *answer) << dns::to_string(question);
  }
  ASSERT_EQ(now.refusals.size(), then.refusals.size());
  for (std::size_t i = 0; i < now.refusals.size(); ++i) {
    EXPECT_EQ(now.refusals[i].check, then.refusals[i].check);
    EXPECT_EQ(now.refusals[i].question, then.refusals[i].question);
    EXPECT_EQ(*now.refusals[i].answer, *then.refusals[i].answer);
  }
}

void expect_replay(const session::Decided& decided, const session::Snapshot& snapshot) {
  expect_round_trip(decided);
  const auto read = record::decode(record::Encoder().encode(decided));
  if (!read) return;
  const auto replayed = replay::replay(*read, snapshot);
  EXPECT_THAT(replay::differences(decided.outcome, replayed.outcome), testing::IsEmpty());
  EXPECT_THAT(replayed.not_recorded, testing::IsEmpty());
  EXPECT_EQ(decided.outcome, replayed.outcome);
}

std::shared_ptr<session::Session> Gate::session(policy::Role role) {
  return session::Session::create(*engine_, role, queue_);
}

void greet(session::Session& session, const Letter& letter) {
  policy::Client client;
  client.unix_socket = letter.client == "unix";
  if (const auto address = mail::IpAddress::parse(letter.client)) client.address = *address;
  client.mta = letter.mta;
  session.connect(std::move(client), "mta.example.jp");
  session.helo(letter.helo);
}

void send(session::Session& session, const Letter& letter) {
  session.mail_from({letter.mail_from, letter.authenticated});
  for (const auto& to : letter.to) session.rcpt_to({to});
  for (const auto& field : letter.fields) session.header(field.name, field.value);
  session.end_of_header();
  session.body(letter.body);
}

session::Outcome Gate::judge(session::Session& session, const Letter& letter) {
  std::optional<session::Outcome> outcome;
  send(session, letter);
  session.end_of_message("4bXY", [&](const session::Outcome& reached) { outcome = reached; });
  queue_->run_until([&] { return outcome.has_value(); }, steady_now() + std::chrono::seconds(60));
  if (!outcome) throw std::logic_error("no outcome");
  return *outcome;
}

session::Outcome Gate::judge(const Letter& letter, policy::Role role) {
  const auto one = session(role);
  greet(*one, letter);
  return judge(*one, letter);
}

dns::AnswerPtr HeldResolver::at_hand(const dns::Question& question) {
  const bool known = std::find(known_.begin(), known_.end(), question) != known_.end();
  return known ? zone_->at_hand(question) : nullptr;
}

dns::Resolver::Ticket HeldResolver::ask(const dns::Question& question, Callback done) {
  asked_.push_back(dns::to_string(question));
  open_.push_back({next_, question, std::move(done)});
  return next_++;
}

void HeldResolver::cancel(Ticket ticket) {
  std::erase_if(open_, [&](const Open& open) { return open.ticket == ticket; });
}

std::vector<std::string> HeldResolver::asked() {
  std::sort(asked_.begin(), asked_.end());
  asked_.erase(std::unique(asked_.begin(), asked_.end()), asked_.end());
  return std::exchange(asked_, {});
}

bool HeldResolver::answer_all() {
  const auto now = std::exchange(open_, {});
  for (const auto& open : now) known_.push_back(open.question);
  for (const auto& open : now) open.done(zone_->at_hand(open.question));
  return !now.empty();
}

}  // namespace sekisho::test
