// net/peer.h: the other side of one connection, as a Server sees it: it begins, may be busy, and
// ends.
// Thread: its event loop's.
#pragma once

#include <exception>
#include <memory>

namespace sekisho::net {

class Peer : public std::enable_shared_from_this<Peer> {
 public:
  virtual ~Peer() = default;
  virtual void start() = 0;
  // Begins nothing new: closes now if it is not busy, else as soon as it is not.
  virtual void drain() = 0;
  // Whether work or its answer would be lost by closing now.
  virtual bool busy() const = 0;
  // May be called again.
  virtual void close() = 0;
  // Something threw: says so in the log, and closes.
  virtual void broken(const std::exception& error) noexcept = 0;

  // Runs `event`; an exception ends this connection only.
  template <class Event>
  void guarded(const Event& event) noexcept {
    try {
      event();
    } catch (const std::exception& error) {
      broken(error);
    }
  }
};

}  // namespace sekisho::net
