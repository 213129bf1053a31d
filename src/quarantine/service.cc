#include "quarantine/service.h"

#include <algorithm>
#include <utility>

#include "base/memory.h"
#include "quarantine/envelope.h"
#include "quarantine/held_part.h"

namespace sekisho::quarantine {

namespace {

// How often expiry runs. Nobody needs it to the minute.
constexpr std::chrono::minutes expire_every(15);

session::HoldResult result_of(const Outcome<spool::Stored>& stored) {
  using session::HoldCode;
  if (stored) return {HoldCode::held, ""};
  const bool full = stored.error().kind == Failure::Kind::limit;
  return {full ? HoldCode::full : HoldCode::failed, stored.error().why};
}

}  // namespace

Service::Service(std::unique_ptr<Store> store, Log& log)
    : store_(std::move(store)), log_(log), thread_([this] { serve(); }) {}

Service::~Service() {
  until_memory([this] { tasks_.post([this] { stopping_ = true; }); });
  thread_.join();
}

std::unique_ptr<session::Draft> Service::begin() {
  return std::make_unique<KeptDraft>(store_->draft());
}

void Service::keep(session::KeepRequest message, std::function<void(session::HoldResult)> done) {
  auto& kept = static_cast<KeptDraft&>(*message.content);
  store_->hold(
      kept.take(), row_of(message), detail_of(message),
      [this, id = message.outcome.facts.id, done = std::move(done)](Outcome<spool::Stored> stored) {
        contained([&] { tell(id, stored); });
        session::HoldResult result{stored ? session::HoldCode::held : session::HoldCode::failed,
                                   ""};
        contained([&] { result = result_of(stored); });
        done(result);
      });
}

void Service::tell(const std::string& id, const Outcome<spool::Stored>& stored) {
  if (stored && stored->repeated) {
    log_.info(LogLine("quarantine:").field("id", id).field("repeats", stored->key).text());
  } else if (!stored) {
    log_.write_limited(LogLevel::error, "quarantine",
                       "quarantine: not held: " + stored.error().why);
  }
}

void Service::take_back(session::ReleaseProof proof, std::function<void(session::TakenBack)> done) {
  tasks_.post([this, proof = std::move(proof), done = std::move(done)] {
    session::TakenBack taken;
    try {
      taken = what_comes_back(proof);
    } catch (const std::exception& error) {
      taken = tl::unexpected(what_of(error));
    }
    done(std::move(taken));
  });
}

session::TakenBack Service::what_comes_back(const session::ReleaseProof& proof) {
  const auto id = store_->consume_token(proof, wall_now());
  if (!id) {
    // Limited: anybody can send such a field.
    const bool proves_nothing = id.error().kind == Failure::Kind::refused;
    log_.write_limited(LogLevel::warning,
                       proves_nothing ? "quarantine release" : "quarantine release deferred",
                       LogLine("quarantine:")
                           .field("release", is_id(proof.id) ? proof.id : "(no id)")
                           .field(proves_nothing ? "refused" : "deferred", id.error().why)
                           .text());
    if (proves_nothing) return std::nullopt;
    return tl::unexpected(id.error().why);
  }
  const auto message = store_->get(*id);
  if (!message) return tl::unexpected(message.error().why);
  const auto envelope = Envelope::parse(message->detail.envelope);
  return session::Released{*id, envelope ? envelope->authentication_results : ""};
}

void Service::serve() {
  const Patience patience;
  auto next_expire = steady_now();
  auto next_count = next_expire;
  while (!stopping_) {
    // A want of memory fails this task only.
    contained([&] {
      tasks_.run_until([this] { return stopping_.load(); }, std::min(next_expire, next_count));
    });
    if (stopping_) return;
    if (steady_now() >= next_expire) {
      next_expire = steady_now() + expire_every;
      contained([this] { expire(); });
    }
    if (steady_now() >= next_count) {
      next_count = steady_now() + count_every;
      contained([this] { count(); });
    }
  }
}

std::optional<Stats> Service::last_stats() const {
  return stats_.with([](const auto& stats) { return stats; });
}

// If the store cannot be counted there is no number: an old one would look like health.
void Service::count() {
  const auto counted = store_->stats(wall_now());
  stats_.with([&](auto& stats) {
    stats.reset();
    if (counted) stats = *counted;
  });
}

void Service::expire() {
  const auto expired = store_->expire(look_at_clocks());
  if (!expired) {
    log_.write_limited(LogLevel::warning, "quarantine expire",
                       "quarantine: cannot expire messages: " + expired.error().why);
    return;
  }
  switch (expired->answer) {
    case ClockLooks::Answer::go:
      if (expired->messages > 0)
        log_.info("quarantine: " + std::to_string(expired->messages) + " messages have expired");
      break;
    case ClockLooks::Answer::first:
      break;
    case ClockLooks::Answer::jumped:
      log_.warning("quarantine: the clock has jumped; nothing is expired before it has held");
      break;
    case ClockLooks::Answer::many:
      log_.write_limited(
          LogLevel::warning, "quarantine expire many",
          "quarantine: " + std::to_string(expired->due.messages) + " of " +
              std::to_string(expired->due.all) +
              " messages are too old all at once: is the clock right? They expire in " +
              std::to_string(ClockLooks::many_wait.count()) +
              " hours, or now by sekisho quarantine expire");
      break;
  }
}

}  // namespace sekisho::quarantine
