// What an SMTP server says to a release. The input is cut at NULs: first the letter, with one line
// each for a parameter of MAIL, the sender, and for each recipient address and parameter, then
// after an empty line its content; then one reply for each command that it is sent. The server is a
// real one on loopback, and remembers. A message counts as accepted when it is there as it was sent
// and the server took it, as refused or deferred only if the server has not; and nothing of the
// letter becomes a command.
#include <algorithm>
#include <string>
#include <thread>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/ascii.h"
#include "base/unique_handle.h"
#include "fuzz/require.h"
#include "relay/smtp_client.h"

namespace {

using namespace sekisho;
using fuzz::require;
using relay::Handover;
using Code = Handover::Code;

// So much comes in one piece over loopback, and is read in one: what the client sees does not hang
// on time.
constexpr std::size_t max_input = 3500;
constexpr std::string_view end_of_data = "\r\n.\r\n";

struct Exchange {
  std::string command;  // without its line end; the first is empty; the message with its end
  std::string reply;
};
using Dialogue = std::vector<Exchange>;

// Whether a client that reads the reply plainly would wait for more.
bool is_open(std::string_view reply) {
  if (!reply.ends_with("\r\n")) return true;
  const std::string_view body = reply.substr(0, reply.size() - 2);
  const std::size_t feed = body.rfind("\r\n");
  const std::string_view last = feed == std::string_view::npos ? body : body.substr(feed + 2);
  return last.size() > 3 && last[3] == '-';
}

class SmtpServer {
 public:
  SmtpServer() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    require(::bind(listening_.get(), generic, size) == 0 && ::listen(listening_.get(), 8) == 0 &&
            ::getsockname(listening_.get(), generic, &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  std::uint16_t port() const { return port_; }

  // One connection.
  Dialogue serve(const std::vector<std::string_view>& replies) const {
    pollfd waiting{listening_.get(), POLLIN, 0};
    require(::poll(&waiting, 1, 60'000) == 1);
    const UniqueFd fd(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    // No TIME_WAIT: a fuzzer would be out of ports within seconds.
    const linger at_once{1, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    Dialogue dialogue;
    std::string heard;
    std::size_t next = 0;
    bool message = false;
    for (bool first = true; first || take_command(fd.get(), heard, message, dialogue);) {
      if (first) dialogue.push_back({});
      first = false;
      std::string reply;
      while (next < replies.size() && (reply.empty() || is_open(reply))) reply += replies[next++];
      dialogue.back().reply = reply;
      message = reply.starts_with("354") && dialogue.back().command == "DATA";
      if (!reply.empty()) ::send(fd.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
      if (next == replies.size()) ::shutdown(fd.get(), SHUT_WR);
    }
    return dialogue;
  }

 private:
  static bool take_command(int fd, std::string& heard, bool message, Dialogue& dialogue) {
    // Behind the line end of DATA the end of an empty message is a dot alone.
    const auto found = [&] {
      if (!message) return heard.find("\r\n");
      return heard.starts_with(".\r\n") ? 0 : heard.find(end_of_data);
    };
    while (found() == std::string::npos) {
      char chunk[4096];
      const ssize_t got = ::recv(fd, chunk, sizeof chunk, 0);
      if (got <= 0) return false;
      heard.append(chunk, static_cast<std::size_t>(got));
    }
    const std::size_t end = found();
    const std::size_t octets = !message ? end + 2 : heard.starts_with(".\r\n") ? 3 : end + 5;
    // The next command comes after the reply to this one, QUIT included.
    require(heard.size() == octets);
    dialogue.push_back({heard.substr(0, message ? octets : end), ""});
    heard.clear();
    return true;
  }

  UniqueFd listening_;
  std::uint16_t port_ = 0;
};

struct Given {
  relay::Letter letter;
  std::string content;
};

Given letter_of(std::string_view text) {
  Given given;
  const std::size_t gap = text.find("\n\n");
  if (gap != std::string_view::npos) given.content = text.substr(gap + 2);
  const auto lines = fuzz::split(text.substr(0, gap), '\n');
  if (!lines[0].empty()) given.letter.mail_parameters = {std::string(lines[0])};
  if (lines.size() > 1) given.letter.mail_from = lines[1];
  for (std::size_t i = 2; i + 1 < lines.size(); i += 2) {
    given.letter.recipients.push_back({std::string(lines[i]), {std::string(lines[i + 1])}});
  }
  return given;
}

// RFC 5321 §4.5.2 undone.
std::string without_dots(std::string_view message) {
  message.remove_suffix(3);
  std::string out;
  bool line_begins = true;
  for (const char c : message) {
    if (!(line_begins && c == '.')) out += c;
    line_begins = c == '\n';
  }
  return out;
}

// The first digit of what is one reply, read plainly; '\0' for everything else.
char class_of(std::string_view reply) {
  if (!reply.ends_with("\r\n")) return '\0';
  std::string_view code;
  std::size_t count = 0;
  while (!reply.empty()) {
    const std::size_t end = reply.find("\r\n");
    const std::string_view line = reply.substr(0, end);
    reply.remove_prefix(end + 2);
    if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, ascii::is_digit))
      return '\0';
    if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return '\0';
    if (count++ > 0 && line.substr(0, 3) != code) return '\0';
    code = line.substr(0, 3);
    const bool last = line.size() == 3 || line[3] == ' ';
    if (last != reply.empty() || (!last && count >= 100)) return '\0';
  }
  return code[0] >= '2' && code[0] <= '5' ? code[0] : '\0';
}

bool has_keyword(const Dialogue& dialogue, const std::string& keyword) {
  return std::any_of(dialogue.begin(), dialogue.end(), [&](const Exchange& each) {
    const std::string reply = ascii::lower(each.reply);
    return each.command.starts_with("EHLO ") && reply.find(keyword) != std::string::npos;
  });
}

void check_commands(const Dialogue& dialogue, const relay::Letter& letter) {
  std::size_t recipients = 0;
  for (std::size_t i = 1; i < dialogue.size(); ++i) {
    const std::string& command = dialogue[i].command;
    if (dialogue[i - 1].command == "DATA" && class_of(dialogue[i - 1].reply) == '3') continue;
    require(std::none_of(command.begin(), command.end(), ascii::is_control));
    const bool mail = command.starts_with("MAIL FROM:<" + letter.mail_from + ">");
    const bool rcpt =
        recipients < letter.recipients.size() &&
        command.starts_with("RCPT TO:<" + letter.recipients[recipients].address + ">");
    require(mail || rcpt || command == "EHLO mx.shop.test" || command == "HELO mx.shop.test" ||
            command == "DATA" || command == "QUIT");
    if (rcpt) ++recipients;
    if (!mail && !rcpt) continue;
    // Behind the address only parameters that the server knows.
    const std::string_view rest = std::string_view(command).substr(command.rfind('>') + 1);
    const auto goes_with = [&](const char* parameter, const char* keyword) {
      require(rest.find(parameter) == std::string_view::npos || has_keyword(dialogue, keyword));
    };
    goes_with(" BODY=", "8bitmime");
    goes_with(" SIZE=", "size");
    goes_with(" SMTPUTF8", "smtputf8");
    goes_with(" NOTIFY=", "dsn");
  }
}

const Exchange* message_of(const Dialogue& dialogue) {
  for (std::size_t i = 1; i < dialogue.size(); ++i) {
    const Exchange& before = dialogue[i - 1];
    if (before.command == "DATA" && before.reply.starts_with("354")) return &dialogue[i];
  }
  return nullptr;
}

void check_outcome(const Handover& outcome, const Dialogue& dialogue, const Given& given) {
  require(!outcome.why.empty() && outcome.why.size() < 2000);
  const Exchange* message = message_of(dialogue);
  if (message == nullptr) {
    require(outcome.code != Code::accepted && outcome.code != Code::uncertain);
    return;
  }
  require(outcome.refused.empty());
  const bool ended = given.content.empty() || given.content.ends_with("\r\n");
  require(without_dots(message->command) == given.content + (ended ? "" : "\r\n"));
  // Of whatever is neither yes nor no, nobody knows what it means.
  switch (class_of(message->reply)) {
    case '2':
      return require(outcome.code == Code::accepted);
    case '4':
      return require(outcome.code == Code::deferred);
    case '5':
      return require(outcome.code == Code::refused);
    default:
      return require(outcome.code == Code::uncertain);
  }
}

// What cannot go over SMTP at all is not even tried.
bool is_sendable(const Given& given) {
  const auto clean = [](const std::string& text) {
    return std::none_of(text.begin(), text.end(), ascii::is_control);
  };
  const auto& to = given.letter.recipients;
  return !relay::has_bare_line_end(given.content) && clean(given.letter.mail_from) && !to.empty() &&
         std::all_of(to.begin(), to.end(), [&](const relay::LetterRecipient& one) {
           return !one.address.empty() && clean(one.address);
         });
}

Handover send(const SmtpServer& server, const Given& given) {
  // A server that is silent is a test of its own, in unit/relay_smtp_client.cc: it takes time.
  return relay::hand_over_by_smtp({"127.0.0.1", server.port()}, given.letter, "mx.shop.test");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const SmtpServer server;
  if (size > max_input) return 0;
  auto pieces = fuzz::split(fuzz::text_of(data, size), '\0');
  Given given = letter_of(pieces[0]);
  given.letter.content = given.content;
  pieces.erase(pieces.begin());
  if (!is_sendable(given)) {
    require(send(server, given).code == Code::impossible);
    return 0;
  }
  Handover outcome;
  std::thread client([&] { outcome = send(server, given); });
  const Dialogue dialogue = server.serve(pieces);
  client.join();
  check_commands(dialogue, given.letter);
  check_outcome(outcome, dialogue, given);
  return 0;
}
