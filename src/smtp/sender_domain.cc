#include "smtp/sender_domain.h"

#include <algorithm>

namespace sekisho::smtp {

namespace {

std::vector<dns::Question> questions_of(const mail::Path& sender) {
  // A literal has no mailbox.
  if (!sender.mailbox()) return {};
  const dns::Name name(sender.mailbox()->domain);
  return {{name, dns::Type::mx}, {name, dns::Type::a}, {name, dns::Type::aaaa}};
}

}  // namespace

SenderDomain::SenderDomain(dns::Resolver& resolver, const dns::Options& options,
                           const mail::Path& sender, std::function<void()> notify)
    : questions_(questions_of(sender)), inquiry_(resolver, options, std::move(notify)) {
  dns::Share share{.most = questions_.size(), .hints = 0};
  if (!questions_.empty()) inquiry_.ask(questions_, {}, share);
}

SenderDomain::Code SenderDomain::code() {
  if (questions_.empty()) return Code::good;
  inquiry_.collect();
  const auto* mx = inquiry_.answers().find(questions_[0]);
  if (mx == nullptr) return Code::open;
  if (mx->is_error()) return Code::failed;
  if (mx->outcome == dns::Outcome::records) {
    const bool null_mx = std::all_of(mx->exchanges.begin(), mx->exchanges.end(),
                                     [](const dns::Mx& each) { return each.exchange.empty(); });
    return null_mx ? Code::null_mx : Code::good;
  }
  if (mx->outcome == dns::Outcome::nxdomain) return Code::missing;
  const auto* v4 = inquiry_.answers().find(questions_[1]);
  const auto* v6 = inquiry_.answers().find(questions_[2]);
  const auto has = [](const dns::Answer* answer) {
    return answer != nullptr && answer->outcome == dns::Outcome::records;
  };
  if (has(v4) || has(v6)) return Code::good;
  if (v4 == nullptr || v6 == nullptr) return Code::open;
  return v4->is_void() && v6->is_void() ? Code::missing : Code::failed;
}

}  // namespace sekisho::smtp
