#include "smtp/client_name.h"

#include <algorithm>

#include "client/iprev.h"

namespace sekisho::smtp {

namespace {

dns::Options in_time(dns::Options options) {
  options.message_budget =
      std::min<std::chrono::milliseconds>(options.message_budget, ClientName::most_time);
  return options;
}

}  // namespace

ClientName::ClientName(dns::Resolver& resolver, dns::Options options,
                       const mail::IpAddress& address, std::function<void()> notify)
    : address_(address), inquiry_(resolver, in_time(std::move(options)), std::move(notify)) {}

std::optional<std::string> ClientName::name() {
  inquiry_.collect();
  for (;;) {
    const auto evaluation = client::iprev(address_, inquiry_.answers());
    if (evaluation.result) {
      const auto& result = *evaluation.result;
      return result.code == client::IprevCode::pass ? result.name : std::string();
    }
    const auto known = inquiry_.answers().size();
    const auto refused = inquiry_.ask(evaluation.needed, evaluation.hints, share_);
    if (!refused.empty()) return std::string();
    if (inquiry_.answers().size() == known) return std::nullopt;
  }
}

}  // namespace sekisho::smtp
