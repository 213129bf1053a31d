#include "cli/sendmail_submit.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>

#include "base/host_name.h"
#include "relay/dot_lines.h"
#include "relay/reply.h"

namespace sekisho::cli {

namespace {

// The daemon answers in milliseconds, and the end of DATA within the time budget of a message. What
// it has not answered by then goes into the drop folder.
constexpr timeval patience{10 * 60, 0};

bool has_eight_bit(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x80; });
}

// RFC 3461 §4: `+`, `=` and what is not printable ASCII.
std::string xtext(const std::string& text) {
  constexpr const char* digits = "0123456789ABCDEF";
  std::string out;
  for (const char each : text) {
    const auto c = static_cast<unsigned char>(each);
    if (c > ' ' && c < 0x7f && c != '+' && c != '=') {
      out += each;
    } else {
      out.append("+").append(1, digits[c >> 4]).append(1, digits[c & 15]);
    }
  }
  return out;
}

std::string mail_command(const Submission& submission, const SendmailOptions& options) {
  std::string line = "MAIL FROM:<" + submission.sender + ">";
  if (has_eight_bit(submission.content) || options.body == "8BITMIME") line += " BODY=8BITMIME";
  if (!options.ret.empty()) line += " RET=" + options.ret;
  if (!options.envelope_id.empty()) line += " ENVID=" + xtext(options.envelope_id);
  const auto& all = submission.recipients;
  if (has_eight_bit(submission.sender) || std::any_of(all.begin(), all.end(), has_eight_bit))
    line += " SMTPUTF8";
  return line;
}

// A dialogue over a blocking socket. Errors: a sentence.
class Dialogue {
 public:
  explicit Dialogue(UniqueFd fd) : fd_(std::move(fd)) {
    for (const int option : {SO_RCVTIMEO, SO_SNDTIMEO})
      ::setsockopt(fd_.get(), SOL_SOCKET, option, &patience, sizeof patience);
  }

  Expected<relay::Reply, std::string> say(const std::string& command) {
    if (auto sent = send(command + "\r\n"); !sent) return tl::unexpected(sent.error());
    return hear();
  }

  Expected<void, std::string> send(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t sent = ::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return tl::unexpected<std::string>(std::strerror(errno));
      octets.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
  }

  Expected<relay::Reply, std::string> hear() {
    relay::ReplyReader reader(relay::ReplyReader::Strictness::exact);
    while (true) {
      std::string_view unread = received_;
      const auto state = reader.read(unread);
      received_.erase(0, received_.size() - unread.size());
      if (state == relay::ReplyReader::State::complete) return reader.take();
      if (state == relay::ReplyReader::State::broken) return tl::unexpected(reader.why());
      if (auto more = receive(); !more) return tl::unexpected(more.error());
    }
  }

 private:
  Expected<void, std::string> receive() {
    char octets[4096];
    ssize_t count = 0;
    do {
      count = ::recv(fd_.get(), octets, sizeof octets, 0);
    } while (count < 0 && errno == EINTR);
    if (count < 0) return tl::unexpected<std::string>(std::strerror(errno));
    if (count == 0) return tl::unexpected<std::string>("sekishod closed the connection");
    received_.append(octets, static_cast<std::size_t>(count));
    return {};
  }

  UniqueFd fd_;
  std::string received_;
};

class Transaction {
 public:
  Transaction(Dialogue& dialogue, const Dropped& message)
      : dialogue_(dialogue), message_(message) {}

  Submitted run() {
    if (!positive(dialogue_.hear()) || !positive(dialogue_.say("EHLO " + host_name())) ||
        !positive(dialogue_.say(message_.mail)) || !name_recipients() || !any_taken_)
      return std::move(result_);
    if (const auto go = dialogue_.say("DATA"); !go || !go->intermediate()) {
      not_taken(go);
      return std::move(result_);
    }
    std::string octets;
    relay::DotLines lines;
    if (!lines.add(message_.content, octets) || !lines.end(octets)) {
      result_.refused.push_back({"", "the message has a bare CR or LF"});
      return std::move(result_);
    }
    const auto sent = dialogue_.send(octets);
    const Answer answer = sent ? dialogue_.hear() : Answer(tl::unexpected(sent.error()));
    if (positive(answer)) {
      result_.answer = answer->text();
      (void)dialogue_.say("QUIT");
    }
    return std::move(result_);
  }

 private:
  using Answer = Expected<relay::Reply, std::string>;

  bool name_recipients() {
    for (const auto& each : message_.rcpts) {
      const auto answer = dialogue_.say(each);
      if (!answer || answer->code == 421) return positive(answer);
      if (answer->positive()) {
        any_taken_ = true;
      } else if (answer->permanent()) {
        result_.refused.push_back({each, answer->text()});
      } else {
        result_.waiting.push_back(each);
        result_.why_waiting = answer->text();
      }
    }
    return true;
  }

  // Whether the dialogue goes on.
  bool positive(const Answer& answer) {
    if (answer && answer->positive()) return true;
    not_taken(answer);
    return false;
  }

  void not_taken(const Answer& answer) {
    if (answer && answer->permanent()) {
      result_.refused.push_back({"", answer->text()});
    } else {
      all_wait(answer ? answer->text() : answer.error());
    }
  }

  // All but those that are refused for good.
  void all_wait(const std::string& why) {
    result_.waiting.clear();
    for (const auto& each : message_.rcpts) {
      const bool refused = std::any_of(result_.refused.begin(), result_.refused.end(),
                                       [&](const auto& one) { return one.rcpt == each; });
      if (!refused) result_.waiting.push_back(each);
    }
    result_.why_waiting = why;
  }

  Dialogue& dialogue_;
  const Dropped& message_;
  bool any_taken_ = false;
  Submitted result_;
};

}  // namespace

Dropped envelope_of(Submission submission, const SendmailOptions& options) {
  Dropped message{mail_command(submission, options), {}, std::move(submission.content)};
  for (const auto& each : submission.recipients) {
    message.rcpts.push_back("RCPT TO:<" + each + ">" +
                            (options.notify.empty() ? "" : " NOTIFY=" + options.notify));
  }
  return message;
}

Submitted submit(UniqueFd connected, const Dropped& message) {
  Dialogue dialogue(std::move(connected));
  return Transaction(dialogue, message).run();
}

}  // namespace sekisho::cli
