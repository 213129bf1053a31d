// smtp/conversation.h: one SMTP conversation without its socket and without TLS: octets in, replies
// and events out. The order of commands, and what each may do, stands in one table. RFC 5321, 2920
// (PIPELINING), 3207 (STARTTLS), 4954, 6409, 8314.
// Errors: replies; what cannot go on ends the conversation. Thread: one owner.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "smtp/client_name.h"
#include "smtp/login_dialogue.h"
#include "smtp/talk.h"
#include "smtp/transaction.h"

namespace sekisho::smtp {

class Conversation {
 public:
  // As Postfix's smtpd_junk_command_limit: RSET, NOOP and the like without a message.
  static constexpr unsigned most_idle_commands = 100;
  // Octets of a command without an end that are read before the connection is closed; the reply to
  // it was sent long before.
  static constexpr std::size_t most_skipped = 64 * 1024;

  Conversation(Services& services, Ports ports, Client client);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  // Whether the client is within its limits of connections; it is counted once. For those who are
  // to be asked before open(): what comes before the greeting costs too.
  bool admit();
  // The client is known: counts it, looks for its name, and greets it.
  void open();
  // What a PROXY header said, before open().
  void proxied(const ProxyHeader& header);
  // There is no room for this client: 421.
  void turn_away();

  enum class Next {
    read,       // the rest is offered again when there is more
    wait,       // nothing is read before Ports::resume
    start_tls,  // what follows is TLS; what came before its first octet was thrown away
    close,
  };
  struct Taken {
    std::size_t octets;
    Next next;
  };
  // `octets`: all that was not consumed before.
  Taken take(std::string_view octets);

  // The handshake is complete: "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384". EHLO is forgotten.
  void tls_established(const std::string& how);
  void tls_failed(const std::string& why);

  // An answer is awaited, or the client's name: when to call expire().
  bool waiting() const { return talk_.waiting() || name_ != nullptr; }
  SteadyTime deadline() const;
  void expire();
  // A message arrives: its lines come as fast as the line is.
  bool receiving() const { return talk_.state == State::data; }
  // The rest of a line that is too long: however much of it comes, it is no progress.
  bool skipping() const { return skipped_.has_value(); }
  // Closing now would lose an answer, or a message that is nearly there.
  bool busy() const;
  // Begins no further message; ends now unless it is busy.
  void drain();
  // The client has been silent for a while: it costs less until it speaks again.
  void rest();
  // The client has been silent for too long.
  void timed_out();
  // The connection is gone: writes the last lines of the log.
  void closed();
  const Client& client() const { return talk_.client; }
  State state() const { return talk_.state; }

 private:
  struct Row;
  static const Row* find_row(Verb verb);

  Taken take_all(std::string_view octets);
  // A whole line and its line end, or nothing. False: more octets are needed.
  bool take_line(std::string_view octets, std::size_t& taken);
  bool skip_long_line(std::string_view octets, std::size_t& taken);
  void command(std::string_view line, bool more_follows);
  bool out_of_order(const Row& row);
  bool needs_tls(const Row& row) const;
  void unsynchronized(std::string_view octets);
  bool is_strict() const;

  void on_helo(std::string_view argument);
  void on_ehlo(std::string_view argument);
  void on_mail(std::string_view argument);
  void on_rcpt(std::string_view argument);
  void on_data(std::string_view argument);
  void on_rset(std::string_view argument);
  void on_noop(std::string_view argument);
  void on_quit(std::string_view argument);
  void on_vrfy(std::string_view argument);
  void on_help(std::string_view argument);
  void on_starttls(std::string_view argument);
  void on_auth(std::string_view argument);
  void on_bdat(std::string_view argument);
  void on_xclient(std::string_view argument);
  void on_http(std::string_view argument);
  void on_absent(std::string_view argument);

  bool greet_again(std::string_view argument, bool esmtp);
  bool offers_starttls() const;
  std::string capabilities() const;
  void look_at_name();
  void named(std::string name);
  bool count_client();
  void uncount_client();

  Talk talk_;
  Transaction transaction_;
  LoginDialogue login_;
  std::unique_ptr<ClientName> name_;    // while it is looked for
  std::optional<std::string> counted_;  // the client's key, where it counts as a connection
  std::optional<std::size_t> skipped_;  // octets of a command that is too long
  unsigned idle_commands_ = 0;
  bool draining_ = false;
  bool connected_ = false;  // "connect from" was logged
  bool closed_ = false;
};

}  // namespace sekisho::smtp
