// net/peer.h: the other side of one connection, as a Server sees it: it begins, it may be in the
// middle of something, and it ends.
// Thread: its event loop's.
#pragma once

#include <exception>
#include <memory>

namespace sekisho::net {

class Peer : public std::enable_shared_from_this<Peer> {
 public:
  virtual ~Peer() = default;
  virtual void start() = 0;
  // Nothing new begins: closes now when it is not busy, else as soon as it is not.
  virtual void drain() = 0;
  // Something is under way that would be lost, or its answer is.
  virtual bool busy() const = 0;
  // May be called again.
  virtual void close() = 0;
  // Something threw: says so in the log, and closes.
  virtual void broken(const std::exception& error) noexcept = 0;

  // Does `event`; when it throws, that is the end of this connection, and of no other.
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
