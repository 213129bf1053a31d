#include "smtp/sender_domain.h"

#include <algorithm>

namespace sekisho::smtp {

namespace {

std::vector<dns::Question> questions_of(const mail::Path& sender) {
  // A literal has no mailbox.
  if (!sender.mailbox()) return {};
  return {{dns::Name(sender.mailbox()->domain), dns::Type::mx}};
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
  // A name that exists takes no mail perhaps, and yet may send some.
  return mx->outcome == dns::Outcome::nxdomain ? Code::missing : Code::good;
}

}  // namespace sekisho::smtp
