#include "smtp/conversation.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "base/encoding.h"

namespace sekisho::smtp {

namespace {

constexpr std::uint32_t bit(State state) { return 1U << static_cast<unsigned>(state); }

constexpr std::uint32_t open_states =
    bit(State::greeted) | bit(State::ready) | bit(State::envelope) | bit(State::recipients);
constexpr std::uint32_t between = bit(State::ready);
constexpr std::uint32_t in_envelope = bit(State::envelope) | bit(State::recipients);

bool has_control(std::string_view line) {
  return std::any_of(line.begin(), line.end(),
                     [](char c) { return c != '\t' && ascii::is_control(c); });
}

}  // namespace

struct Conversation::Row {
  Verb verb;
  std::uint32_t allowed;  // states
  bool before_tls;        // also where TLS comes first
  bool ends_pipeline;     // what follows in one piece with it is no command of this client's
  void (Conversation::*handle)(std::string_view);
  std::string_view out_of_order;  // the reply where it is not allowed
};

const Conversation::Row* Conversation::find_row(Verb verb) {
  using C = Conversation;
  constexpr std::string_view no_helo = "Error: send HELO/EHLO first";
  static constexpr std::array<Row, count_of<Verb>> table = {{
      {Verb::helo, open_states, true, false, &C::on_helo, ""},
      {Verb::ehlo, open_states, true, false, &C::on_ehlo, ""},
      {Verb::mail, between, false, false, &C::on_mail, no_helo},
      {Verb::rcpt, in_envelope, false, false, &C::on_rcpt, "Error: need MAIL command"},
      {Verb::data, in_envelope, false, true, &C::on_data, "Error: need RCPT command"},
      {Verb::rset, open_states, true, false, &C::on_rset, ""},
      {Verb::noop, open_states, true, false, &C::on_noop, ""},
      {Verb::quit, open_states, true, true, &C::on_quit, ""},
      {Verb::vrfy, open_states, false, false, &C::on_vrfy, ""},
      {Verb::expn, open_states, true, false, &C::on_absent, ""},
      {Verb::help, open_states, true, false, &C::on_help, ""},
      {Verb::starttls, bit(State::greeted) | between, true, true, &C::on_starttls,
       "Error: MAIL transaction in progress"},
      {Verb::auth, between, true, false, &C::on_auth, no_helo},
      {Verb::bdat, open_states, true, false, &C::on_bdat, ""},
      {Verb::etrn, open_states, true, false, &C::on_absent, ""},
      {Verb::xclient, open_states, true, false, &C::on_xclient, ""},
      {Verb::http, open_states, true, true, &C::on_http, ""},
      {Verb::unknown, open_states, true, false, nullptr, ""},
  }};
  return &table[static_cast<std::size_t>(verb)];
}

Conversation::Conversation(Services& services, Ports ports, Client client)
    : talk_(services, std::move(ports), std::move(client)), transaction_(talk_), login_(talk_) {}

Conversation::~Conversation() { closed(); }

// --- the beginning and the end -------------------------------------------------------------------

bool Conversation::admit() {
  if (counted_ || count_client()) return true;
  ++talk_.services.counters.connections_refused;
  talk_.log(LogLevel::warning, "warning: Connection limit exceeded from " + talk_.client.text());
  return false;
}

bool Conversation::count_client() {
  const auto& client = talk_.client;
  // A proxy is counted by what its clients do.
  const bool counts =
      client.may_not_send.empty() && (client.submits() || has_limits(talk_.standing()));
  if (!counts || !client.address) return true;
  if (!talk_.services.limits.connected(client.key(), talk_.limits())) return false;
  counted_ = client.key();
  return true;
}

void Conversation::uncount_client() {
  if (counted_) talk_.services.limits.disconnected(*counted_);
  counted_.reset();
}

void Conversation::open() {
  if (!admit()) {
    return talk_.end(421, "4.7.0", "Error: too many connections from " + talk_.client.key());
  }
  const auto snapshot = talk_.services.engine.snapshot();
  if (!talk_.client.address || !talk_.client.name.empty() || !snapshot->resolver) {
    return named(talk_.client.name);
  }
  name_ = std::make_unique<ClientName>(*snapshot->resolver, snapshot->dns, *talk_.client.address,
                                       talk_.back([this] { look_at_name(); }));
  look_at_name();
}

void Conversation::look_at_name() {
  if (!name_) return;
  if (auto name = name_->name()) named(std::move(*name));
}

void Conversation::named(std::string name) {
  name_.reset();
  talk_.client.name = std::move(name);
  if (talk_.state == State::ended) return;
  talk_.log(LogLevel::info, "connect from " + talk_.client.text());
  connected_ = true;
  talk_.state = State::greeted;
  transaction_.client_known();
  talk_.send("220 " + talk_.site->hostname + " ESMTP Sekisho\r\n");
  talk_.resume();
}

void Conversation::proxied(const ProxyHeader& header) {
  // A proxy that speaks for itself looks whether we live.
  if (!header.client) return;
  talk_.client.address = header.client;
  talk_.client.port = header.port;
  talk_.client.may_not_send.clear();
}

void Conversation::turn_away() {
  ++talk_.services.counters.connections_refused;
  talk_.end(421, "4.3.2", "Error: too many connections; try again later");
}

bool Conversation::busy() const {
  return talk_.state == State::data || talk_.state == State::judging || talk_.waiting();
}

void Conversation::drain() {
  draining_ = true;
  if (!busy() && talk_.state != State::ended) {
    talk_.end(421, "4.3.2", "Service shutting down; try again later");
  }
}

void Conversation::rest() {
  if (talk_.state == State::greeted || talk_.state == State::ready) transaction_.rest();
}

void Conversation::timed_out() {
  if (talk_.state == State::ended) return;
  talk_.log(LogLevel::info, "timeout after " + talk_.where() + " from " + talk_.client.text());
  transaction_.reset();
  talk_.end(421, "4.4.2", "Error: timeout exceeded");
}

void Conversation::closed() {
  if (std::exchange(closed_, true)) return;
  name_.reset();
  uncount_client();
  if (!connected_) return;
  if (talk_.state != State::ended) {
    talk_.log(LogLevel::info,
              "lost connection after " + talk_.where() + " from " + talk_.client.text());
  }
  transaction_.forget_client();
  talk_.log(LogLevel::info, "disconnect from " + talk_.client.text() + talk_.statistics());
}

SteadyTime Conversation::deadline() const {
  return name_ ? name_->deadline() : transaction_.deadline();
}

void Conversation::expire() {
  if (!name_) return transaction_.expire();
  name_->expire();
  look_at_name();
}

// --- reading -------------------------------------------------------------------------------------

Conversation::Taken Conversation::take(std::string_view octets) {
  talk_.taking(true);
  const auto taken = take_all(octets);
  talk_.taking(false);
  return taken;
}

// Those who are not ours, and whose programs the RFC binds.
bool Conversation::is_strict() const {
  return talk_.client.profile == Profile::mx && talk_.client.may_not_send.empty() &&
         has_rules(talk_.standing());
}

// Octets that came before they were asked for: whoever sends them does not read our replies, or
// smuggles commands past somebody who thinks that they are content.
void Conversation::unsynchronized(std::string_view octets) {
  talk_.log(LogLevel::info, "improper command pipelining after " + talk_.where() + " from " +
                                talk_.client.text() + ": " + escape_for_log(octets, 100));
  transaction_.reset();
  talk_.send("554 5.5.0 Error: SMTP protocol synchronization\r\n");
  talk_.state = State::ended;
}

Conversation::Taken Conversation::take_all(std::string_view octets) {
  std::size_t taken = 0;
  for (;;) {
    const auto rest = octets.substr(taken);
    if (talk_.state == State::ended) return {octets.size(), Next::close};
    if (talk_.waiting()) return {taken, Next::wait};
    if (talk_.state == State::handshake) {
      if (!rest.empty()) {
        talk_.log(LogLevel::warning, "warning: octets after STARTTLS from " + talk_.client.text() +
                                         " were thrown away: " + escape_for_log(rest, 100));
      }
      return {octets.size(), Next::start_tls};
    }
    if (rest.empty()) return {taken, Next::read};
    if (talk_.state == State::silent) {
      if (!is_strict()) return {taken, Next::wait};
      unsynchronized(rest);
    } else if (name_) {
      return {taken, Next::wait};
    } else if (talk_.state == State::data) {
      taken += transaction_.take(rest);
    } else if (!take_line(rest, taken)) {
      return {taken, Next::read};
    }
  }
}

bool Conversation::take_line(std::string_view octets, std::size_t& taken) {
  if (skipped_) return skip_long_line(octets, taken);
  const std::size_t most = talk_.state == State::login ? most_login_octets : most_command_octets;
  const auto end = octets.substr(0, most).find('\n');
  if (end == std::string_view::npos) {
    if (octets.size() < most) return false;
    skipped_ = 0;
    if (talk_.state == State::login) talk_.state = State::ready;
    talk_.begin(Verb::unknown);
    talk_.answer({500, "5.5.2", "Error: line too long"});
    return true;
  }
  taken += end + 1;
  const bool whole = end > 0 && octets[end - 1] == '\r';
  const auto line = octets.substr(0, whole ? end - 1 : end);
  if (talk_.state == State::login && whole) {
    login_.take(line);
  } else if (!whole) {
    talk_.begin(Verb::unknown);
    talk_.answer({500, "5.5.2", "Error: commands end with <CR><LF>"});
  } else {
    command(line, end + 1 < octets.size());
  }
  return true;
}

bool Conversation::skip_long_line(std::string_view octets, std::size_t& taken) {
  const auto end = octets.find('\n');
  const auto length = end == std::string_view::npos ? octets.size() : end + 1;
  taken += length;
  *skipped_ += length;
  if (end != std::string_view::npos) {
    skipped_.reset();
  } else if (*skipped_ > most_skipped) {
    talk_.end(421, "4.7.0", "Error: line too long");
  }
  return true;
}

void Conversation::command(std::string_view line, bool more_follows) {
  const auto command = read_command(line);
  talk_.begin(command.verb);
  const auto& row = *find_row(command.verb);
  if (row.handle == nullptr) {
    return talk_.answer({500, "5.5.2", "Error: command not recognized"});
  }
  if (has_control(line)) return talk_.answer({501, "5.5.2", "Error: a control octet"});
  if (needs_tls(row)) {
    return talk_.answer({530, "5.7.0", "Must issue a STARTTLS command first"});
  }
  if (out_of_order(row)) return;
  const bool begins_data =
      command.verb == Verb::data && talk_.state == State::recipients && command.argument.empty();
  // A program of this host may write a whole script to `sendmail -bs`.
  const bool script = talk_.client.profile == Profile::local;
  if (row.ends_pipeline && begins_data && more_follows && !script) return unsynchronized(line);
  (this->*row.handle)(command.argument);
}

bool Conversation::needs_tls(const Row& row) const {
  const auto& client = talk_.client;
  if (row.before_tls || !client.tls.empty()) return false;
  return client.submits() ||
         (client.profile == Profile::mx && talk_.listener().tls == ListenerTls::required);
}

bool Conversation::out_of_order(const Row& row) {
  if ((row.allowed & bit(talk_.state)) != 0) return false;
  const bool nested = (bit(talk_.state) & in_envelope) != 0;
  std::string text(row.out_of_order);
  if (row.verb == Verb::mail && nested) text = "Error: nested MAIL command";
  if (row.verb == Verb::auth && nested) text = "Error: MAIL transaction in progress";
  talk_.answer({503, "5.5.1", text});
  return true;
}

}  // namespace sekisho::smtp
