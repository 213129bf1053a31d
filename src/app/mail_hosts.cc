#include "app/mail_hosts.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/guarded.h"

namespace sekisho::app {

namespace {

class Search : public std::enable_shared_from_this<Search> {
 public:
  Search(dns::Resolver& resolver, const mail::IpAddress& client, std::function<void(bool)> done)
      : resolver_(resolver), client_(client), state_(State{1, std::move(done)}) {}

  void begin(const dns::Name& domain) {
    ask(domain, address_type());
    ask(domain, dns::Type::mx);
    ended(false);  // the one with which it began
  }

 private:
  struct State {
    std::size_t open = 0;  // questions
    std::function<void(bool)> done;
  };

  dns::Type address_type() const { return client_.is_v4() ? dns::Type::a : dns::Type::aaaa; }

  void ask(const dns::Name& name, dns::Type type) {
    state_.with([](State& state) { ++state.open; });
    resolver_.ask({name, type}, [self = shared_from_this()](const dns::AnswerPtr& answer) {
      self->answered(*answer);
    });
  }

  void answered(const dns::Answer& answer) {
    const auto& addresses = answer.addresses;
    const bool found = std::find(addresses.begin(), addresses.end(), client_) != addresses.end();
    std::size_t asked = 0;
    for (const auto& mx : answer.exchanges) {
      const auto host = dns::Name::from(mx.exchange);
      if (found || !host || asked++ == most_mail_hosts) break;
      ask(*host, address_type());
    }
    ended(found);
  }

  void ended(bool found) {
    auto done = state_.with([&](State& state) -> std::function<void(bool)> {
      if (--state.open > 0 && !found) return nullptr;
      return std::exchange(state.done, nullptr);
    });
    if (done) done(found);
  }

  dns::Resolver& resolver_;
  const mail::IpAddress client_;
  Guarded<State> state_;
};

}  // namespace

void ask_mail_hosts(dns::Resolver& resolver, const std::string& domain,
                    const mail::IpAddress& client, std::function<void(bool)> done) {
  const auto name = dns::Name::from(domain);
  if (!name) return done(false);
  std::make_shared<Search>(resolver, client, std::move(done))->begin(*name);
}

}  // namespace sekisho::app
