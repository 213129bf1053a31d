// For queue_poison.py: a daemon that crashes when it reads a file with this text in it, as a fault
// in a parser would. Loaded by LD_PRELOAD; what comes from a socket is not read this way.
#include <csignal>
#include <cstring>

#include <dlfcn.h>
#include <sys/types.h>
#include <unistd.h>

namespace {

constexpr char poison[] = "poison for the daemon";

ssize_t crash_if_poisoned(const void* octets, ssize_t count) {
  if (count > 0 &&
      ::memmem(octets, static_cast<size_t>(count), poison, sizeof poison - 1) != nullptr)
    ::raise(SIGSEGV);
  return count;
}

using Pread = ssize_t (*)(int, void*, size_t, off_t);

}  // namespace

extern "C" {

ssize_t pread(int fd, void* octets, size_t count, off_t offset) {
  static const auto real = reinterpret_cast<Pread>(::dlsym(RTLD_NEXT, "pread"));
  return crash_if_poisoned(octets, real(fd, octets, count, offset));
}
ssize_t pread64(int fd, void* octets, size_t count, off_t offset) {
  return pread(fd, octets, count, offset);
}
ssize_t __pread_chk(int fd, void* octets, size_t count, off_t offset, size_t) {
  return pread(fd, octets, count, offset);
}
ssize_t __pread64_chk(int fd, void* octets, size_t count, off_t offset, size_t) {
  return pread(fd, octets, count, offset);
}

}  // extern "C"
