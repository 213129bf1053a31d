// app/live_resolver.h: the resolver of the configuration in force, for parts that outlive a
// configuration. A question that is under way stays with the resolver that it was asked of.
// Thread: any, internally locked.
#pragma once

#include <map>
#include <memory>

#include "base/guarded.h"
#include "dns/resolver.h"
#include "session/engine.h"

namespace sekisho::app {

class LiveResolver final : public dns::Resolver {
 public:
  explicit LiveResolver(const session::Engine& engine) : engine_(engine) {}

  dns::AnswerPtr at_hand(const dns::Question& question) override {
    return engine_.snapshot()->resolver->at_hand(question);
  }
  Ticket ask(const dns::Question& question, Callback done) override;
  void cancel(Ticket ticket) override;
  dns::ResolverStatus status() const override { return engine_.snapshot()->resolver->status(); }

 private:
  struct Asked {
    std::shared_ptr<dns::Resolver> resolver;
    Ticket ticket = 0;  // of that resolver
  };
  struct State {
    Ticket last = 0;
    std::map<Ticket, Asked> asked;
  };
  const session::Engine& engine_;
  std::shared_ptr<Guarded<State>> state_ = std::make_shared<Guarded<State>>();
};

}  // namespace sekisho::app
