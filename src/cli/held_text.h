// cli/held_text.h: held messages for people and for programs. Text of a sender is made safe for a
// terminal: nothing is executed, rendered or fetched. Pure.
// Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "cli/terminal.h"
#include "quarantine/held.h"

namespace sekisho::cli {

// "2026-11-21 09:30", in UTC as in the log.
std::string short_time(WallTime time);
// "1.2 MB".
std::string short_size(std::uint64_t octets);

// One line a message, never wider than `columns`; with uncut_columns every text is whole, and all
// recipients are named. With `states`, the state of each.
class HeldTable {
 public:
  HeldTable(std::size_t columns, Charset charset, bool states);
  // Each appends a line.
  void add_title(std::string& out) const;
  void add(std::string& out, const quarantine::HeldRow& held) const;

 private:
  void add_cell(std::string& out, std::string_view text, std::size_t columns) const;

  Charset charset_;
  bool states_;
  bool rules_ = false;
  bool uncut_ = false;
  std::size_t from_ = 0;
  std::size_t to_ = 0;
  std::size_t subject_ = 0;  // 0: no room for it
};
std::string held_table(const std::vector<quarantine::HeldRow>& rows, std::size_t columns,
                       Charset charset, bool states);

nlohmann::json held_json(const quarantine::HeldRow& held);
// held_json(held) in ASCII on one line, many times faster.
void append_held_json(std::string& out, const quarantine::HeldRow& held);

// The facts about one message, and why it is held.
std::string held_page(const quarantine::HeldMessage& message, Charset charset);
// The recorded decision.
std::string why_text(const quarantine::HeldMessage& message, Charset charset);

// The fields of the header, one a line, folds kept.
std::string header_text(std::string_view message, Charset charset);
// The text parts decoded; of all others, name, type and size.
std::string message_text(std::string_view message, Charset charset);
// The message with every octet escaped that could control a terminal.
std::string raw_text(std::string_view message, Charset charset);

// For safe inspection: every line begins with "| ", so that no mail program, browser or shell
// interprets it; control characters are escaped and "://" is written "[:]//".
std::string defanged(const quarantine::HeldRow& held, std::string_view message);

}  // namespace sekisho::cli
