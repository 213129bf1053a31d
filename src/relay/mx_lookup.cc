#include "relay/mx_lookup.h"

#include <utility>

#include "base/guarded.h"
#include "dns/inquiry.h"

namespace sekisho::relay {

namespace {

// Waits for answers.
class Asked {
 public:
  Asked(dns::Resolver& resolver, const dns::Options& options)
      : inquiry_(resolver, options, [this] {
          arrived_.with([](bool& arrived) { arrived = true; });
          arrived_.notify_all();
        }) {
    share_.most = max_questions_of_hops;
  }

  NextHops hops(const mail::DomainName& domain, const MxOptions& mx) {
    for (;;) {
      auto found = next_hops(domain, mx, inquiry_.answers());
      if (found.done()) return std::move(*found.result);
      if (!inquiry_.ask(found.needed, found.hints, share_).empty())
        return {NextHops::Code::no_address, {}, "too many questions to the DNS"};
      while (!inquiry_.all_known(found.needed)) wait();
    }
  }
  const dns::Answers& answers() const { return inquiry_.answers(); }

 private:
  void wait() {
    const bool in_time = arrived_.wait_until(
        inquiry_.deadline(), [](bool arrived) { return arrived; },
        [](bool& arrived, bool found) {
          arrived = false;
          return found;
        });
    if (!in_time) inquiry_.expire();
    inquiry_.collect();
  }

  Guarded<bool> arrived_{false};
  dns::Share share_;
  dns::Inquiry inquiry_;
};

}  // namespace

LookedUp look_up_hops(dns::Resolver& resolver, const dns::Options& dns,
                      const mail::DomainName& domain, const MxOptions& mx) {
  Asked asked(resolver, dns);
  auto hops = asked.hops(domain, mx);
  return {std::move(hops), listed_hosts(domain, mx, asked.answers())};
}

}  // namespace sekisho::relay
