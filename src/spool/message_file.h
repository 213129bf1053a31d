// spool/message_file.h: one stored message as a file: the octets of the message, then its record
// (all that its rows of the index need: spool/parts.h), then one line of fixed length:
//   "sekisho-spool 1 00000000000051e2 00000a31 7f3c09d2\n"
// which are version, octets of the message, octets of the record, and the CRC-32 of both.
// So a file is self-contained, recognisably complete or not, and can be read with any pager.
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
#include "spool/draft_memory.h"
#include "spool/failure.h"
#include "spool/folder.h"
#include "spool/parts.h"

namespace sekisho::spool {

// The last line of a message file.
struct Trailer {
  static constexpr std::size_t octets = 51;
  std::uint64_t message_octets = 0;
  std::uint32_t record_octets = 0;
  std::uint32_t checksum = 0;
  unsigned version = 1;  // how to read the record: FileRecord::version

  std::string text() const;
  // nullopt unless it is exactly the output of text().
  static std::optional<Trailer> parse(std::string_view text);
  bool operator==(const Trailer&) const = default;
};

// A message while it arrives: in memory up to 256 KB, then in a temporary file. Removed by the
// destructor unless it was put into a store. A failed write is remembered, and fails the put.
class Draft {
 public:
  // Most mail is smaller.
  static constexpr std::size_t memory_octets = 256 * 1024;
  // The limit when DraftMemory is full: smaller writes would cost more than they save.
  static constexpr std::size_t least_octets = 16 * 1024;

  explicit Draft(std::shared_ptr<const Folder> folder, std::shared_ptr<DraftMemory> all = nullptr)
      : folder_(std::move(folder)), share_(std::move(all)) {}
  Draft(Draft&& other) noexcept : share_(nullptr) { *this = std::move(other); }
  Draft& operator=(Draft&&) noexcept;
  ~Draft() { drop(); }

  void append(std::string_view octets);
  std::uint64_t size() const { return size_; }
  // Why a write has failed; nullopt if none has.
  const std::optional<Failure>& failure() const { return failure_; }

  // Writes the rest, the record and the trailer, and fsyncs the file. Call once.
  Outcome<void> finish(std::string_view record, unsigned version = 1);
  // Call after finish(): renames the file to the message `key`.
  Outcome<void> publish(const std::string& key);

 private:
  void flush();
  void drop() noexcept;

  std::shared_ptr<const Folder> folder_;
  DraftMemory::Share share_;
  std::string memory_;
  UniqueFd fd_;
  std::string temporary_;  // empty: no file yet, or it is published
  std::uint64_t size_ = 0;
  Crc32 checksum_;
  std::optional<Failure> failure_;
};

// A stored message, for reading.
class MessageFile {
 public:
  // Reads the trailer and the record; the message is read on demand. `damaged` if the file is not
  // complete.
  static Outcome<MessageFile> open(const Folder& folder, const std::string& key);

  std::uint64_t size() const { return trailer_.message_octets; }
  // The size of the whole file.
  std::uint64_t octets() const { return size() + record_.octets.size() + Trailer::octets; }
  const FileRecord& record() const { return record_; }
  // At most `count` octets of the message from `offset`; fewer at its end.
  Outcome<std::string> read(std::uint64_t offset, std::size_t count) const;
  // The whole message, its checksum compared.
  Outcome<std::string> read_all() const;
  // Compares the checksum in pieces, without keeping the message in memory.
  Outcome<void> verify() const;

  // Takes the kernel's lock on the file; false if another process has it. Held until unlock(), or
  // until this object or the process ends in any way. The lock does not prevent reading.
  Outcome<bool> lock();
  void unlock() const;

 private:
  MessageFile(UniqueFd fd, Trailer trailer, FileRecord record)
      : fd_(std::move(fd)), trailer_(trailer), record_(std::move(record)) {}
  Outcome<void> compare(const Crc32& of_message) const;

  UniqueFd fd_;
  Trailer trailer_;
  FileRecord record_;
};

}  // namespace sekisho::spool
