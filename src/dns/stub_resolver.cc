#include "dns/stub_resolver.h"

#include <sys/epoll.h>

#include <cerrno>
#include <system_error>

namespace sekisho::dns {

namespace {

UniqueFd open_epoll() {
  UniqueFd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return epoll;
}

std::optional<ResolvConf> unless_given(const std::vector<ServerAddress>& servers, std::string path,
                                       bool known) {
  if (!servers.empty()) return std::nullopt;
  return ResolvConf(std::move(path), known);
}

// Without a readable resolv.conf there is still 127.0.0.1, as in resolver(3).
std::vector<ServerAddress> first_servers(const std::vector<ServerAddress>& given,
                                         const std::vector<ServerAddress>& last_good) {
  if (!given.empty()) return given;
  return last_good.empty() ? parse_resolv_conf("") : last_good;
}

}  // namespace

StubResolver::StubResolver(const Options& options, std::vector<ServerAddress> servers,
                           std::string resolv_conf, std::vector<ServerAddress> last_good)
    : epoll_(open_epoll()),
      state_(options, epoll_.get(), first_servers(servers, last_good)),
      loop_(state_, epoll_.get(),
            unless_given(servers, std::move(resolv_conf), !last_good.empty())),
      thread_([this] { loop_.run(); }) {}

StubResolver::~StubResolver() {
  loop_.stop();
  thread_.join();
}

AnswerPtr StubResolver::at_hand(const Question& question) {
  const SteadyTime now = steady_now();
  return state_.with([&](InFlight& state) { return state.at_hand(question, now); });
}

Resolver::Ticket StubResolver::ask(const Question& question, Callback done) {
  const SteadyTime now = steady_now();
  Effects effects;
  InFlight::Asked asked =
      state_.with([&](InFlight& state) { return state.ask(question, done, now, effects); });
  if (asked.at_once != nullptr) {
    done(std::move(asked.at_once));
    return 0;
  }
  send_datagrams(effects);
  if (asked.wake) loop_.wake();
  return asked.ticket;
}

void StubResolver::cancel(Ticket ticket) {
  if (ticket == 0) return;
  state_.with([ticket](InFlight& state) { state.cancel(ticket); });
}

ResolverStatus StubResolver::status() const {
  return state_.with([](const InFlight& state) { return state.status(); });
}

}  // namespace sekisho::dns
