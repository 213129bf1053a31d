// app/background.h: goes into the background; the parent exits with the exit code of the start.
// Thread: the main one, before there are others.
#pragma once

#include "base/unique_handle.h"

namespace sekisho::app {

class Background {
 public:
  // Forks unless `foreground`; the parent waits until the child says started(), or dies, and exits.
  explicit Background(bool foreground);
  // The start has succeeded: the parent exits.
  void started();

 private:
  UniqueFd to_parent_;
};

}  // namespace sekisho::app
