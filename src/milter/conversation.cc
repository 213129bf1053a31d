#include "milter/conversation.h"

#include <algorithm>
#include <array>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <sys/types.h>

#include "base/memory.h"

namespace sekisho::milter {

namespace {

constexpr std::uint32_t bit(Conversation::Stage stage) {
  return 1U << static_cast<unsigned>(stage);
}

using Stage = Conversation::Stage;
constexpr std::uint32_t anywhere = ~0U;
constexpr std::uint32_t before_message = bit(Stage::connected) | bit(Stage::greeting);
constexpr std::uint32_t in_content = bit(Stage::envelope) | bit(Stage::header) | bit(Stage::body);

// The actions that we need of the MTA: insert and remove header fields, the hold queue, and remove
// those recipients from the envelope for whom a message is held in our own store.
constexpr std::uint32_t wanted_actions =
    SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_DELRCPT | SMFIF_SETSYMLIST;
// No needless replies (they are half the cost of a message), no useless commands, and the blank
// after the colon, without which no simple/simple signature can be verified. MAIL is answered with
// `continue`: Postfix buffers commands that need no answer, so without it we would see connect,
// HELO and MAIL only with the header, a round trip to the client too late for the lookups. RCPT is
// answered if a rule may refuse there.
constexpr std::uint32_t wanted_steps =
    SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_UNKN | SMFIP_NR_HDR |
    SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NODATA | SMFIP_NOUNKNOWN | SMFIP_HDR_LEADSPC;

// All names that macro() is called with.
constexpr std::array<std::string_view, 5> macros_read = {"j", "v", "i", "auth_type", "auth_authen"};

// An address of the milter protocol, which usually has angle brackets.
std::string without_brackets(std::string_view address) {
  if (address.size() >= 2 && address.front() == '<' && address.back() == '>') {
    address = address.substr(1, address.size() - 2);
  }
  return std::string(address);
}

// Folds arrive as bare LF; in the message they were CRLF.
std::string with_crlf_folds(std::string_view value) {
  std::string out;
  out.reserve(value.size() + 8);
  for (;;) {
    const std::size_t end = value.find('\n');
    out += value.substr(0, end);
    if (end == std::string_view::npos) return out;
    if (end == 0 || value[end - 1] != '\r') out += '\r';
    out += '\n';
    value.remove_prefix(end + 1);
  }
}

std::string too_long(std::string_view verb) {
  return std::string(verb) + " has more than " + std::to_string(max_command_octets) + " octets";
}

std::size_t octets_of(const MacroValues& values) {
  std::size_t octets = 0;
  for (const auto& [name, value] : values) octets += name.size() + value.size();
  return octets;
}

std::vector<std::string> parameters(const std::vector<std::string_view>& arguments) {
  return {arguments.begin() + 1, arguments.end()};
}

// Without SMFIP_HDR_LEADSPC the MTA writes the blank after the colon itself.
std::string_view as_inserted(std::string_view value, const Negotiation& agreed) {
  if ((agreed.steps & SMFIP_HDR_LEADSPC) == 0 && value.starts_with(' ')) value.remove_prefix(1);
  return value;
}

}  // namespace

struct Conversation::Command {
  char command;
  std::uint32_t allowed;  // stages
  Next (Conversation::*handle)(std::string_view);
  // SMFIP_NR_* flag that, when negotiated, suppresses our SMFIR_CONTINUE. 0: the command has no
  // default reply.
  std::uint32_t quiet = 0;
  bool interrupts = false;  // allowed while an answer is due
};

const Conversation::Command* Conversation::find_command(char command) {
  using C = Conversation;
  static constexpr std::array<Command, 15> table = {{
      {SMFIC_OPTNEG, bit(Stage::negotiating), &C::on_negotiate},
      {SMFIC_MACRO, anywhere, &C::on_macros, 0, true},
      {SMFIC_CONNECT, bit(Stage::connected), &C::on_connect, SMFIP_NR_CONN},
      {SMFIC_HELO, bit(Stage::greeting) | in_content, &C::on_helo, SMFIP_NR_HELO},
      {SMFIC_MAIL, before_message | in_content, &C::on_mail, SMFIP_NR_MAIL},
      {SMFIC_RCPT, bit(Stage::envelope), &C::on_recipient},
      {SMFIC_DATA, bit(Stage::envelope), &C::on_ignored, SMFIP_NR_DATA},
      {SMFIC_HEADER, bit(Stage::envelope) | bit(Stage::header), &C::on_header, SMFIP_NR_HDR},
      {SMFIC_EOH, bit(Stage::envelope) | bit(Stage::header), &C::on_end_of_header, SMFIP_NR_EOH},
      {SMFIC_BODY, bit(Stage::body), &C::on_body, SMFIP_NR_BODY},
      {SMFIC_BODYEOB, in_content, &C::on_end_of_body},
      {SMFIC_ABORT, anywhere & ~bit(Stage::negotiating), &C::on_abort, 0, true},
      {SMFIC_QUIT, anywhere, &C::on_quit, 0, true},
      {SMFIC_QUIT_NC, anywhere & ~bit(Stage::negotiating), &C::on_new_connection, 0, true},
      {SMFIC_UNKNOWN, anywhere & ~bit(Stage::negotiating), &C::on_ignored, SMFIP_NR_UNKN},
  }};
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Command& c) { return c.command == command; });
  return found == table.end() ? nullptr : &*found;
}

Conversation::Conversation(session::Engine& engine, policy::Role role,
                           std::shared_ptr<Executor> owner, std::function<void(std::string)> send)
    : engine_(engine), role_(role), owner_(std::move(owner)), send_(std::move(send)) {
  new_session();
}

Conversation::~Conversation() = default;

void Conversation::new_session() {
  session_ = session::Session::create(engine_, role_, owner_);
  if (loses_blanks()) session_->blanks_lost();
  macros_.clear();
  macro_octets_ = 0;
}

bool Conversation::loses_blanks() const {
  return agreed_.version != 0 && (agreed_.steps & SMFIP_HDR_LEADSPC) == 0;
}

bool Conversation::in_message() const {
  return stage_ == Stage::envelope || stage_ == Stage::header || stage_ == Stage::body ||
         stage_ == Stage::judging;
}

SteadyTime Conversation::deadline() const { return session_->deadline(); }

void Conversation::expire() { session_->expire(); }

void Conversation::progress() {
  if (stage_ != Stage::judging) return;
  std::string out;
  put_packet(out, SMFIR_PROGRESS);
  send_(std::move(out));
}

Conversation::Next Conversation::fail(std::string problem) {
  problem_ = std::move(problem);
  return Next::protocol_error;
}

Conversation::Next Conversation::receive(const Packet& packet) {
  const Command* command = find_command(packet.command);
  if (command == nullptr) return fail("unknown command " + std::to_string(packet.command));
  if ((command->allowed & bit(stage_)) == 0 || (awaits_step_ && !command->interrupts)) {
    return fail(std::string("command ") + packet.command + " out of order");
  }
  try {
    const Next next = (this->*command->handle)(packet.data);
    if (next == Next::go_on && command->quiet != 0 && (agreed_.steps & command->quiet) == 0) {
      std::string out;
      put_packet(out, SMFIR_CONTINUE);
      send_(std::move(out));
    }
    return next;
  } catch (const std::exception& error) {
    return recover(packet.command, error);
  }
}

// The shortest packets need no memory.
void Conversation::tempfail() noexcept {
  contained([this] {
    std::string out;
    put_packet(out, SMFIR_TEMPFAIL);
    send_(std::move(out));
  });
}

// Without a message, the lost data could be a client or a login, by which later messages would be
// judged: then the connection is closed, which an MTA treats as a temporary failure. With a
// message, the rest is read and answered as usual, up to the end of DATA.
Conversation::Next Conversation::recover(char command, const std::exception& error) noexcept {
  if (command == SMFIC_MAIL) {
    stage_ = Stage::greeting;
    contained([this] { session_->abort(); });
    tempfail();
    return Next::go_on;
  }
  const bool keeps_message = in_message() && command != SMFIC_ABORT && command != SMFIC_QUIT_NC &&
                             command != SMFIC_HELO && command != SMFIC_OPTNEG;
  if (!keeps_message) {
    problem_ = what_of(error);
    return Next::protocol_error;
  }
  session_->fail(what_of(error));
  if (command == SMFIC_RCPT && ((agreed_.steps & SMFIP_NR_RCPT) == 0)) {
    awaits_step_ = false;
    tempfail();
    return Next::go_on;
  }
  if (command == SMFIC_HEADER) stage_ = Stage::header;
  if (command == SMFIC_EOH) stage_ = Stage::body;
  if (command == SMFIC_BODYEOB) {
    // Unless the session has answered already.
    if (stage_ == Stage::greeting) return Next::go_on;
    contained([this] { session_->abort(); });
    stage_ = Stage::greeting;
    tempfail();
    return Next::go_on;
  }
  const Command* known = find_command(command);
  if (known->quiet != 0 && (agreed_.steps & known->quiet) == 0) {
    contained([this] {
      std::string out;
      put_packet(out, SMFIR_CONTINUE);
      send_(std::move(out));
    });
  }
  return Next::go_on;
}

Conversation::Next Conversation::on_negotiate(std::string_view data) {
  const auto offered = parse_negotiation(data);
  if (!offered || offered->version < 2) return fail("bad option negotiation");
  constexpr std::uint32_t needed = SMFIF_ADDHDRS | SMFIF_CHGHDRS;
  if ((offered->actions & needed) != needed) {
    return fail("the MTA does not let a filter change the header");
  }
  agreed_.version = std::min<std::uint32_t>(offered->version, 6);
  agreed_.actions = offered->actions & wanted_actions;
  agreed_.steps = offered->steps & wanted_steps;
  if (loses_blanks()) session_->blanks_lost();
  if (session_->refuses_recipients()) agreed_.steps &= ~std::uint32_t{SMFIP_NR_RCPT};
  std::vector<std::pair<std::uint32_t, std::string_view>> macros;
  if ((agreed_.actions & SMFIF_SETSYMLIST) != 0) {
    macros = {
        {SMFIM_CONNECT, "j v"}, {SMFIM_ENVFROM, "i {auth_type} {auth_authen}"}, {SMFIM_EOM, "i"}};
  }
  std::string out;
  put_negotiation(out, agreed_, macros);
  send_(std::move(out));
  stage_ = Stage::connected;
  return Next::go_on;
}

Conversation::Next Conversation::on_macros(std::string_view data) {
  auto macros = parse_macros(data, macros_read);
  if (!macros) return fail("bad macros");
  if (find_command(macros->command) == nullptr) return Next::go_on;
  auto& kept = macros_[macros->command];
  macro_octets_ -= octets_of(kept);
  macro_octets_ += octets_of(macros->values);
  kept = std::move(macros->values);
  if (macro_octets_ > max_macro_octets) {
    return fail("its macros have more than " + std::to_string(max_macro_octets) + " octets");
  }
  return Next::go_on;
}

void Conversation::forget_macros(std::string_view commands) {
  for (const char command : commands) {
    const auto kept = macros_.find(command);
    if (kept == macros_.end()) continue;
    macro_octets_ -= octets_of(kept->second);
    macros_.erase(kept);
  }
}

std::string Conversation::macro(std::string_view name) const {
  for (const char command :
       {SMFIC_BODYEOB, SMFIC_EOH, SMFIC_DATA, SMFIC_RCPT, SMFIC_MAIL, SMFIC_HELO, SMFIC_CONNECT}) {
    const auto stage = macros_.find(command);
    if (stage == macros_.end()) continue;
    const auto value = stage->second.find(name);
    if (value != stage->second.end()) return value->second;
  }
  return {};
}

Conversation::Next Conversation::on_connect(std::string_view data) {
  auto peer = parse_connect(data);
  if (!peer) return fail("bad connect information");
  policy::Client client;
  client.address = peer->address;
  client.name = std::move(peer->host_name);
  client.unix_socket = peer->unix_socket;
  mta_ = mail::mta_of_version(macro("v"));
  client.mta = mta_;
  session_->connect(std::move(client), macro("j"));
  stage_ = Stage::greeting;
  return Next::go_on;
}

Conversation::Next Conversation::on_helo(std::string_view data) {
  // A new HELO or MAIL ends the message under way: an MTA that refused it itself need not say so.
  if (data.size() > max_command_octets) return fail(too_long("HELO"));
  session_->abort();
  stage_ = Stage::greeting;
  session_->helo(std::string(data.substr(0, data.find('\0'))));
  return Next::go_on;
}

Conversation::Next Conversation::on_mail(std::string_view data) {
  if (data.size() > max_command_octets) return fail(too_long("MAIL"));
  const auto arguments = parse_strings(data);
  if (!arguments || arguments->empty()) return fail("bad MAIL arguments");
  // Macros of the last message do not apply to this one.
  static constexpr std::array<char, 4> of_message = {SMFIC_BODYEOB, SMFIC_EOH, SMFIC_DATA,
                                                     SMFIC_RCPT};
  forget_macros({of_message.data(), of_message.size()});
  session::MailFrom from;
  from.path = without_brackets(arguments->front());
  from.parameters = parameters(*arguments);
  const auto said = macros_.find(SMFIC_MAIL);
  from.authenticated = said != macros_.end() &&
                       std::any_of(said->second.begin(), said->second.end(), [](const auto& macro) {
                         return (macro.first == "auth_authen" || macro.first == "auth_type") &&
                                !macro.second.empty();
                       });
  recipients_ = recipient_octets_ = 0;
  session_->mail_from(std::move(from));
  stage_ = Stage::envelope;
  return Next::go_on;
}

Conversation::Next Conversation::on_recipient(std::string_view data) {
  if (data.size() > max_command_octets) return fail(too_long("RCPT"));
  const auto arguments = parse_strings(data);
  if (!arguments || arguments->empty()) return fail("bad RCPT arguments");
  recipient_octets_ += data.size() + arguments->size() * sizeof(std::string);
  if (++recipients_ > max_recipients || recipient_octets_ > max_recipient_octets) {
    return too_many_recipients();
  }
  session::Recipient recipient{without_brackets(arguments->front()), parameters(*arguments)};
  if ((agreed_.steps & SMFIP_NR_RCPT) != 0) {
    session_->rcpt_to(std::move(recipient));
    return Next::go_on;
  }
  awaits_step_ = true;
  session_->rcpt_to(std::move(recipient), [this](const session::Step& step) { answer(step); });
  return Next::go_on;
}

// RFC 5321 §4.5.3.1.10: the client sends again to the others. If the MTA does not wait for an
// answer here, the connection is closed.
Conversation::Next Conversation::too_many_recipients() {
  if ((agreed_.steps & SMFIP_NR_RCPT) != 0) {
    return fail("a message has more than " + std::to_string(max_recipients) + " recipients or " +
                std::to_string(max_recipient_octets) + " octets of them");
  }
  std::string out;
  put_reply(out, "452 4.5.3 too many recipients");
  send_(std::move(out));
  return Next::go_on;
}

Conversation::Next Conversation::on_header(std::string_view data) {
  const auto name_end = data.find('\0');
  if (name_end == std::string_view::npos || name_end + 1 == data.size() || data.back() != '\0') {
    return fail("bad header field");
  }
  auto value = data.substr(name_end + 1);
  value.remove_suffix(1);
  std::string text = with_crlf_folds(value);
  // The MTA has removed the blank that nearly every field has.
  if (loses_blanks()) text.insert(text.begin(), ' ');
  session_->header(std::string(data.substr(0, name_end)), std::move(text));
  stage_ = Stage::header;
  return Next::go_on;
}

Conversation::Next Conversation::on_end_of_header(std::string_view /*data*/) {
  session_->end_of_header();
  stage_ = Stage::body;
  return Next::go_on;
}

Conversation::Next Conversation::on_body(std::string_view data) {
  session_->body(data);
  return Next::go_on;
}

Conversation::Next Conversation::on_end_of_body(std::string_view data) {
  if (stage_ != Stage::body) session_->end_of_header();  // an MTA that sent no end of header
  if (!data.empty()) session_->body(data);
  stage_ = Stage::judging;
  session_->end_of_message(macro("i"),
                           [this](const session::Outcome& outcome) { answer(outcome); });
  return Next::go_on;
}

void Conversation::answer(const session::Step& step) noexcept {
  awaits_step_ = false;
  const bool told = contained([&] {
    std::string out;
    if (step.refusal) {
      put_reply(out, step.refusal->line());
    } else {
      put_packet(out, SMFIR_CONTINUE);
    }
    send_(std::move(out));
  });
  if (!told) tempfail();
}

void Conversation::put_edits(std::string& out, const session::Outcome& outcome) const {
  for (const auto& edit : outcome.verdict.edits) {
    switch (edit.kind) {
      case policy::Edit::Kind::remove:
        put_change_header(out, edit.index, edit.name, "");
        break;
      case policy::Edit::Kind::insert:
        put_insert_header(out, 0, edit.name, as_inserted(edit.value, agreed_));
        break;
    }
  }
}

// The whole answer or nothing: edits without the final packet would be taken for those of the next
// message.
void Conversation::answer(const session::Outcome& outcome) noexcept {
  stage_ = Stage::greeting;
  std::string out;
  if (!contained([&] { out = packets_of(outcome); })) return tempfail();
  send_(std::move(out));
}

std::string Conversation::packets_of(const session::Outcome& outcome) const {
  using policy::Action;
  using Held = session::Outcome::Held;
  std::string out;
  const auto& decision = outcome.verdict.message;
  const bool lacks_quarantine =
      outcome.held == Held::by_mta && (agreed_.actions & SMFIF_QUARANTINE) == 0;
  const bool lacks_deletion = outcome.held == Held::some && (agreed_.actions & SMFIF_DELRCPT) == 0;
  if (decision.action == Action::tempfail && !decision.reply) {
    put_packet(out, SMFIR_TEMPFAIL);  // there was no memory for more
  } else if (decision.action == Action::reject || decision.action == Action::tempfail) {
    put_reply(out, decision.reply->line());
  } else if (lacks_quarantine || lacks_deletion) {
    // Deferred, because it must not be delivered without being held.
    put_reply(out, lacks_quarantine ? "451 4.7.1 the MTA offers no quarantine to its filter"
                                    : "451 4.7.1 the MTA lets its filter delete no recipient");
  } else if (outcome.held == Held::whole) {
    put_packet(out, SMFIR_DISCARD);
  } else {
    put_edits(out, outcome);
    for (const auto& to : outcome.recipients_held) put_delete_recipient(out, "<" + to + ">");
    if (outcome.held == Held::by_mta) put_quarantine(out, outcome.hold_reason);
    // A quarantine counts only when `continue` or `accept` follows it, without a reply text.
    put_packet(out, SMFIR_CONTINUE);
  }
  return out;
}

Conversation::Next Conversation::on_abort(std::string_view /*data*/) {
  session_->abort();
  awaits_step_ = false;
  if (in_message()) stage_ = Stage::greeting;
  return Next::go_on;
}

Conversation::Next Conversation::on_quit(std::string_view /*data*/) { return Next::close; }

Conversation::Next Conversation::on_new_connection(std::string_view /*data*/) {
  awaits_step_ = false;
  new_session();
  stage_ = Stage::connected;
  return Next::go_on;
}

// DATA and unknown commands were negotiated away where the MTA can do so.
Conversation::Next Conversation::on_ignored(std::string_view /*data*/) { return Next::go_on; }

}  // namespace sekisho::milter
