// Loaded into the daemon by no_memory.py: of all allocations, one in so many fails, by a sequence
// that a seed makes. The test says by a page of memory that both share which one, and whether any:
//   SEKISHO_MEMORY_PAGE=FILE   of 32 octets: one in (0: none fails), seed, allocations, failures
//   SEKISHO_MEMORY_KINDS=new   what C++ allocates; "all": what C libraries allocate too
// Where the process ends by std::terminate, stderr has the frames that led there.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

struct Page {
  std::atomic<std::uint64_t> one_in;
  std::atomic<std::uint64_t> seed;
  std::atomic<std::uint64_t> allocations;
  std::atomic<std::uint64_t> failed;
};

std::atomic<Page*> page{nullptr};
std::atomic<bool> c_too{false};

void tell_where() {
  static const char text[] = "terminate, from:\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, sizeof text - 1);
  void* frames[64];
  ::backtrace_symbols_fd(frames, ::backtrace(frames, 64), STDERR_FILENO);
  std::abort();
}

[[gnu::constructor]] void open_page() {
  void* frames[1];
  ::backtrace(frames, 1);  // what it loads, it loads now
  std::set_terminate(tell_where);
  const char* kinds = std::getenv("SEKISHO_MEMORY_KINDS");
  c_too = kinds != nullptr && std::strcmp(kinds, "all") == 0;
  const char* path = std::getenv("SEKISHO_MEMORY_PAGE");
  const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) return;
  void* mapped = ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (mapped != MAP_FAILED) page = static_cast<Page*>(mapped);
}

// splitmix64, of the number of the allocation.
bool fails() {
  Page* const said = page.load(std::memory_order_relaxed);
  if (said == nullptr) return false;
  const std::uint64_t one_in = said->one_in.load(std::memory_order_relaxed);
  if (one_in == 0) return false;
  std::uint64_t x = said->seed + 0x9E3779B97F4A7C15ULL * ++said->allocations;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  if ((x ^ (x >> 31)) % one_in != 0) return false;
  ++said->failed;
  return true;
}

template <class Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

// dlsym() allocates before it can say who does: from here, and never given back.
alignas(16) char first_octets[16 * 1024];
std::atomic<std::size_t> first_used{0};
thread_local bool looking_up = false;

void* first_allocation(std::size_t octets) {
  const auto at = first_used.fetch_add((octets + 15) & ~std::size_t{15});
  return at + octets <= sizeof first_octets ? first_octets + at : nullptr;
}

bool is_first(const void* octets) {
  return octets >= first_octets && octets < first_octets + sizeof first_octets;
}

using Malloc = void* (*)(std::size_t);
using Calloc = void* (*)(std::size_t, std::size_t);
using Realloc = void* (*)(void*, std::size_t);
using Free = void (*)(void*);

void* real_malloc(std::size_t octets) {
  static std::atomic<Malloc> real{nullptr};
  if (real == nullptr) {
    if (looking_up) return first_allocation(octets);
    looking_up = true;
    real = next<Malloc>("malloc");
    looking_up = false;
  }
  return real.load()(octets);
}

void* allocate(std::size_t octets) {
  if (fails()) return nullptr;
  return real_malloc(octets == 0 ? 1 : octets);
}

}  // namespace

extern "C" {

void* malloc(std::size_t octets) { return c_too && fails() ? nullptr : real_malloc(octets); }

void* calloc(std::size_t count, std::size_t octets) {
  static std::atomic<Calloc> real{nullptr};
  if (real == nullptr) {
    if (looking_up) return first_allocation(count * octets);
    looking_up = true;
    real = next<Calloc>("calloc");
    looking_up = false;
  }
  return c_too && fails() ? nullptr : real.load()(count, octets);
}

void* realloc(void* before, std::size_t octets) {
  static std::atomic<Realloc> real{nullptr};
  if (real == nullptr) real = next<Realloc>("realloc");
  if (is_first(before)) {
    void* other = real_malloc(octets);
    if (other != nullptr) std::memcpy(other, before, octets);
    return other;
  }
  return c_too && fails() ? nullptr : real.load()(before, octets);
}

void free(void* octets) {
  static std::atomic<Free> real{nullptr};
  if (is_first(octets)) return;
  if (real == nullptr) {
    if (looking_up) return;
    looking_up = true;
    real = next<Free>("free");
    looking_up = false;
  }
  real.load()(octets);
}

}  // extern "C"

// [new.delete.single]: the handler is asked each time.
void* operator new(std::size_t octets) {
  for (;;) {
    if (void* got = allocate(octets)) return got;
    const auto handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}
void* operator new[](std::size_t octets) { return operator new(octets); }
void* operator new(std::size_t octets, const std::nothrow_t&) noexcept { return allocate(octets); }
void* operator new[](std::size_t octets, const std::nothrow_t&) noexcept {
  return allocate(octets);
}
void operator delete(void* octets) noexcept { free(octets); }
void operator delete[](void* octets) noexcept { free(octets); }
void operator delete(void* octets, std::size_t) noexcept { free(octets); }
void operator delete[](void* octets, std::size_t) noexcept { free(octets); }
