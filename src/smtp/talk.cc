#include "smtp/talk.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/encoding.h"

namespace sekisho::smtp {

Talk::Talk(Services& shared, Ports ports, Client who)
    : services(shared),
      client(std::move(who)),
      site(shared.sites.now()),
      ports_(std::move(ports)) {}

void Talk::begin(Verb verb) {
  verb_ = verb;
  ++counts_[verb].all;
}

void Talk::answer(const Reply& reply, std::string lines_before) {
  // 334 and 354 are no ends: the command's own answer follows.
  if (reply.positive() && reply.code < 300) ++counts_[verb()].good;
  ports_.send(lines_before.append(reply.line()).append("\r\n"));
  const bool limited = client.profile != Profile::local;
  // What a limit of ours refuses is no error of the client: it may go on with those it has.
  const bool over_limit = reply.code == 452 || (reply.code == 450 && reply.status == "4.7.1");
  const bool enough = over_limit ? ++over_limits_ >= most_over_limits
                                 : !reply.positive() && ++errors_ >= most_errors;
  if (enough && limited && state != State::ended) {
    log(LogLevel::info, "too many errors after " + where() + " from " + client.text());
    end(421, "4.7.0", "Error: too many errors");
  }
  if (std::exchange(waiting_, false)) resume();
}

void Talk::end(int code, std::string_view status, std::string_view text) {
  const Reply last{code, std::string(status), site->hostname + " " + std::string(text)};
  if (code < 400) ++counts_[verb()].good;
  ports_.send(last.line() + "\r\n");
  state = State::ended;
}

std::string Talk::where() const {
  if (state == State::judging) return "END-OF-MESSAGE";
  if (!verb_) return "CONNECT";
  std::string word(to_string(*verb_));
  std::transform(word.begin(), word.end(), word.begin(), ascii::to_upper);
  return word;
}

void Talk::later(std::chrono::milliseconds time, std::function<void()> then) {
  ports_.later(time, [this, alive = alive_, then = std::move(then)] {
    if (*alive) guarded(then);
  });
}

void Talk::log_reject(std::string_view what, std::string_view stage, const Reply& reply,
                      std::string_view envelope, std::string_view note) {
  std::string line = "NOQUEUE: " + std::string(what) + ": " + std::string(stage) + " from " +
                     client.text() + ": " + reply.line() + ";";
  line.append(envelope).append(" proto=").append(client.esmtp ? "ESMTP" : "SMTP");
  if (!client.helo.empty()) line += " helo=<" + escape_as_word(client.helo, 255) + ">";
  if (!client.login.empty()) line += " sasl_username=" + escape_as_word(client.login, 255);
  if (!note.empty()) line.append(" (").append(note).append(")");
  log(LogLevel::info, line);
}

std::string Talk::statistics() const {
  const auto text = [](const Count& count) {
    const std::string all = std::to_string(count.all);
    return count.good == count.all ? all : std::to_string(count.good) + "/" + all;
  };
  std::string out;
  Count sum;
  for (const Verb verb : all_values<Verb>()) {
    const auto& count = counts_[verb];
    if (count.all == 0) continue;
    out.append(" ").append(to_string(verb)).append("=").append(text(count));
    sum.all += count.all;
    sum.good += count.good;
  }
  return out + " commands=" + text(sum);
}

}  // namespace sekisho::smtp
