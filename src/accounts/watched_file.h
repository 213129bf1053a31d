// accounts/watched_file.h: the text of a file that an admin edits, read again at every look. A text
// that cannot be read leaves the one before, and says so.
// Errors: fault(), for the admin. Thread: one owner; look() waits for the disk.
#pragma once

#include <cstddef>
#include <string>

namespace sekisho::accounts {

class WatchedFile {
 public:
  enum class Secrecy { none, not_for_others };  // mode o-r

  // An empty path: no file, no fault.
  explicit WatchedFile(std::string path, Secrecy secrecy = Secrecy::none)
      : path_(std::move(path)), secrecy_(secrecy) {}

  // Whether text(), or whether it is current, has changed.
  bool look();
  const std::string& path() const { return path_; }
  const std::string& text() const { return text_; }
  // The last look has read it; else text() is older, or empty.
  bool current() const { return current_; }
  // It could be read at some time.
  bool ever_read() const { return ever_read_; }
  // "/etc/aliases: Permission denied"; empty: none.
  const std::string& fault() const { return fault_; }

 private:
  bool look_as(const std::string& fault);

  std::string path_;
  Secrecy secrecy_;
  std::string text_;
  std::string fault_;
  bool current_ = false;
  bool ever_read_ = false;
};

// "file:PATH" to PATH; empty for another text.
std::string path_of(const std::string& source);

}  // namespace sekisho::accounts
