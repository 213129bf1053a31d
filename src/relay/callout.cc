#include "relay/callout.h"

#include <array>
#include <utility>

#include <sys/random.h>

#include "base/ascii.h"
#include "base/encoding.h"
#include "net/loop.h"
#include "net/timer.h"
#include "relay/results.h"

namespace sekisho::relay {

namespace {

using Code = Callout::Answer::Code;

// How often a next hop is asked for a name that cannot exist: whoever changes that it knows its
// recipients is told within a day.
constexpr std::chrono::hours random_name_interval(24);

std::string key_of(const mail::Path& recipient) {
  return std::string(recipient.local_part()) + "@" + ascii::lower(recipient.domain());
}

std::string random_name() {
  std::array<char, 8> octets{};
  // Without random octets it is a name of zeros, which nobody has either.
  [[maybe_unused]] const auto read = ::getrandom(octets.data(), octets.size(), 0);
  return "sekisho-" + hex_encode({octets.data(), octets.size()});
}

Job probe_job(const mail::Path& recipient, std::shared_ptr<const Map> map) {
  Job job;
  job.id = "callout";
  job.targets.push_back({recipient, {}});
  const auto& mailbox = recipient.mailbox();
  job.domain = mailbox ? mailbox->domain.text() : ascii::lower(recipient.domain());
  job.map = std::move(map);
  return job;
}

}  // namespace

// RFC 5321 §4.2.3: other 5xx speak of us, or of anything; a 5xx to MAIL speaks of the sender.
Callout::Answer::Code meaning_of(const Result& result) {
  if (result.code == Result::Code::sent) return Code::exists;
  const std::string code = result.reply.substr(0, 3);
  const bool of_mailbox = code == "550" || code == "551" || code == "553";
  const bool refused = result.code == Result::Code::failed && result.at_rcpt;
  if (refused && of_mailbox && result.status.starts_with("5.1.")) return Code::missing;
  return Code::unknown;
}

// Thread: that of the loop, but for what is locked itself.
struct Callout::State : std::enable_shared_from_this<State> {
  State(SmtpTransport& to, net::Loop& on, Workers& writers, Log& to_log, Alarms& to_alarms,
        const Options& chosen)
      : transport(to),
        loop(on),
        disk(writers),
        log(to_log),
        alarms(to_alarms),
        options(chosen),
        known(chosen.file) {}

  // One question under way, for all who ask the same.
  struct Question {
    explicit Question(net::Loop& loop) : timer(loop) {}
    std::vector<Done> waiting;
    net::Timer timer;
  };

  SmtpTransport& transport;
  net::Loop& loop;
  Workers& disk;
  Log& log;
  Alarms& alarms;
  const Options options;
  KnownRecipients known;
  std::map<std::string, std::shared_ptr<Question>> open;
  std::map<std::string, SteadyTime> random_asked;  // by domain

  void ask(const mail::Path& recipient, const std::shared_ptr<const Map>& map, Done done);
  void answered(const std::string& key, const Job& job, const Result& result);
  void tell(const std::string& key, const Answer& answer);
  void ask_random_name(const Job& job);
  void write_later();
};

void Callout::State::ask(const mail::Path& recipient, const std::shared_ptr<const Map>& map,
                         Done done) {
  const std::string key = key_of(recipient);
  auto& question = open[key];
  if (question) {
    question->waiting.push_back(std::move(done));
    return;
  }
  question = std::make_shared<Question>(loop);
  question->waiting.push_back(std::move(done));
  question->timer.set(steady_now() + options.patience, [self = shared_from_this(), key] {
    self->tell(key, {Code::unknown, "the next hop has not answered in time"});
  });
  const Job job = probe_job(recipient, map);
  const auto executor = loop.executor();
  transport.probe(job, [self = shared_from_this(), key, job, executor](JobResult found) {
    executor->post([self, key, job, result = std::move(found.results.front())] {
      self->answered(key, job, result);
    });
  });
}

void Callout::State::answered(const std::string& key, const Job& job, const Result& result) {
  const Answer answer{meaning_of(result), result.reply.empty() ? result.why : result.reply};
  const std::string alarm = "ask:" + job.domain;
  if (answer.code != Code::unknown) {
    known.remember(key, answer.code == Code::exists, wall_now());
    write_later();
    alarms.clear(alarm);
  } else if (result.code == Result::Code::failed) {
    alarms.raise(alarm,
                 result.host + " refuses to say who exists at " + job.domain + ": " + result.why);
  }
  if (answer.code == Code::exists) ask_random_name(job);
  tell(key, answer);
}

// A host that is away must not turn away who is known.
void Callout::State::tell(const std::string& key, const Answer& found) {
  const auto question = open.find(key);
  if (question == open.end()) return;
  const auto waiting = std::exchange(question->second->waiting, {});
  question->second->timer.cancel();
  open.erase(question);
  Answer answer = found;
  const auto before = known.find(key, wall_now());
  if (answer.code == Code::unknown && before && before->exists) answer.code = Code::exists;
  for (const auto& done : waiting) done(answer);
}

void Callout::State::write_later() {
  disk.post([self = shared_from_this()] { self->known.write(wall_now()); });
}

void Callout::State::ask_random_name(const Job& job) {
  const auto now = steady_now();
  const auto [asked, first] = random_asked.try_emplace(job.domain, now);
  if (!first && now - asked->second < random_name_interval) return;
  asked->second = now;
  const mail::Path nobody(random_name() + "@" + job.domain);
  transport.probe(
      probe_job(nobody, job.map), [self = shared_from_this(), nobody](const JobResult& found) {
        const auto& result = found.results.front();
        if (meaning_of(result) != Code::exists) return;
        self->log.warning("route " + std::string(nobody.domain()) + ": " + result.host +
                          " accepts every recipient (" + nobody.raw() +
                          "), so recipients = \"ask\" finds out nothing and its bounces go to "
                          "strangers: let it refuse unknown ones, or list them with file:PATH");
      });
}

Callout::Callout(SmtpTransport& transport, net::Loops& loops, Workers& disk, Log& log,
                 Alarms& alarms, const Options& options)
    : state_(std::make_shared<State>(transport, loops.first(), disk, log, alarms, options)) {
  state_->known.load(wall_now());
}

Callout::~Callout() = default;

void Callout::ask(const mail::Path& recipient, std::shared_ptr<const Map> map, Done done) {
  const auto known = state_->known.find(key_of(recipient), wall_now());
  if (known && known->fresh) {
    return done({known->exists ? Answer::Code::exists : Answer::Code::missing, "remembered"});
  }
  state_->loop.executor()->post([state = state_, recipient, map = std::move(map),
                                 done = std::move(done)] { state->ask(recipient, map, done); });
}

}  // namespace sekisho::relay
