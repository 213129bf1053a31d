// Any octets that a stranger wrote, as the log, a terminal and the metrics show them: nothing in
// them steers a terminal, ends a line or turns its direction, and a word of the log stays one word.
#include <string>

#include "base/encoding.h"
#include "base/log.h"
#include "base/terminal_text.h"
#include "base/utf8.h"
#include "fuzz/require.h"
#include "metrics/family.h"

namespace {

using namespace sekisho;
using fuzz::require;

// One line of text that a terminal shows and does not obey.
void check_line(std::string_view text) {
  while (!text.empty()) {
    const auto character = first_utf8_character(text);
    require(character.has_value());
    const char32_t c = character->code_point;
    require(c >= 0x20 && c != 0x7f && (c < 0x80 || c > 0x9f) && c != 0x2028 && c != 0x2029);
    require(!is_bidi_control(c));
    text.remove_prefix(character->octets);
  }
}

void check_ascii(std::string_view text) {
  for (const char c : text) require(c >= ' ' && c <= '~');
}

void check_terminal(const std::string& text) {
  check_line(escape_for_log(text));
  check_line(escape_for_terminal(text));
  for (const std::size_t columns : {1U, 10U, 80U}) {
    const std::string shown = printable(text, columns);
    check_line(shown);
    require(columns_of(shown) <= columns);
    check_ascii(printable(text, columns, Charset::ascii));
    require(columns_of(cell(text, columns, Charset::ascii)) == columns);
  }
  const std::string lines = printable_lines(text);
  for (const std::string_view line : fuzz::split(lines, '\n')) {
    for (const std::string_view part : fuzz::split(line, '\t')) check_line(part);
  }
  // Folding moves words, and loses none.
  const std::string folded_lines = folded(lines, 20, 2);
  const auto letters = [](std::string_view all) {
    std::string out;
    for (const char c : all) {
      if (c != ' ' && c != '\n') out += c;
    }
    return out;
  };
  require(letters(folded_lines) == letters(lines));
}

void check_log(const std::string& text) {
  LogLine line("4bXY:");
  line.field("field", text).word("word", text).field("last", 1);
  check_line(line.text());
  const std::string& whole = line.text();
  const std::size_t word = whole.rfind(" word=");
  require(word != std::string::npos && whole.ends_with(" last=1"));
  require(whole.find(' ', word + 1) == whole.size() - std::string(" last=1").size());
}

// One family, one sample: as many lines as that takes, whatever the label holds.
void check_metrics(const std::string& text) {
  metrics::Family family(metrics::Family::Kind::gauge, "sekisho_x", text);
  family.add({{"label", text}}, 1);
  const std::string rendered = metrics::render({family});
  require(is_utf8(rendered));
  require(fuzz::split(rendered, '\n').size() == 4);
  require(rendered.ends_with("\"} 1\n"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(fuzz::text_of(data, size));
  check_terminal(text);
  check_log(text);
  check_metrics(text);
  return 0;
}
