#include "bench/load/run.h"

#include <strings.h>

#include <atomic>
#include <memory>
#include <sstream>
#include <thread>

namespace sekisho::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Shared by the sessions: which message is next, and when to stop.
struct Dispenser {
  std::uint64_t limit;
  Clock::time_point deadline;
  std::atomic<std::uint64_t> next{0};

  bool take(std::uint64_t& index) {
    if (Clock::now() >= deadline) return false;
    index = next.fetch_add(1);
    return limit == 0 || index < limit;
  }
};

// The first result of each method, but a DKIM pass before a DKIM failure.
void read_verdicts(const std::string& value, std::map<std::string, std::string>& verdicts) {
  for (const std::string method : {"spf", "dkim", "dmarc"}) {
    const std::string key = method + "=";
    for (auto at = value.find(key); at != std::string::npos; at = value.find(key, at + 1)) {
      if (at > 0 && std::string_view("; \t\n").find(value[at - 1]) == std::string_view::npos)
        continue;
      const auto start = at + key.size();
      const auto result = value.substr(start, value.find_first_of("; \t\r\n(", start) - start);
      const auto [it, fresh] = verdicts.emplace(method, result);
      if (!fresh && method == "dkim" && result == "pass") it->second = result;
    }
  }
}

class Session {
 public:
  Session(const std::vector<Message>& corpus, const LoadOptions& options, Dispenser& dispenser,
          unsigned number)
      : corpus_(corpus), options_(options), dispenser_(dispenser), number_(number) {}

  void run() {
    for (std::uint64_t index = 0; dispenser_.take(index);) {
      const Message& message = corpus_[index % corpus_.size()];
      try {
        one_message(message);
        ++result_.messages;
      } catch (const WireError& error) {
        ++result_.errors;
        ++result_.problems[std::string("error: ") + error.what()];
        filters_.clear();
      }
      std::this_thread::sleep_for(options_.message_delay);
    }
    close();
  }

  const LoadResult& result() const { return result_; }

 private:
  void pause() const { std::this_thread::sleep_for(options_.command_delay); }

  void note(const char* stage, Clock::time_point start, Reply reply) {
    result_.stages[stage].push_back(seconds_since(start));
    if (reply == Reply::proceed && std::string_view(stage) != "eom") return;
    ++result_.replies[std::string(stage) + " " + std::string(reply_name(reply))];
    if (reply != Reply::proceed && reply != Reply::accept) refused_ = true;
  }

  template <class Call>
  void each(const char* stage, Call call) {
    const auto start = Clock::now();
    Reply last = Reply::proceed;
    for (auto& filter : filters_) {
      const Reply reply = call(*filter);
      if (reply != Reply::proceed) last = reply;
      if (last != Reply::proceed && last != Reply::accept) break;
    }
    note(stage, start, last);
  }

  void open(const Envelope& envelope) {
    const auto start = Clock::now();
    for (const auto& filter : options_.chain) {
      filters_.push_back(std::make_unique<FilterSession>(filter));
    }
    note("negotiate", start, Reply::proceed);
    each("connect", [&](FilterSession& filter) { return filter.connect(envelope); });
    pause();
    each("helo", [&](FilterSession& filter) { return filter.helo(envelope); });
    on_connection_ = 0;
  }

  void close() {
    for (auto& filter : filters_) {
      try {
        filter->quit();
      } catch (const WireError&) {
        continue;  // it has left before us
      }
    }
    filters_.clear();
  }

  void one_message(const Message& message) {
    refused_ = false;
    const Envelope& envelope = message.envelope;
    const std::string queue_id = next_queue_id();
    if (filters_.empty()) open(envelope);
    if (!refused_) {
      pause();
      each("mail", [&](FilterSession& filter) { return filter.mail(envelope); });
    }
    for (const auto& to : envelope.rcpt) {
      if (refused_) break;
      pause();
      each("rcpt", [&](FilterSession& f) { return f.rcpt(envelope, to, queue_id); });
    }
    if (!refused_) {
      pause();
      each("data", [&](FilterSession& filter) { return filter.data(queue_id); });
    }
    if (!refused_) {
      pause();
      content(message, queue_id);
    } else {
      for (auto& filter : filters_) filter->abort();
    }
    if (++on_connection_ >= options_.messages_per_connection) close();
  }

  void content(const Message& message, const std::string& queue_id) {
    const auto start = Clock::now();
    std::map<std::string, std::string> verdicts;
    std::vector<Field> header = message.header;
    Reply reply = Reply::proceed;
    for (auto& filter : filters_) {
      Edits edits;
      reply = filter->message(header, message.body, queue_id, edits);
      header = apply_edits(header, edits);
      for (const auto& insert : edits.inserted) see_field(insert.field, verdicts);
      for (const auto& field : edits.added) see_field(field, verdicts);
      if (!edits.quarantine.empty()) ++result_.replies["eom quarantine"];
      if (edits.progress > 0) ++result_.replies["eom progress"];
      if (reply != Reply::proceed && reply != Reply::accept) break;
    }
    const double took = seconds_since(start);
    note("eom", start, reply);
    result_.header_to_reply["all"].push_back(took);
    if (!message.envelope.group.empty()) {
      result_.header_to_reply[message.envelope.group].push_back(took);
    }
    compare(message, verdicts);
  }

  static void see_field(const Field& field, std::map<std::string, std::string>& verdicts) {
    if (strcasecmp(field.name.c_str(), "Authentication-Results") == 0) {
      read_verdicts(field.value, verdicts);
    }
  }

  void compare(const Message& message, const std::map<std::string, std::string>& verdicts) {
    for (const auto& [method, result] : verdicts) ++result_.verdicts[method + "=" + result];
    std::istringstream expected(message.envelope.expect);
    for (std::string word; expected >> word;) {
      const auto method = word.substr(0, word.find('='));
      const auto found = verdicts.find(method);
      if (found == verdicts.end()) {
        ++result_.agreement[method + " absent"];
        continue;
      }
      const bool same = method + "=" + found->second == word;
      ++result_.agreement[method + (same ? " agree" : " differ")];
      if (!same && result_.problems.size() < 20) {
        ++result_.problems[message.file + ": expected " + word + ", got " + found->second];
      }
    }
  }

  std::string next_queue_id() {
    std::ostringstream id;
    id << "4L" << std::hex << std::uppercase << number_ << "Z" << ++sent_;
    return id.str();
  }

  const std::vector<Message>& corpus_;
  const LoadOptions& options_;
  Dispenser& dispenser_;
  unsigned number_;
  std::vector<std::unique_ptr<FilterSession>> filters_;
  unsigned on_connection_ = 0;
  std::uint64_t sent_ = 0;
  bool refused_ = false;
  LoadResult result_;
};

}  // namespace

void LoadResult::merge(const LoadResult& other) {
  messages += other.messages;
  errors += other.errors;
  const auto append = [](auto& into, const auto& from) {
    for (const auto& [key, samples] : from) {
      into[key].insert(into[key].end(), samples.begin(), samples.end());
    }
  };
  const auto add = [](auto& into, const auto& from) {
    for (const auto& [key, count] : from) into[key] += count;
  };
  append(stages, other.stages);
  append(header_to_reply, other.header_to_reply);
  add(replies, other.replies);
  add(verdicts, other.verdicts);
  add(agreement, other.agreement);
  add(problems, other.problems);
}

LoadResult run_load(const std::vector<Message>& corpus, const LoadOptions& options) {
  const auto start = Clock::now();
  const bool forever = options.duration.count() == 0;
  Dispenser dispenser{options.messages,
                      forever ? Clock::time_point::max() : start + options.duration};
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < options.sessions; ++i) {
    sessions.push_back(std::make_unique<Session>(corpus, options, dispenser, i));
    threads.emplace_back([session = sessions.back().get()] { session->run(); });
  }
  for (auto& thread : threads) thread.join();
  LoadResult total;
  for (const auto& session : sessions) total.merge(session->result());
  total.elapsed_seconds = seconds_since(start);
  return total;
}

}  // namespace sekisho::bench
