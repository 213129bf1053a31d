// app/decision_journal.h: what is done with each decision once it is made: one line of the log, a
// record where there is a history, and two warnings about how this host is set up.
// Errors: none; what cannot be recorded is counted by the recorder. Thread: any.
#pragma once

#include <memory>

#include "base/log.h"
#include "client/nat_watch.h"
#include "history/recorder.h"
#include "session/ports.h"

namespace sekisho::app {

class DecisionJournal final : public session::Journal {
 public:
  explicit DecisionJournal(Log& log) : log_(log) {}
  // Before the first decision; must outlive the decisions.
  void record_to(history::Recorder* recorder) { recorder_ = recorder; }
  void decided(std::shared_ptr<const session::Decided> decided) override;

 private:
  void watch_for_own_fields(const policy::Facts& facts);
  void watch_for_nat(const policy::Facts& facts);

  Log& log_;
  client::NatWatch nat_;
  history::Recorder* recorder_ = nullptr;
};

}  // namespace sekisho::app
