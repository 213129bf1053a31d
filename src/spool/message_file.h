// spool/message_file.h: one stored message as a file: the octets of the message, then the record of
// its owner (all that its row of the index needs), then one line of fixed length:
//   "sekisho-spool 1 00000000000051e2 00000a31 7f3c09d2\n"
// which are version, octets of the message, octets of the record, and the CRC-32 of both.
// So a file tells all about itself, is complete or recognisably not, and can be read with any
// pager.
// Errors: Failure. Thread: one owner at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/unique_handle.h"
#include "spool/checksum.h"
#include "spool/failure.h"
#include "spool/folder.h"

namespace sekisho::spool {

// The last line of a message file.
struct Trailer {
  static constexpr std::size_t octets = 51;
  std::uint64_t message_octets = 0;
  std::uint32_t record_octets = 0;
  std::uint32_t checksum = 0;

  std::string text() const;
  // Nothing unless it is exactly what text() writes.
  static std::optional<Trailer> parse(std::string_view text);
  bool operator==(const Trailer&) const = default;
};

// A message while it arrives: in memory up to 256 KB, then in a temporary file. Dropped without a
// trace unless it is put into a store. A write that fails is remembered, and fails the put.
class Draft {
 public:
  // Most mail is smaller; 1,000 sessions at once stay within 256 MB.
  static constexpr std::size_t memory_octets = 256 * 1024;

  explicit Draft(std::shared_ptr<const Folder> folder) : folder_(std::move(folder)) {}
  Draft(Draft&& other) noexcept { *this = std::move(other); }
  Draft& operator=(Draft&&) noexcept;
  ~Draft() { drop(); }

  void append(std::string_view octets);
  std::uint64_t size() const { return size_; }
  // Why a write has failed already.
  const std::optional<Failure>& failure() const { return failure_; }

  // Writes what is left, the record and the trailer, and fsyncs the file. To be called once.
  Outcome<void> finish(std::string_view record);
  // After finish(): the file becomes the message `key`.
  Outcome<void> publish(const std::string& key);

 private:
  void flush();
  void drop() noexcept;

  std::shared_ptr<const Folder> folder_;
  std::string memory_;
  UniqueFd fd_;
  std::string temporary_;  // empty: no file yet, or it is published
  std::uint64_t size_ = 0;
  Crc32 checksum_;
  std::optional<Failure> failure_;
};

// A stored message, read.
class MessageFile {
 public:
  // Reads the trailer and the record; the message is read when asked for. `damaged` when the file
  // is not complete.
  static Outcome<MessageFile> open(const Folder& folder, const std::string& key);

  std::uint64_t size() const { return trailer_.message_octets; }
  // Of the whole file.
  std::uint64_t octets() const { return size() + record_.size() + Trailer::octets; }
  const std::string& record() const { return record_; }
  // At most `count` octets of the message from `offset`; fewer at its end.
  Outcome<std::string> read(std::uint64_t offset, std::size_t count) const;
  // The whole message, its checksum compared.
  Outcome<std::string> read_all() const;
  // Compares the checksum in pieces, without keeping the message in memory.
  Outcome<void> verify() const;

  // Takes the kernel's lock on the file; false when another has it. Kept until unlock(), or until
  // this object or the process is gone, however it ends. It keeps nobody from reading, only from
  // taking it.
  Outcome<bool> lock();
  void unlock() const;

 private:
  MessageFile(UniqueFd fd, Trailer trailer, std::string record)
      : fd_(std::move(fd)), trailer_(trailer), record_(std::move(record)) {}
  Outcome<void> compare(const Crc32& of_message) const;

  UniqueFd fd_;
  Trailer trailer_;
  std::string record_;
};

}  // namespace sekisho::spool
