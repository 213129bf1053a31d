#include "queue/crash_marks.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace sekisho::queue {

namespace {

constexpr std::array<int, 5> crashes = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

// A signal handler has no object: this is the one that has the handlers, as a signal flag.
std::atomic<CrashMarks*> current{nullptr};
std::atomic<int> current_file{-1};
std::atomic<bool> no_memory{false};
std::array<struct sigaction, crashes.size()> before{};
std::terminate_handler terminate_before = nullptr;
// The message that this thread works on; empty: it has not said.
thread_local std::array<char, CrashMarks::id_octets> here{};

std::size_t length(const char* id) {
  std::size_t count = 0;
  while (count < CrashMarks::id_octets && id[count] != 0) ++count;
  return count;
}

void write_line(int file, const char* id) {
  std::array<char, CrashMarks::id_octets + 1> line{};
  const std::size_t count = std::min(length(id), CrashMarks::id_octets - 1);
  if (count == 0) return;
  for (std::size_t i = 0; i < count; ++i) line[i] = id[i];
  line[count] = '\n';
  // There is nobody to tell that it failed.
  [[maybe_unused]] const auto written = ::write(file, line.data(), count + 1);
}

// Want of memory ends the process by an exception that nobody catches.
[[noreturn]] void on_terminate() {
  if (const auto thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::bad_alloc&) {
      no_memory = true;
    } catch (...) {
      no_memory = false;
    }
  }
  if (terminate_before != nullptr) terminate_before();
  std::abort();
}

}  // namespace

struct CrashHandler {
  static void name_all(const CrashMarks& marks, int file) {
    for (const auto& slot : marks.ids_) {
      std::array<char, CrashMarks::id_octets> id{};
      for (std::size_t i = 0; i + 1 < id.size(); ++i) id[i] = slot[i];
      write_line(file, id.data());
    }
  }

  static void handle(int signal) {
    const int error = errno;
    const auto* marks = current.load();
    if (marks != nullptr && !no_memory) {
      const int file = current_file;
      if (here[0] != 0) {
        write_line(file, here.data());
      } else {
        name_all(*marks, file);
      }
      ::fsync(file);
    }
    for (std::size_t i = 0; i < crashes.size(); ++i) {
      if (crashes[i] == signal) ::sigaction(signal, &before[i], nullptr);
    }
    errno = error;
    // As if we had not been here: the old handler, or the end.
    ::raise(signal);
  }
};

Expected<std::unique_ptr<CrashMarks>, std::string> CrashMarks::open(const std::string& path) {
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640));
  if (!file) return tl::unexpected(path + ": " + std::strerror(errno));
  std::unique_ptr<CrashMarks> marks(new CrashMarks(std::move(file)));
  std::string text(1 << 20, '\0');
  const auto got = ::pread(marks->file_.get(), text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    ++marks->found_[text.substr(at, end - at)];
  current_file = marks->file_.get();
  current = marks.get();
  terminate_before = std::set_terminate(on_terminate);
  struct sigaction action {};
  action.sa_handler = CrashHandler::handle;
  action.sa_flags = SA_ONSTACK | SA_NODEFER;
  for (std::size_t i = 0; i < crashes.size(); ++i) ::sigaction(crashes[i], &action, &before[i]);
  return marks;
}

CrashMarks::~CrashMarks() {
  for (std::size_t i = 0; i < crashes.size(); ++i) ::sigaction(crashes[i], &before[i], nullptr);
  std::set_terminate(terminate_before);
  current = nullptr;
  current_file = -1;
}

void CrashMarks::keep(const std::map<std::string, unsigned>& marks) {
  std::string text;
  for (const auto& [id, count] : marks) {
    for (unsigned i = 0; i < count; ++i) text += id + "\n";
  }
  // A mark that is lost costs another crash.
  if (::ftruncate(file_.get(), 0) != 0) return;
  [[maybe_unused]] const auto written = ::write(file_.get(), text.data(), text.size());
  ::fsync(file_.get());
}

CrashMarks::UnderWay::UnderWay(CrashMarks* marks, const std::string& id) {
  if (marks == nullptr || id.empty()) return;
  for (auto& slot : marks->ids_) {
    char free = 0;
    if (!slot[0].compare_exchange_strong(free, id[0])) continue;
    const std::size_t count = std::min(id.size(), id_octets - 1);
    for (std::size_t i = 1; i < id_octets; ++i) slot[i] = i < count ? id[i] : '\0';
    slot_ = slot.data();
    return;
  }
}

CrashMarks::UnderWay::UnderWay(UnderWay&& other) noexcept
    : slot_(std::exchange(other.slot_, nullptr)) {}

CrashMarks::UnderWay& CrashMarks::UnderWay::operator=(UnderWay&& other) noexcept {
  if (this != &other) {
    end();
    slot_ = std::exchange(other.slot_, nullptr);
  }
  return *this;
}

void CrashMarks::UnderWay::end() {
  if (slot_ != nullptr) *slot_ = '\0';
  slot_ = nullptr;
}

CrashMarks::Here::Here(const std::string& id) : before_(here) {
  const std::size_t count = std::min(id.size(), id_octets - 1);
  std::copy_n(id.data(), count, here.data());
  here[count] = '\0';
}

CrashMarks::Here::~Here() { here = before_; }

}  // namespace sekisho::queue
