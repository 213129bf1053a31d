// base/terminal_text.h: foreign text for a person at a terminal: nothing in it steers the terminal,
// nothing is invisible, and its width is known. Characters are East Asian wide (two columns),
// combining (none) or plain (one).
// Errors: nothing. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho {

// What this terminal can show. Where its charset is not UTF-8, everything but ASCII is escaped:
// there, octets of UTF-8 may be control characters (0x9b begins an escape sequence on an 8-bit
// terminal).
enum class Charset { utf8, ascii };

// Columns that the character takes; text of ours or out of printable().
unsigned columns_of(char32_t code_point);
std::size_t columns_of(std::string_view text);

// As escape_for_log(), but quotes stay; characters without a width (zero-width blanks, fillers,
// tags) and the fifth and later combining mark on one character are escaped too. At most `columns`
// wide, with "…" when cut.
std::string printable(std::string_view text, std::size_t columns, Charset charset = Charset::utf8);

// printable(), filled with blanks to exactly `columns`.
std::string cell(std::string_view text, std::size_t columns, Charset charset = Charset::utf8);
void append_cell(std::string& out, std::string_view text, std::size_t columns, Charset charset);
// The same for a table that nobody cuts: a text that is wider stays whole.
void append_uncut_cell(std::string& out, std::string_view text, std::size_t columns,
                       Charset charset);

// Text of several lines: line ends and tabs stay, lines are not cut.
std::string printable_lines(std::string_view text, Charset charset = Charset::utf8);

// Lines that are wider than `columns` go on in the next one, which begins with `indent` blanks;
// they are parted at blanks, and a word that is wider itself is not. Text out of the functions
// above.
std::string folded(std::string_view text, std::size_t columns, std::size_t indent);

}  // namespace sekisho
