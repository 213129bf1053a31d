#include "mail/smtp_reply.h"

#include <algorithm>
#include <stdexcept>

#include "base/ascii.h"
#include "mail/limits.h"

namespace sekisho::mail {

namespace {

// status-code = class "." subject "." detail, the last two of 1 to 3 digits (RFC 3463 §2).
bool is_enhanced_status(std::string_view status, int code) {
  if (status.size() < 5 || status[0] - '0' != code / 100 || status[1] != '.') return false;
  const auto dot = status.find('.', 2);
  if (dot == std::string_view::npos) return false;
  const auto is_number = [](std::string_view text) {
    return !text.empty() && text.size() <= 3 &&
           std::all_of(text.begin(), text.end(), ascii::is_digit);
  };
  return is_number(status.substr(2, dot - 2)) && is_number(status.substr(dot + 1));
}

bool is_printable(char c) { return c >= ' ' && c <= '~'; }

}  // namespace

SmtpReply::SmtpReply(int code, std::string_view status, std::string_view text)
    : code_(code), status_(status), text_(text) {
  if (code < 400 || code > 599) throw std::logic_error("an SMTP reply outside 400..599");
  if (!is_enhanced_status(status, code)) {
    throw std::logic_error("an enhanced status of another class");
  }
  std::replace_if(
      text_.begin(), text_.end(), [](char c) { return !is_printable(c); }, '?');
  constexpr std::size_t around_text = 3 + 1 + 1 + 2;  // code, two blanks, CRLF
  const std::size_t most = limits::reply_line_octets - around_text - status_.size();
  if (text_.size() > most) text_.resize(most);
}

std::string SmtpReply::line() const { return std::to_string(code_) + ' ' + status_ + ' ' + text_; }

}  // namespace sekisho::mail
