#include "cli/sendmail_options.h"

#include <algorithm>

#include "base/ascii.h"

namespace sekisho::cli {

namespace {

using Mode = SendmailOptions::Mode;
using Done = Expected<void, std::string>;

tl::unexpected<std::string> error(std::string what) {
  return tl::unexpected<std::string>(std::move(what));
}

// With a value: the rest of the word, or the next word.
constexpr std::string_view with_value = "ABCDFLMNOPRVXbefhoprS";
// With a value in the same word, or without one.
constexpr std::string_view with_rest = "dq";
constexpr std::string_view without_value = "EGIUcimnstvxT";

std::string_view base_name(std::string_view program) {
  return program.substr(program.rfind('/') + 1);
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), ascii::to_upper);
  return text;
}

// "<a@b>" is what some programs pass.
std::string without_brackets(const std::string& address) {
  if (address.size() < 2 || address.front() != '<' || address.back() != '>') return address;
  return address.substr(1, address.size() - 2);
}

Done set_mode(SendmailOptions& options, const std::string& value) {
  if (value.empty() || value == "m") {
    options.mode = Mode::deliver;
  } else if (value == "s") {
    options.mode = Mode::smtp;
  } else if (value == "p") {
    options.mode = Mode::list_queue;
  } else if (value == "i") {
    options.mode = Mode::aliases;
  } else {
    return error("-b" + value + " is not available: sekishod is the daemon (sekishod(8))");
  }
  return {};
}

// RFC 3461 §4.1.
Done set_notify(SendmailOptions& options, const std::string& value) {
  const std::string words = upper(value);
  std::size_t begin = 0;
  bool never = false;
  while (begin <= words.size()) {
    const auto end = std::min(words.find(',', begin), words.size());
    const auto word = words.substr(begin, end - begin);
    never = never || word == "NEVER";
    if (word != "NEVER" && word != "SUCCESS" && word != "FAILURE" && word != "DELAY")
      return error("-N takes never, or a list of success, failure and delay");
    begin = end + 1;
  }
  if (never && words != "NEVER") return error("-N never stands alone");
  options.notify = words;
  return {};
}

Done set_ret(SendmailOptions& options, const std::string& value) {
  const std::string word = upper(value);
  if (word != "FULL" && word != "HDRS") return error("-R takes full or hdrs");
  options.ret = word;
  return {};
}

Done set_envelope_id(SendmailOptions& options, const std::string& value) {
  // RFC 3461 §4.4: printable ASCII, and 100 octets as xtext.
  const bool printable =
      std::all_of(value.begin(), value.end(), [](unsigned char c) { return c > ' ' && c < 0x7f; });
  if (value.empty() || value.size() > 100 || !printable)
    return error("-V takes up to 100 printable characters without blanks");
  options.envelope_id = value;
  return {};
}

Done set_body(SendmailOptions& options, const std::string& value) {
  const std::string word = upper(value);
  if (word == "7BIT" || word == "8BITMIME") options.body = word;
  return {};  // others of the old days, as "-Bbinary", change nothing
}

// "-oi", and "-oIgnoreDots" in its long form; delivery and error modes change nothing.
void set_old_option(SendmailOptions& options, const std::string& value) {
  if (value == "i" || value == "i1" || ascii::lower(value) == "ignoredots") options.dots = false;
}

Done set_with_value(SendmailOptions& options, char option, const std::string& value) {
  switch (option) {
    case 'b':
      return set_mode(options, value);
    case 'N':
      return set_notify(options, value);
    case 'R':
      return set_ret(options, value);
    case 'V':
      return set_envelope_id(options, value);
    case 'B':
      return set_body(options, value);
    case 'F':
      options.full_name = value;
      return {};
    case 'f':
    case 'r':
      options.sender = without_brackets(value);
      return {};
    case 'o':
    case 'O':
      set_old_option(options, value);
      return {};
    default:
      return {};
  }
}

void set_alone(SendmailOptions& options, char option) {
  if (option == 't') options.from_header = true;
  if (option == 'i') options.dots = false;
  if (option == 'v') options.verbose = true;
  if (option == 'I') options.mode = Mode::aliases;
}

class Words {
 public:
  Words(const std::vector<std::string>& words, SendmailOptions& options)
      : words_(words), options_(options) {}

  Done read() {
    for (; next_ < words_.size(); ++next_) {
      const std::string& word = words_[next_];
      if (word == "--") {
        ++next_;
        break;
      }
      if (word.size() < 2 || word.front() != '-') {
        options_.recipients.push_back(without_brackets(word));
      } else if (auto done = read_options(word); !done) {
        return done;
      }
    }
    for (; next_ < words_.size(); ++next_)
      options_.recipients.push_back(without_brackets(words_[next_]));
    return {};
  }

 private:
  // One word: "-oi", "-tiv", "-fa@b".
  Done read_options(const std::string& word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      const char option = word[i];
      if (with_value.find(option) != std::string_view::npos) {
        return read_value(option, word.substr(i + 1));
      }
      if (with_rest.find(option) != std::string_view::npos) {
        if (option == 'q') options_.mode = Mode::flush_queue;
        return {};
      }
      if (without_value.find(option) == std::string_view::npos)
        return error(std::string("unknown option -") + option);
      set_alone(options_, option);
    }
    return {};
  }

  Done read_value(char option, std::string value) {
    if (value.empty()) {
      if (next_ + 1 >= words_.size()) return error(std::string("-") + option + " needs a value");
      value = words_[++next_];
    }
    return set_with_value(options_, option, value);
  }

  const std::vector<std::string>& words_;
  SendmailOptions& options_;
  std::size_t next_ = 1;
};

}  // namespace

bool is_sendmail_name(std::string_view program) {
  const auto name = base_name(program);
  // "sendmail.sekisho" is what a package installs, for the alternatives of the system.
  for (const std::string_view ours : {"sendmail", "mailq", "newaliases"}) {
    if (name == ours || name == std::string(ours) + ".sekisho") return true;
  }
  return false;
}

Expected<SendmailOptions, std::string> read_sendmail_options(
    const std::vector<std::string>& words) {
  SendmailOptions options;
  const auto name = base_name(words.empty() ? std::string_view() : words.front());
  if (name.starts_with("mailq")) options.mode = Mode::list_queue;
  if (name.starts_with("newaliases")) options.mode = Mode::aliases;
  if (auto read = Words(words, options).read(); !read) return tl::unexpected(read.error());
  return options;
}

}  // namespace sekisho::cli
