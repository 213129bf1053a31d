#include "relay/smtp_client.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/ascii.h"
#include "base/clock.h"
#include "relay/smtp_connection.h"

namespace sekisho::relay {

namespace {

using Code = Handover::Code;

constexpr std::size_t block_octets = 64 * 1024;

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Whether the text can stand between the angle brackets of a command, or as a parameter.
bool is_plain(std::string_view text, bool blanks) {
  return std::none_of(text.begin(), text.end(), [&](char c) {
    return ascii::is_control(c) || (!blanks && (c == ' ' || c == '<' || c == '>'));
  });
}

std::string name_of(std::string_view parameter) {
  std::string name(parameter.substr(0, parameter.find('=')));
  for (char& c : name) c = ascii::to_upper(c);
  return name;
}

bool never_notified(const LetterRecipient& to) {
  return std::any_of(to.parameters.begin(), to.parameters.end(),
                     [](const std::string& one) { return ascii::iequals(one, "NOTIFY=NEVER"); });
}

// The extensions that the message needs.
struct Needs {
  bool eight_bit = false;
  bool utf8 = false;     // SMTPUTF8
  bool silence = false;  // DSN, for NOTIFY=NEVER: no later failure may be reported

  static Needs of(const Letter& letter) {
    Needs needs;
    needs.eight_bit = !is_ascii(letter.content);
    const auto& given = letter.mail_parameters;
    const bool declared = std::any_of(given.begin(), given.end(), [](const std::string& one) {
      return name_of(one) == "SMTPUTF8";
    });
    const std::string_view header = letter.content.substr(0, letter.content.find("\r\n\r\n"));
    const bool addresses =
        is_ascii(letter.mail_from) &&
        std::all_of(letter.recipients.begin(), letter.recipients.end(),
                    [](const LetterRecipient& to) { return is_ascii(to.address); });
    // A header with raw octets that was received without SMTPUTF8 is sent without it.
    needs.utf8 = !addresses || (declared && !is_ascii(header));
    // The null reverse-path gets no notification anyway.
    needs.silence = !letter.mail_from.empty() &&
                    std::any_of(letter.recipients.begin(), letter.recipients.end(), never_notified);
    return needs;
  }
};

// The place of the first bare CR or LF; npos if there is none.
std::size_t bare_line_end(std::string_view content) {
  std::size_t at = content.find_first_of("\r\n");
  while (at != std::string_view::npos && content.compare(at, 2, "\r\n") == 0)
    at = content.find_first_of("\r\n", at + 2);
  return at;
}

// Why the message cannot be sent by SMTP at all; empty if it can.
std::string why_impossible(const Letter& letter) {
  if (const auto at = bare_line_end(letter.content); at != std::string_view::npos) {
    return "octet " + std::to_string(at) +
           " of the message is a bare CR or LF, which must not be sent (RFC 5321 §2.3.8)";
  }
  if (letter.recipients.empty()) return "no recipients";
  if (!is_plain(letter.mail_from, true)) return "the sender has control characters";
  for (const auto& to : letter.recipients) {
    if (to.address.empty() || !is_plain(to.address, true)) return "a recipient is no address";
  }
  return {};
}

class Transaction {
 public:
  Transaction(SmtpConnection connection, const Letter& letter, const SmtpTimes& times)
      : connection_(std::move(connection)),
        letter_(letter),
        times_(times),
        needs_(Needs::of(letter)),
        end_(steady_now() + times.together) {}

  Handover run(const std::string& own_name) {
    if (greet(own_name) && offers_enough() && mail() && recipients() && data()) content();
    quit();
    return std::move(outcome_);
  }

 private:
  bool give_up(Code code, std::string why) {
    outcome_.code = code;
    outcome_.why = std::move(why);
    return false;
  }

  bool give_up(std::string_view stage, const Reply& reply) {
    return give_up(reply.permanent() ? Code::refused : Code::deferred,
                   std::string(stage) + ": " + reply.text());
  }

  SteadyTime deadline(std::chrono::seconds time) const {
    return std::min(end_, steady_now() + time);
  }

  // nullopt if the connection is broken; outcome_ says so.
  std::optional<Reply> reply(std::string_view stage, std::chrono::seconds time) {
    auto got = connection_.read_reply(deadline(time));
    if (!got) {
      lost_ = true;
      give_up(Code::deferred, std::string(stage) + ": " + got.error());
      return std::nullopt;
    }
    // Nothing was asked yet, so it cannot be an answer.
    if (connection_.has_unread()) {
      lost_ = true;
      give_up(Code::deferred, std::string(stage) + ": more than one reply to one command");
      return std::nullopt;
    }
    return std::move(*got);
  }

  std::optional<Reply> command(std::string_view stage, const std::string& line,
                               std::chrono::seconds time) {
    if (auto sent = connection_.send(line + "\r\n", deadline(time)); !sent) {
      lost_ = true;
      give_up(Code::deferred, std::string(stage) + ": " + sent.error());
      return std::nullopt;
    }
    return reply(stage, time);
  }

  bool greet(const std::string& own_name) {
    const auto greeting = reply("greeting", times_.greeting);
    if (!greeting) return false;
    if (greeting->code != 220) return give_up("greeting", *greeting);
    auto hello = command("EHLO", "EHLO " + own_name, times_.greeting);
    if (!hello) return false;
    if (hello->code == 250) {
      for (std::size_t i = 1; i < hello->lines.size(); ++i) {
        const auto& line = hello->lines[i];
        std::string keyword = line.substr(0, line.find(' '));
        for (char& c : keyword) c = ascii::to_upper(c);
        offered_.insert(std::move(keyword));
      }
      return true;
    }
    if (!hello->permanent()) return give_up("EHLO", *hello);
    hello = command("HELO", "HELO " + own_name, times_.greeting);
    if (!hello) return false;
    return hello->code == 250 || give_up("HELO", *hello);
  }

  bool offers(const char* keyword) const { return offered_.count(keyword) != 0; }

  bool offers_enough() {
    if (needs_.utf8 && !offers("SMTPUTF8")) {
      return give_up(Code::impossible,
                     "the message has addresses or header fields in UTF-8, and the MTA does not "
                     "offer SMTPUTF8");
    }
    if (needs_.eight_bit && !offers("8BITMIME")) {
      return give_up(Code::impossible,
                     "the message has 8-bit text, and the MTA does not offer 8BITMIME");
    }
    if (needs_.silence && !offers("DSN")) {
      return give_up(Code::impossible,
                     "the MTA does not offer DSN, so it would tell a failure later to the sender, "
                     "who may be forged: let it offer DSN, or release with --notify");
    }
    return true;
  }

  // Whether a received parameter is sent too.
  bool goes_out(const std::string& parameter) const {
    if (!is_plain(parameter, false) || !is_ascii(parameter)) return false;
    const std::string name = name_of(parameter);
    if (name == "RET" || name == "ENVID" || name == "NOTIFY" || name == "ORCPT")
      return offers("DSN");
    return name == "SMTPUTF8" && offers("SMTPUTF8");
  }

  bool mail() {
    std::string line = "MAIL FROM:<" + letter_.mail_from + ">";
    bool utf8 = false;
    for (const auto& parameter : letter_.mail_parameters) {
      if (!goes_out(parameter)) continue;
      utf8 = utf8 || name_of(parameter) == "SMTPUTF8";
      line += " " + parameter;
    }
    if (needs_.utf8 && !utf8) line += " SMTPUTF8";
    if (offers("8BITMIME")) line += needs_.eight_bit ? " BODY=8BITMIME" : " BODY=7BIT";
    if (offers("SIZE")) line += " SIZE=" + std::to_string(letter_.content.size());
    const auto got = command("MAIL FROM", line, times_.greeting);
    return got && (got->code == 250 || give_up("MAIL FROM", *got));
  }

  bool recipients() {
    for (const auto& to : letter_.recipients) {
      std::string line = "RCPT TO:<" + to.address + ">";
      for (const auto& parameter : to.parameters) {
        if (goes_out(parameter)) line += " " + parameter;
      }
      const auto got = command("RCPT TO", line, times_.greeting);
      if (!got) return false;
      if (got->code != 250 && got->code != 251) {
        give_up("RCPT TO:<" + to.address + ">", *got);
        outcome_.refused.push_back({to.address, got->text()});
        if (got->code == 421) return false;
      }
    }
    return outcome_.refused.empty();
  }

  bool data() {
    const auto got = command("DATA", "DATA", times_.data);
    if (!got) return false;
    if (got->code == 354) return true;
    return give_up("DATA", *got);
  }

  // RFC 5321 §4.5.2: a dot at the begin of a line is doubled.
  void content() {
    std::string block;
    bool line_begins = true;
    for (const char c : letter_.content) {
      if (line_begins && c == '.') block += '.';
      block += c;
      line_begins = c == '\n';
      if (block.size() >= block_octets && !send_block(block)) return;
    }
    if (!line_begins) block += "\r\n";
    // From here on the MTA may have the message, whatever happens to the connection.
    if (!send_block(block)) return;
    block = ".\r\n";
    const bool sent = send_block(block);
    const auto got = sent ? reply("end of message", times_.dot) : std::nullopt;
    // Judges an unexpected code by its first digit (RFC 5321 §4.2.1); other digits say nothing
    // about the message.
    if (!got) {
      outcome_.code = Code::uncertain;
    } else if (got->positive()) {
      give_up(Code::accepted, got->text());
    } else if (got->intermediate()) {
      give_up(Code::uncertain, "end of message: " + got->text());
    } else {
      give_up("end of message", *got);
    }
  }

  bool send_block(std::string& block) {
    const auto sent = connection_.send(block, deadline(times_.block));
    block.clear();
    if (sent) return true;
    lost_ = true;
    return give_up(Code::deferred, "message: " + sent.error());
  }

  void quit() {
    if (lost_) return;
    // Its answer changes nothing.
    if (connection_.send("QUIT\r\n", deadline(std::chrono::seconds(5))))
      (void)connection_.read_reply(deadline(std::chrono::seconds(5)));
  }

  SmtpConnection connection_;
  const Letter& letter_;
  const SmtpTimes& times_;
  const Needs needs_;
  const SteadyTime end_;
  std::set<std::string, std::less<>> offered_;
  Handover outcome_;
  bool lost_ = false;  // the connection is lost: no QUIT
};

}  // namespace

Expected<SmtpServer> parse_smtp_server(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return parse_error("no port");
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  SmtpServer server{std::string(host), 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), server.port);
  if (error != std::errc{} || end != port.data() + port.size() || server.port == 0 || host.empty())
    return parse_error("not HOST:PORT");
  return server;
}

bool has_bare_line_end(std::string_view content) {
  return bare_line_end(content) != std::string_view::npos;
}

Handover hand_over_by_smtp(const SmtpServer& server, const Letter& letter,
                           const std::string& own_name, const SmtpTimes& times) {
  if (auto why = why_impossible(letter); !why.empty())
    return {Code::impossible, std::move(why), {}};
  auto connection = SmtpConnection::open(server.host, server.port, times.connect);
  if (!connection) return {Code::deferred, connection.error(), {}};
  return Transaction(std::move(*connection), letter, times).run(own_name);
}

}  // namespace sekisho::relay
