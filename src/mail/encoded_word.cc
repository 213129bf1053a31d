#include "mail/encoded_word.h"

#include <algorithm>
#include <optional>

#include "base/ascii.h"
#include "base/utf8.h"
#include "mail/charset.h"
#include "mail/transfer_encoding.h"

namespace sekisho::mail {

namespace {

struct Word {
  std::string_view charset;
  bool base64 = false;
  std::string_view text;
  std::size_t octets = 0;  // of the whole word
};

// "_" is a blank (§4.2).
std::string decode_q(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int high = text[i] == '=' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += text[i] == '_' ? ' ' : text[i];
    }
  }
  return out;
}

// "=?" charset ["*" language] "?" ("B" / "Q") "?": a word without its text yet.
std::optional<Word> parse_word_head(std::string_view text) {
  if (!text.starts_with("=?")) return std::nullopt;
  const std::size_t first = text.find('?', 2);
  if (first == std::string_view::npos || first == 2 || first > 2 + 60) return std::nullopt;
  if (text.size() < first + 3 || text[first + 2] != '?') return std::nullopt;
  const char encoding = ascii::to_lower(text[first + 1]);
  if (encoding != 'b' && encoding != 'q') return std::nullopt;
  Word word;
  word.charset = text.substr(2, first - 2);
  word.charset = word.charset.substr(0, word.charset.find('*'));  // RFC 2231 §5
  word.base64 = encoding == 'b';
  word.octets = first + 3;
  return word;
}

// encoded-word = head encoded-text "?="
std::optional<Word> parse_word(std::string_view text) {
  auto word = parse_word_head(text);
  if (!word) return std::nullopt;
  const std::size_t begin = word->octets;
  const std::size_t end = text.find('?', begin);
  if (end == std::string_view::npos || end + 1 >= text.size() || text[end + 1] != '=')
    return std::nullopt;
  word->text = text.substr(begin, end - begin);
  word->octets = end + 2;
  return word;
}

// Characters that no encoded word in a name may have (RFC 2047 §5): a strict reader ends the word
// there, and reads the rest as something else.
bool holds_specials(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return ascii::is_blank(c) || ascii::is_control(c) ||
           std::string_view("\"()<>@,;:\\").find(c) != std::string_view::npos;
  });
}

// Each may reach to the end of the text, so the number that is read is bounded. No honest field has
// two.
constexpr std::size_t max_broken_words = 32;

// As a lenient decoder reads it: to the next "?=", or to the end.
std::optional<Word> parse_broken_word(std::string_view text) {
  auto word = parse_word_head(text);
  if (const auto whole = parse_word(text); !word || (whole && !holds_specials(whole->text))) {
    return std::nullopt;
  }
  word->text = text.substr(word->octets);
  word->text = word->text.substr(0, word->text.find("?="));
  return word;
}

std::string octets_of(const Word& word) {
  return word.base64 ? decode_base64(word.text) : decode_q(word.text);
}

void append_without_controls(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto character = first_utf8_character(text);
    const std::size_t octets = character ? character->octets : 1;
    const char32_t code_point = character ? character->code_point : 0;
    const bool control = code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f);
    if (control) {
      out += "\xef\xbf\xbd";
    } else {
      out += text.substr(0, octets);
    }
    text.remove_prefix(octets);
  }
}

// Words of one charset that stand one after the other, between them blanks alone.
struct Run {
  std::string_view charset;
  std::string octets;
  std::string_view source;

  void add(const Word& word, std::size_t begin, std::string_view whole) {
    charset = word.charset;
    octets += octets_of(word);
    const std::size_t from =
        source.empty() ? begin : static_cast<std::size_t>(source.data() - whole.data());
    source = whole.substr(from, begin + word.octets - from);
  }
  void finish(std::string& out) {
    if (source.empty()) return;
    if (const auto text = to_utf8(octets, charset)) {
      append_without_controls(out, *text);
    } else {
      out += source;
    }
    *this = {};
  }
};

}  // namespace

std::string decode_encoded_words(std::string_view whole, std::size_t limit) {
  const std::string_view text = whole.substr(0, limit);
  std::string out;
  Run run;
  std::size_t at = 0;
  // Blanks after a run: dropped when another word follows (§6.2).
  std::size_t blanks = 0;
  const auto close = [&] {
    run.finish(out);
    out += text.substr(blanks, at - blanks);
  };
  while (at < text.size()) {
    if (ascii::is_blank(text[at])) {
      ++at;
      continue;
    }
    const auto word = parse_word(text.substr(at));
    if (word) {
      if (run.source.empty()) {
        out += text.substr(blanks, at - blanks);
      } else if (!ascii::iequals(run.charset, word->charset)) {
        run.finish(out);
      }
      run.add(*word, at, text);
      at += word->octets;
    } else {
      close();
      // To the next place where a word may begin: after a blank, or at a "=?" that some write
      // without one.
      std::size_t end = at + 1;
      while (end < text.size() && !ascii::is_blank(text[end]) && text.compare(end, 2, "=?") != 0) {
        ++end;
      }
      out += text.substr(at, end - at);
      at = end;
    }
    blanks = at;
  }
  close();
  out += whole.substr(text.size());
  return out;
}

namespace {

// Some decoders skip an = before the end of base64, others begin anew behind it. This returns what
// either of them sees.
std::string octets_for_everybody(const Word& word) {
  std::string out = octets_of(word);
  const auto padding = word.text.find('=');
  const auto rest =
      padding == std::string_view::npos ? padding : word.text.find_first_not_of("= ", padding);
  if (!word.base64 || rest == std::string_view::npos) return out;
  std::string without(word.text);
  std::erase(without, '=');
  out += ' ' + decode_base64(without);
  // Only a few are tried: behind more of them, every decoder sees junk.
  std::size_t at = padding;
  for (int parts = 0; parts < 8 && at < word.text.size(); ++parts) {
    out += ' ' + decode_base64(word.text.substr(at + 1));
    at = word.text.find('=', at + 1);
  }
  return out;
}

}  // namespace

std::string encoded_octets(std::string_view text) {
  std::string out;
  bool after_word = false;
  for (std::size_t at = 0; at < text.size();) {
    if (const auto word = parse_word(text.substr(at))) {
      // Blanks between two words are not shown (§6.2).
      if (after_word) out.resize(out.find_last_not_of(" \t\r\n") + 1);
      out += octets_for_everybody(*word);
      at += word->octets;
      after_word = true;
    } else {
      after_word = after_word && ascii::is_blank(text[at]);
      out += text[at++];
    }
  }
  return out;
}

bool holds_encoded_word(std::string_view text) {
  for (auto at = text.find("=?"); at != std::string_view::npos; at = text.find("=?", at + 1)) {
    if (parse_word(text.substr(at))) return true;
  }
  return false;
}

bool holds_address_in_broken_word(std::string_view text) {
  const auto signs = [](std::string_view part) {
    return std::count_if(part.begin(), part.end(),
                         [](char c) { return c == '@' || c == '<' || c == '>'; });
  };
  std::size_t broken = 0;
  for (auto at = text.find("=?"); at != std::string_view::npos; at = text.find("=?", at + 1)) {
    const auto word = parse_broken_word(text.substr(at));
    if (!word) continue;
    if (++broken > max_broken_words) return true;
    const auto shown = signs(octets_of(*word));
    if (word->base64 ? shown > 0 : shown > signs(word->text)) return true;
  }
  return false;
}

}  // namespace sekisho::mail
