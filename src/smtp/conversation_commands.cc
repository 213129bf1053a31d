// What each command does; which may come when stands in the table of conversation.cc.
#include <utility>

#include "smtp/conversation.h"

namespace sekisho::smtp {

namespace {

// RFC 5321 §4.5.3.1.2.
constexpr std::size_t most_helo_octets = 255;

}  // namespace

bool Conversation::greet_again(std::string_view argument, bool esmtp) {
  // Each name costs lookups, and room among the questions of the message that follows.
  if (++idle_commands_ > most_idle_commands) {
    talk_.end(421, "4.7.0", "Error: too many commands without a message");
    return false;
  }
  if (argument.empty()) {
    talk_.answer({501, "5.5.4", esmtp ? "Syntax: EHLO hostname" : "Syntax: HELO hostname"});
    return false;
  }
  if (argument.size() > most_helo_octets) {
    talk_.answer({500, "5.5.2", "Error: line too long"});
    return false;
  }
  transaction_.reset();
  talk_.site = talk_.services.sites.now();
  talk_.client.helo = argument;
  talk_.client.esmtp = esmtp;
  talk_.state = State::ready;
  transaction_.helo(talk_.client.helo);
  return true;
}

void Conversation::on_helo(std::string_view argument) {
  if (greet_again(argument, false)) talk_.answer({250, "", talk_.site->hostname});
}

void Conversation::on_ehlo(std::string_view argument) {
  if (!greet_again(argument, true)) return;
  talk_.answer({250, "", "DSN"}, capabilities());
}

bool Conversation::offers_starttls() const {
  const auto& client = talk_.client;
  const auto& listener = talk_.listener();
  if (!client.tls.empty() || !listener.tls_context) return false;
  if (client.profile == Profile::submission) return true;
  if (client.profile != Profile::mx || listener.tls == ListenerTls::off) return false;
  return listener.tls == ListenerTls::required ||
         !talk_.services.broken_tls.is_broken(client.key());
}

// All lines of the reply to EHLO but the last.
std::string Conversation::capabilities() const {
  const auto& client = talk_.client;
  std::string out;
  const auto line = [&](const std::string& text) {
    out.append("250-").append(text).append("\r\n");
  };
  line(talk_.site->hostname);
  line("PIPELINING");
  const auto size = talk_.limits().message_size;
  line(size > 0 ? "SIZE " + std::to_string(size) : "SIZE");
  if (offers_starttls()) line("STARTTLS");
  const auto& authenticator = talk_.site->authenticator;
  if (client.submits() && !client.tls.empty() && authenticator) {
    std::string text = "AUTH";
    for (const auto mechanism : mechanisms(*authenticator)) text.append(" ").append(mechanism);
    line(text);
  }
  line("ENHANCEDSTATUSCODES");
  line("8BITMIME");
  if (talk_.site->smtputf8) line("SMTPUTF8");
  if (client.xclient) line("XCLIENT NAME ADDR PORT PROTO HELO LOGIN");
  return out;
}

void Conversation::on_mail(std::string_view argument) {
  if (draining_) return talk_.end(421, "4.3.2", "Service shutting down; try again later");
  transaction_.mail(argument);
  if (talk_.state == State::envelope) idle_commands_ = 0;
}

void Conversation::on_rcpt(std::string_view argument) { transaction_.rcpt(argument); }

void Conversation::on_data(std::string_view argument) {
  if (!argument.empty()) return talk_.answer({501, "5.5.4", "Syntax: DATA"});
  transaction_.data();
}

void Conversation::on_rset(std::string_view argument) {
  if (!argument.empty()) return talk_.answer({501, "5.5.4", "Syntax: RSET"});
  transaction_.reset();
  on_noop(argument);
}

void Conversation::on_noop(std::string_view /*argument*/) {
  if (++idle_commands_ > most_idle_commands) {
    return talk_.end(421, "4.7.0", "Error: too many commands without a message");
  }
  talk_.answer({250, "2.0.0", "Ok"});
}

void Conversation::on_quit(std::string_view /*argument*/) {
  transaction_.reset();
  talk_.end(221, "2.0.0", "Bye");
}

void Conversation::on_vrfy(std::string_view argument) {
  if (argument.empty()) return talk_.answer({501, "5.5.4", "Syntax: VRFY address"});
  if (++idle_commands_ > most_idle_commands) return on_noop(argument);
  talk_.answer({252, "2.0.0", "Send some mail, and see"});
}

void Conversation::on_help(std::string_view argument) {
  if (++idle_commands_ > most_idle_commands) return on_noop(argument);
  talk_.answer({214, "2.0.0", "RFC 5321, and man 8 sekishod"});
}

void Conversation::on_absent(std::string_view /*argument*/) {
  talk_.answer({502, "5.5.1", "Error: command not implemented"});
}

// The octets of its chunk follow, and would be read as commands: so whatever they say, none of them
// is a message without another EHLO.
void Conversation::on_bdat(std::string_view argument) {
  transaction_.reset();
  talk_.state = State::greeted;
  on_absent(argument);
}

void Conversation::on_starttls(std::string_view argument) {
  const auto& client = talk_.client;
  if (!argument.empty()) return talk_.answer({501, "5.5.4", "Syntax: STARTTLS"});
  if (!client.tls.empty()) return talk_.answer({503, "5.5.1", "Error: TLS already active"});
  if (!offers_starttls()) return talk_.answer({502, "5.5.1", "Error: command not implemented"});
  talk_.answer({220, "2.0.0", "Ready to start TLS"});
  if (talk_.state != State::ended) talk_.state = State::handshake;
}

void Conversation::tls_established(const std::string& how) {
  talk_.log(LogLevel::info,
            "Anonymous TLS connection established from " + talk_.client.text() + ": " + how);
  auto& counters = talk_.services.counters;
  ++(how.starts_with("TLSv1.2") ? counters.tls_1_2 : counters.tls_1_3);
  talk_.client.tls = how;
  if (talk_.state != State::handshake) return;  // TLS came first
  talk_.client.helo.clear();
  talk_.client.esmtp = false;
  talk_.state = State::greeted;
}

void Conversation::tls_failed(const std::string& why) {
  ++talk_.services.counters.tls_failures;
  talk_.log(LogLevel::info, "SSL_accept error from " + talk_.client.text() + ": " + why);
  if (talk_.client.profile == Profile::mx && talk_.client.tls.empty()) {
    talk_.services.broken_tls.failed(talk_.client.key());
  }
  talk_.state = State::ended;
}

void Conversation::on_auth(std::string_view argument) {
  const auto& client = talk_.client;
  if (!client.submits() || !talk_.site->authenticator) {
    return talk_.answer({503, "5.5.1", "Error: authentication not enabled"});
  }
  if (client.tls.empty()) {
    return talk_.answer({538, "5.7.11", "Encryption required: issue a STARTTLS command first"});
  }
  if (!client.login.empty()) return talk_.answer({503, "5.5.1", "Error: already authenticated"});
  if (argument.empty()) return talk_.answer({501, "5.5.4", "Syntax: AUTH mechanism"});
  login_.begin(argument);
}

void Conversation::on_xclient(std::string_view argument) {
  if (!talk_.client.xclient) {
    return talk_.answer({550, "5.7.0", "Error: insufficient authorization"});
  }
  const auto said = read_xclient(argument);
  if (!said) return talk_.answer({501, "5.5.4", "Syntax: XCLIENT attribute=value"});
  transaction_.forget_client();
  uncount_client();
  auto& client = talk_.client;
  if (said->address) {
    client.address = said->address;
    client.port = said->port;
    client.name.clear();
    client.may_not_send.clear();
    // From here on it is the client who speaks, and no longer the proxy.
    client.xclient = false;
  }
  if (said->name) client.name = *said->name;
  client.helo = said->helo.value_or("");
  client.login.clear();
  talk_.state = State::greeted;
  open();
}

// A browser that a page has sent here: what follows its first line is chosen by the page.
void Conversation::on_http(std::string_view /*argument*/) {
  talk_.log(LogLevel::warning, "warning: non-SMTP command from " + talk_.client.text());
  talk_.end(421, "4.7.0", "Error: this is a mail server");
}

}  // namespace sekisho::smtp
