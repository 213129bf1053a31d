// Loaded into the daemon by daemon_kill.py: a disk on which each fsync takes as long as on one that
// turns. On a fast one the time in which a message is half stored is too short for a kill to fall
// into.
#include <chrono>
#include <thread>

#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr std::chrono::milliseconds turn{8};

int after_a_turn(long number, int fd) {
  std::this_thread::sleep_for(turn);
  return static_cast<int>(::syscall(number, fd));
}

}  // namespace

extern "C" {

int fsync(int fd) { return after_a_turn(SYS_fsync, fd); }
int fdatasync(int fd) { return after_a_turn(SYS_fdatasync, fd); }

}  // extern "C"
