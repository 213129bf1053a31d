#include "queue/bounce.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "base/utf8.h"

namespace sekisho::queue {

namespace {

bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(),
                      [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

// The value of "NAME=value" among the parameters; empty if there is none.
std::string_view parameter(const std::vector<std::string>& all, std::string_view name) {
  for (const auto& each : all) {
    if (each.size() > name.size() && each[name.size()] == '=' && ascii::istarts_with(each, name))
      return std::string_view(each).substr(name.size() + 1);
  }
  return {};
}

// RFC 5322 §2.1.1 allows 998 octets in a line.
constexpr std::size_t line_octets = 900;

// The first character of `text`, and what stands for it in a line of ours: a blank for a control
// character, `?` for what is no UTF-8, or not ASCII where that is asked for.
std::string take_character(std::string_view& text, bool utf8) {
  const auto first = first_utf8_character(text);
  const std::string_view character = text.substr(0, first ? first->octets : 1);
  text.remove_prefix(character.size());
  if (!first || (character.size() > 1 && !utf8)) return "?";
  return ascii::is_control(character.front()) ? " " : std::string(character);
}

std::string one_line(std::string_view text, bool utf8 = true) {
  std::string out;
  while (!text.empty()) out += take_character(text, utf8);
  return out;
}

// A text of the other side for a field or a line, folded where its own lines end. No line of it is
// blank: some readers would take that for the end of the fields (RFC 5322 §4.2).
std::string folded(std::string_view text, bool utf8) {
  std::string out;
  std::size_t line = 0;
  bool fold = false;  // before the next character that is no blank
  while (!text.empty()) {
    const bool end = text.front() == '\n';
    const std::string character = take_character(text, utf8);
    const bool blank = character == " ";
    fold |= end || (blank && line >= line_octets);
    if ((fold || out.empty()) && blank) continue;
    if (fold && !out.empty()) {
      out += "\r\n ";
      line = 0;
    }
    fold = false;
    if (line >= line_octets + 60) continue;
    out += character;
    line += character.size();
  }
  return out;
}

std::string_view subject_of(Report report) {
  switch (report) {
    case Report::failed:
      return "Undelivered mail: returned to its sender";
    case Report::delayed:
      return "Delayed mail: still being tried";
    case Report::relayed:
      return "Delivery report: passed on";
    case Report::delivered:
      return "Delivery report: delivered";
  }
  return {};
}

std::string_view opening_of(Report report) {
  switch (report) {
    case Report::failed:
      return "Your message could not be delivered to the following recipients. It will not be\r\n"
             "tried again.\r\n";
    case Report::delayed:
      return "Your message has not been delivered yet to the following recipients. It is still\r\n"
             "being tried: you need not send it again.\r\n";
    case Report::relayed:
      return "Your message was passed on to a host that sends no reports for the following\r\n"
             "recipients. There will be no further report unless it fails.\r\n";
    case Report::delivered:
      return "Your message was delivered to the following recipients.\r\n";
  }
  return {};
}

std::string words_of_attempt(const Attempt& last) {
  std::string text;
  if (!last.host.empty()) text = last.host + " said: ";
  return text + (last.reply.empty() ? last.why : last.reply);
}

std::string for_people(const Bounce& bounce) {
  std::string text = "This is the mail system at host " + bounce.hostname + ".\r\n\r\n";
  text += opening_of(bounce.report);
  for (const auto& to : bounce.recipients) {
    text += "\r\n<" + one_line(to.address) + ">";
    if (!to.original.empty() && to.original != to.address)
      text += " (expanded from <" + one_line(to.original) + ">)";
    text += ":\r\n  " + folded(words_of_attempt(to.last), true) + "\r\n";
  }
  return text;
}

std::string status_of(Report report, const Recipient& to) {
  const auto& status = to.last.status;
  switch (report) {
    case Report::failed:
      // Given up after a temporary failure: "delivery time expired" (RFC 3463 §3.5).
      return status.starts_with('5') ? status : status.empty() ? "5.0.0" : "4.4.7";
    case Report::delayed:
      return status.starts_with('4') ? status : "4.0.0";
    case Report::relayed:
    case Report::delivered:
      return "2.0.0";
  }
  return {};
}

std::string typed(std::string_view address, bool utf8) {
  return (utf8 && !is_ascii(address) ? "utf-8; " : "rfc822; ") + one_line(address, utf8);
}

std::string original_recipient(const Recipient& to, bool utf8) {
  const auto orcpt = parameter(to.parameters, "ORCPT");
  const auto semicolon = orcpt.find(';');
  if (semicolon != std::string_view::npos) {
    return "Original-Recipient: " + one_line(orcpt.substr(0, semicolon), utf8) + "; " +
           one_line(decode_xtext(orcpt.substr(semicolon + 1)), utf8) + "\r\n";
  }
  if (to.original.empty() || to.original == to.address) return {};
  return "Original-Recipient: " + typed(to.original, utf8) + "\r\n";
}

// "mx.example" of "mx.example[192.0.2.1]:25".
std::string_view name_of_host(std::string_view host) {
  const auto end = host.find('[');
  return end == std::string_view::npos || end == 0 ? host : host.substr(0, end);
}

std::string of_recipient(const Bounce& bounce, const Letter& of, const Recipient& to, bool utf8) {
  std::string text = "\r\n" + original_recipient(to, utf8);
  text += "Final-Recipient: " + typed(to.address, utf8) + "\r\n";
  text.append("Action: ").append(to_string(bounce.report)).append("\r\n");
  text += "Status: " + status_of(bounce.report, to) + "\r\n";
  if (!to.last.host.empty())
    text += "Remote-MTA: dns; " + one_line(name_of_host(to.last.host), utf8) + "\r\n";
  const bool said = !to.last.reply.empty();
  const auto diagnostic = folded(said ? to.last.reply : to.last.why, utf8);
  if (!diagnostic.empty()) {
    text += said ? "Diagnostic-Code: smtp; " : "Diagnostic-Code: x-sekisho; ";
    text += diagnostic + "\r\n";
  }
  if (to.last.time != WallTime{}) text += "Last-Attempt-Date: " + to_rfc5322(to.last.time) + "\r\n";
  if (bounce.report == Report::delayed) {
    const auto until = std::max(bounce.now, of.arrived + bounce.give_up);
    text += "Will-Retry-Until: " + to_rfc5322(until) + "\r\n";
  }
  return text;
}

std::string for_programs(const Bounce& bounce, const Letter& of, bool utf8) {
  std::string text = "Reporting-MTA: dns; " + bounce.hostname + "\r\n";
  if (const auto envid = parameter(of.parameters, "ENVID"); !envid.empty())
    text += "Original-Envelope-Id: " + one_line(decode_xtext(envid), utf8) + "\r\n";
  text += "X-Sekisho-Id: " + of.id + "\r\n";
  text += "Arrival-Date: " + to_rfc5322(of.arrived) + "\r\n";
  for (const auto& to : bounce.recipients) text += of_recipient(bounce, of, to, utf8);
  return text;
}

std::string part(const std::string& boundary, std::string_view type, std::string_view description,
                 std::string_view text) {
  std::string out = "--" + boundary + "\r\nContent-Type: ";
  out.append(type).append("\r\nContent-Description: ").append(description).append("\r\n");
  if (!is_ascii(text)) out += "Content-Transfer-Encoding: 8bit\r\n";
  out.append("\r\n").append(text);
  return out + "\r\n";
}

bool needs_utf8(const Bounce& bounce) {
  return !is_ascii(bounce.to) ||
         std::any_of(bounce.recipients.begin(), bounce.recipients.end(), [](const auto& to) {
           return !is_ascii(to.address) || !is_ascii(to.original);
         });
}

}  // namespace

bool wants(Report report, const std::vector<std::string>& parameters) {
  const std::string notify = ascii::lower(parameter(parameters, "NOTIFY"));
  const auto names = [&](std::string_view word) {
    return ("," + notify + ",").find("," + std::string(word) + ",") != std::string::npos;
  };
  switch (report) {
    case Report::failed:
      return notify.empty() || names("failure");
    case Report::delayed:
      return notify.empty() || names("delay");
    case Report::relayed:
    case Report::delivered:
      return names("success");
  }
  return false;
}

bool wants_whole(const std::vector<std::string>& parameters) {
  return ascii::iequals(parameter(parameters, "RET"), "FULL");
}

std::string decode_xtext(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned value = 0;
    const char* begin = text.data() + i + 1;
    const bool coded = text[i] == '+' && i + 2 < text.size() &&
                       std::from_chars(begin, begin + 2, value, 16).ptr == begin + 2;
    out += coded ? static_cast<char>(value) : text[i];
    if (coded) i += 2;
  }
  return out;
}

std::string own_header(const OwnHeader& header) {
  std::string text = "Date: " + to_rfc5322(header.now) + "\r\n";
  text += "From: Mail Delivery System <MAILER-DAEMON@" + header.origin + ">\r\n";
  text += "To: <" + one_line(header.to) + ">\r\nSubject: " + header.subject + "\r\n";
  text += "Message-ID: <" + header.id + "." +
          std::to_string(header.now.time_since_epoch().count()) + "@" + header.hostname + ">\r\n";
  text.append("Auto-Submitted: ").append(header.auto_submitted).append("\r\n");
  return text + "MIME-Version: 1.0\r\n";
}

std::string compose(const Bounce& bounce, const Letter& of) {
  const bool utf8 = needs_utf8(bounce);
  const std::string boundary = "=_" + bounce.id;
  std::string text =
      own_header({bounce.id, bounce.to, bounce.origin, bounce.hostname,
                  std::string(subject_of(bounce.report)), "auto-replied", bounce.now});
  text += "Content-Type: multipart/report; report-type=" +
          std::string(utf8 ? "global-delivery-status" : "delivery-status") + ";\r\n boundary=\"" +
          boundary + "\"\r\n";
  std::string body =
      part(boundary, "text/plain; charset=utf-8", "Notification", for_people(bounce));
  body += part(boundary, utf8 ? "message/global-delivery-status" : "message/delivery-status",
               "Delivery report", for_programs(bounce, of, utf8));
  const bool global = utf8 && !is_ascii(bounce.original);
  const char* headers = global ? "message/global-headers" : "text/rfc822-headers";
  const char* message = global ? "message/global" : "message/rfc822";
  body += part(boundary, bounce.whole ? message : headers,
               bounce.whole ? "Undelivered message" : "Header of the message", bounce.original);
  body += "--" + boundary + "--\r\n";
  if (!is_ascii(body)) text += "Content-Transfer-Encoding: 8bit\r\n";
  return text + "\r\n" + body;
}

Message own_message(const OwnHeader& header, std::string_view content) {
  Message message;
  auto& letter = message.letter;
  letter.id = header.id;
  letter.arrived = header.now;
  letter.origin = "local";
  letter.size = content.size();
  letter.own = true;
  if (!is_ascii(content)) letter.parameters.emplace_back("BODY=8BITMIME");
  if (!is_ascii(header.to)) letter.parameters.emplace_back("SMTPUTF8");
  Recipient to;
  to.address = to.original = header.to;
  to.expand = true;
  to.progress = accepted(header.now);
  message.recipients.push_back(std::move(to));
  return message;
}

Message bounce_message(const Bounce& bounce, std::string_view content) {
  return own_message({bounce.id, bounce.to, bounce.origin, bounce.hostname, "", "", bounce.now},
                     content);
}

}  // namespace sekisho::queue
