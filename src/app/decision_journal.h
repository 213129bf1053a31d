// app/decision_journal.h: handles each decision: one line of the log, a record in the history, and
// two warnings about the setup of this host.
// Errors: none; decisions that cannot be recorded are counted by the recorder. Thread: any.
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
  // Call before the first decision; the recorder must outlive the decisions.
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
