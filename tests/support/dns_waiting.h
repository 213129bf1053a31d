// tests/support/dns_waiting.h: asks a resolver and waits, as only a test may.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <string_view>

#include "dns/resolver.h"

namespace sekisho::test {

inline dns::Question question(std::string_view name, dns::Type type) {
  return {dns::Name::from(name).value(), type};
}

// A question under way.
class Asked {
 public:
  Asked(dns::Resolver& resolver, const dns::Question& question)
      : begun_(std::chrono::steady_clock::now()),
        promise_(std::make_shared<std::promise<dns::AnswerPtr>>()) {
    future_ = promise_->get_future();
    ticket = resolver.ask(
        question, [to = promise_](dns::AnswerPtr answer) { to->set_value(std::move(answer)); });
  }

  // Nullptr when there is no answer within the time.
  dns::AnswerPtr wait(std::chrono::milliseconds time = std::chrono::seconds(60)) {
    if (future_.wait_for(time) != std::future_status::ready) return nullptr;
    took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                                 begun_);
    return future_.get();
  }

  dns::Resolver::Ticket ticket = 0;
  std::chrono::milliseconds took{0};

 private:
  std::chrono::steady_clock::time_point begun_;
  std::shared_ptr<std::promise<dns::AnswerPtr>> promise_;
  std::future<dns::AnswerPtr> future_;
};

}  // namespace sekisho::test
