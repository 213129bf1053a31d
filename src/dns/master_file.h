// dns/master_file.h: reads the text of a zone: its records one by one, and directives of our own
// that make answers fail. RFC 1035 §5.1, RFC 2308 §4 ($TTL); TTLs may be written 1h30m, as BIND has
// it. $INCLUDE is not read: a zone is one file.
//
//   $ORIGIN example.com.
//   @      300 IN TXT ("v=spf1 " "-all")
//   *.sub      MX 10 mail
//   ;!servfail broken TXT      this question fails with "servfail"
//   ;!timeout  dead            every question for that name fails with "timeout"
//
// Data may be written as RFC 3597 §5 has it for unknown types, `TYPE16 \# 4 03616263`, and are read
// when we know the type.
//
// Errors: ParseError whose `what` begins "NAME:LINE: " and says what was expected.
// Thread: one owner.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "dns/record_data.h"

namespace sekisho::dns {

struct MasterRecord {
  std::optional<Name> owner;  // nullopt: a name that nobody can ask for
  bool of_root = false;
  std::uint32_t ttl;
  Type type;  // of the data; without meaning for OtherData and SoaData
  RecordData data;
};

// ";!servfail NAME [TYPE]", ";!timeout NAME [TYPE]".
struct Failure {
  Name owner;
  std::optional<Type> type;  // every type without
  std::string error;
};

using MasterEntry = std::variant<MasterRecord, Failure>;

class MasterFile {
 public:
  // `file_name` is for the errors.
  MasterFile(std::string_view text, std::string_view file_name)
      : rest_(text), file_name_(file_name) {}

  // The next entry; nothing at the end.
  Expected<std::optional<MasterEntry>> next();
  // "NAME:LINE" of the entry that next() returned last.
  std::string place() const { return file_name_ + ":" + std::to_string(line_); }

 private:
  struct Token {
    std::string_view text;  // escapes still in it
    bool quoted;
  };
  struct Line {
    bool continues_owner = false;  // begins with a blank
    std::vector<Token> tokens;
    std::string_view directive;  // what stands after ";!"
  };

  Expected<bool> read_line(Line& line);
  Expected<void> read_token(Line& line, int& depth);
  Expected<std::optional<MasterEntry>> read_entry(const Line& line);
  Expected<std::optional<MasterEntry>> read_control(const Line& line);
  Expected<Failure> read_directive(std::string_view text) const;
  Expected<std::optional<MasterEntry>> read_record(const Line& line);
  Expected<RecordData> read_data(std::string_view type, std::optional<Type> known,
                                 const std::vector<Token>& rest);
  Expected<RecordData> read_known(Type type, const std::vector<Token>& rest) const;
  Expected<RecordData> read_generic(std::optional<Type> type, const std::vector<Token>& rest) const;
  Expected<RecordData> read_address(Type type, const std::vector<Token>& rest) const;
  Expected<RecordData> read_target(Type type, const std::vector<Token>& rest) const;
  Expected<RecordData> read_texts(const std::vector<Token>& rest) const;
  Expected<RecordData> read_soa(const std::vector<Token>& rest);

  Expected<std::vector<std::string>> read_labels(std::string_view token) const;
  Expected<std::string> unescape(std::string_view token) const;
  tl::unexpected<ParseError> error(std::string_view expected, std::string_view found) const;

  std::string_view rest_;
  std::string file_name_;
  std::size_t line_ = 0;  // of the entry being read
  std::size_t next_line_ = 1;
  std::vector<std::string> origin_;
  std::optional<std::vector<std::string>> owner_;
  std::optional<std::uint32_t> default_ttl_;  // $TTL
  std::optional<std::uint32_t> last_ttl_;
};

}  // namespace sekisho::dns
