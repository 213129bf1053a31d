#include "accounts/dovecot_protocol.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/encoding.h"

namespace sekisho::accounts {

namespace {

using Code = LoginAnswer::Code;

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const auto tab = line.find('\t');
    fields.push_back(line.substr(0, tab));
    if (tab == std::string_view::npos) return fields;
    line.remove_prefix(tab + 1);
  }
}

// Dovecot writes a tab as \001t, and so on.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\001' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char code = text[++i];
    out += code == 't'   ? '\t'
           : code == 'n' ? '\n'
           : code == 'r' ? '\r'
           : code == '1' ? '\001'
                         : code;
  }
  return out;
}

std::optional<unsigned> parse_id(std::string_view text) {
  if (text.empty() || text.size() > 9 || !std::all_of(text.begin(), text.end(), ascii::is_digit))
    return std::nullopt;
  return static_cast<unsigned>(std::stoul(std::string(text)));
}

// The value of "name=value" among the fields behind the id; "" for "name" alone.
std::optional<std::string> find(const std::vector<std::string_view>& fields,
                                std::string_view name) {
  for (std::size_t i = 2; i < fields.size(); ++i) {
    if (!fields[i].starts_with(name)) continue;
    const auto rest = fields[i].substr(name.size());
    if (rest.empty()) return std::string();
    if (rest.front() == '=') return unescaped(rest.substr(1));
  }
  return std::nullopt;
}

LoginAnswer refusal(const std::vector<std::string_view>& fields) {
  const auto said = find(fields, "reason");
  const auto code = find(fields, "code");
  std::string reason = "Dovecot: " + escape_for_log(said && !said->empty() ? *said
                                                    : code                 ? *code
                                                                           : "refused");
  if (find(fields, "temp") || code == "temp_fail")
    return {Code::unavailable, {}, "a temporary failure of " + reason};
  return {Code::wrong, {}, std::move(reason)};
}

}  // namespace

std::string DovecotConversation::greeting(unsigned client) {
  return "VERSION\t1\t1\nCPID\t" + std::to_string(client) + "\n";
}

std::optional<std::string> DovecotConversation::request(unsigned id, const LoginAttempt& attempt) {
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (attempt.login.empty() || has_nul(attempt.login) || has_nul(attempt.password))
    return std::nullopt;
  std::string line = "AUTH\t" + std::to_string(id) + "\tPLAIN\tservice=smtp\tsecured";
  // Dovecot would hold back its answers to an address that guesses, and the answer would seem to be
  // missing: the front has limits of its own.
  line += "\tno-penalty";
  if (attempt.client) line += "\trip=" + attempt.client->text();
  const std::string plain = '\0' + attempt.login + '\0' + attempt.password;
  line += "\tresp=" + base64_encode(plain) + "\n";  // must come last
  if (line.size() > max_line) return std::nullopt;
  return line;
}

std::vector<DovecotConversation::Answer> DovecotConversation::take(std::string_view octets) {
  std::vector<Answer> answers;
  while (!octets.empty() && !broken_) {
    const auto end = octets.find('\n');
    input_ += octets.substr(0, end);
    octets.remove_prefix(end == std::string_view::npos ? octets.size() : end + 1);
    if (input_.size() > max_line) {
      broken_ = "a line that is too long";
    } else if (end != std::string_view::npos) {
      take_line(input_, answers);
      input_.clear();
    }
  }
  return answers;
}

void DovecotConversation::take_line(std::string_view line, std::vector<Answer>& answers) {
  const auto fields = fields_of(line);
  const auto verb = fields.front();
  if (verb == "VERSION") return take_version(fields);
  if (!version_seen_) {
    broken_ = "it does not begin with VERSION: is this the socket of Dovecot's auth service?";
    return;
  }
  if (verb == "MECH") plain_seen_ = plain_seen_ || (fields.size() > 1 && fields[1] == "PLAIN");
  if (verb == "DONE") finish_greeting();
  if (verb == "OK" || verb == "FAIL" || verb == "CONT") take_answer(fields, answers);
  // Others are for other clients, or of later versions.
}

void DovecotConversation::take_version(const std::vector<std::string_view>& fields) {
  version_seen_ = fields.size() >= 2 && fields[1] == "1";
  if (!version_seen_) broken_ = "it speaks another version of the protocol than 1";
}

void DovecotConversation::finish_greeting() {
  ready_ = plain_seen_;
  if (!plain_seen_) broken_ = "it does not offer PLAIN (auth_mechanisms of Dovecot)";
}

void DovecotConversation::take_answer(const std::vector<std::string_view>& fields,
                                      std::vector<Answer>& answers) {
  const auto id = fields.size() > 1 ? parse_id(fields[1]) : std::nullopt;
  if (!id) {
    broken_ = "an answer without an id";
    return;
  }
  if (fields.front() == "FAIL") {
    answers.emplace_back(*id, refusal(fields));
  } else if (fields.front() == "CONT") {
    answers.emplace_back(*id,
                         LoginAnswer{Code::unavailable, {}, "Dovecot asks for more than PLAIN"});
  } else if (const auto user = find(fields, "user"); user && !user->empty()) {
    answers.emplace_back(*id, LoginAnswer{Code::accepted, *user, {}});
  } else {
    answers.emplace_back(*id, LoginAnswer{Code::unavailable, {}, "Dovecot's answer names no user"});
  }
}

}  // namespace sekisho::accounts
