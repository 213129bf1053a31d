// base/terminal_text.h: makes foreign text safe for a terminal: nothing in it controls the
// terminal, nothing is invisible, and its width is known. Characters are East Asian wide (two
// columns), combining (none) or plain (one).
// Errors: nothing. Thread: any.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho {

// The charset of the terminal. If it is not UTF-8, everything but ASCII is escaped: there, octets
// of UTF-8 may be control characters (0x9b begins an escape sequence on an 8-bit terminal).
enum class Charset { utf8, ascii };

// The columns of a character, for our own text or the output of printable().
unsigned columns_of(char32_t code_point);
std::size_t columns_of(std::string_view text);

// As escape_for_log(), but quotes stay; characters without a width (zero-width blanks, fillers,
// tags) and the fifth and later combining mark on one character are escaped too. At most `columns`
// wide, with "…" when cut.
std::string printable(std::string_view text, std::size_t columns, Charset charset = Charset::utf8);

// printable(), filled with blanks to exactly `columns`.
std::string cell(std::string_view text, std::size_t columns, Charset charset = Charset::utf8);
void append_cell(std::string& out, std::string_view text, std::size_t columns, Charset charset);
// The same for an uncut table: a wider text stays whole.
void append_uncut_cell(std::string& out, std::string_view text, std::size_t columns,
                       Charset charset);

// Text of several lines: line ends and tabs stay, lines are not cut.
std::string printable_lines(std::string_view text, Charset charset = Charset::utf8);

// Breaks lines wider than `columns` at blanks; the next line begins with `indent` blanks. A word
// that is wider itself is not broken. For the output of the functions above.
std::string folded(std::string_view text, std::size_t columns, std::size_t indent);

}  // namespace sekisho
