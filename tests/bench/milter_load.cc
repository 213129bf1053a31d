// milter_load: sends a corpus through one filter or a chain of filters as Postfix would, and
// measures them. Prints throughput, latencies, the filters' answers, and what their processes used
// per message.

#include <getopt.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "bench/load/process_usage.h"
#include "bench/load/run.h"

namespace sekisho::bench {
namespace {

constexpr const char* kHelp =
    R"(usage: milter_load --corpus DIR --filter SOCKET [--filter SOCKET ...] [options]

  --filter SOCKET     inet:PORT@HOST or unix:PATH; several are a chain, in this order
  --corpus DIR        NAME.eml with NAME.env, as corpus.py writes them
  --sessions N        SMTP clients at once (16)
  --messages N        stop after N messages (one pass of the corpus)
  --seconds S         stop after S seconds
  --warmup N          messages sent before the measurement begins (0)
  --per-connection N  messages per connection (1)
  --command-delay MS  the client's pause between its commands (0)
  --message-delay MS  pause between two messages of a session (0)
  --flush reply|event keep events that get no reply in the buffer, as Postfix does (reply), or not
  --pid PID           measure this process with its descendants; may be repeated
  --timeout S         give up on a filter that is silent for so long (300)
  --json FILE         write everything as JSON; - is standard output
  --csv FILE          append one line
  --label TEXT        name of this run in the outputs
)";

struct Options {
  LoadOptions load;
  FilterOptions filter;  // what all filters of the chain share
  std::string corpus;
  std::uint64_t warmup = 0;
  std::vector<int> pids;
  std::string json;
  std::string csv;
  std::string label = "run";
};

struct Measured {
  LoadResult load;
  Usage before;
  Usage after;

  double cpu_ms_per_message() const {
    if (load.messages == 0) return 0;
    const double cpu = after.cpu_seconds() - before.cpu_seconds();
    return cpu * 1000 / static_cast<double>(load.messages);
  }
};

double quantile(const Samples& sorted, double q) {
  if (sorted.empty()) return 0;
  return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1) + 0.5)];
}

nlohmann::json summary(Samples samples) {
  std::sort(samples.begin(), samples.end());
  nlohmann::json out = {{"count", samples.size()}};
  constexpr std::pair<const char*, double> kQuantiles[] = {
      {"min", 0}, {"median", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
  for (const auto& [name, q] : kQuantiles) out[name] = quantile(samples, q) * 1000;
  return out;
}

nlohmann::json to_json(const Options& options, const Measured& measured) {
  const LoadResult& load = measured.load;
  nlohmann::json out = {
      {"label", options.label},
      {"corpus", options.corpus},
      {"sessions", options.load.sessions},
      {"messages", load.messages},
      {"errors", load.errors},
      {"elapsed_s", load.elapsed_seconds},
      {"messages_per_s", static_cast<double>(load.messages) / load.elapsed_seconds},
      {"replies", load.replies},
      {"verdicts", load.verdicts},
      {"agreement", load.agreement},
      {"problems", load.problems}};
  for (const auto& [name, samples] : load.stages) out["stages_ms"][name] = summary(samples);
  for (const auto& [name, samples] : load.header_to_reply) {
    out["header_to_reply_ms"][name] = summary(samples);
  }
  const double user = measured.after.user_seconds - measured.before.user_seconds;
  const double system = measured.after.system_seconds - measured.before.system_seconds;
  out["cpu"] = {{"user_s", user},
                {"system_s", system},
                {"ms_per_message", measured.cpu_ms_per_message()},
                {"processes", measured.after.processes}};
  out["memory_kb"] = {{"rss_before", measured.before.rss_kb},
                      {"rss", measured.after.rss_kb},
                      {"rss_peak", measured.after.peak_rss_kb},
                      {"pss", measured.after.pss_kb}};
  return out;
}

void print_times(const char* title, const nlohmann::json& table) {
  std::printf("\n%-22s %8s %9s %9s %9s %9s %9s  (ms)\n", title, "count", "min", "median", "p90",
              "p99", "max");
  for (const auto& [name, row] : table.items()) {
    std::printf("  %-20s %8llu %9.3f %9.3f %9.3f %9.3f %9.3f\n", name.c_str(),
                row["count"].get<unsigned long long>(), row["min"].get<double>(),
                row["median"].get<double>(), row["p90"].get<double>(), row["p99"].get<double>(),
                row["max"].get<double>());
  }
}

void print_counts(const char* title, const nlohmann::json& counts) {
  if (counts.empty()) return;
  std::printf("\n%s\n", title);
  for (const auto& [name, count] : counts.items()) {
    std::printf("  %8llu  %s\n", count.get<unsigned long long>(), name.c_str());
  }
}

void print_table(const nlohmann::json& out) {
  std::printf("%s: %llu messages, %llu errors, %u sessions, %.2f s, %.1f messages/s\n",
              out["label"].get<std::string>().c_str(), out["messages"].get<unsigned long long>(),
              out["errors"].get<unsigned long long>(), out["sessions"].get<unsigned>(),
              out["elapsed_s"].get<double>(), out["messages_per_s"].get<double>());
  if (out["cpu"]["processes"].get<unsigned>() > 0) {
    std::printf("CPU %.3f ms/message (user %.2f s, system %.2f s, %u processes)\n",
                out["cpu"]["ms_per_message"].get<double>(), out["cpu"]["user_s"].get<double>(),
                out["cpu"]["system_s"].get<double>(), out["cpu"]["processes"].get<unsigned>());
    std::printf(
        "memory: %llu KB resident, %llu KB at its peak, %llu KB with shared pages divided\n",
        out["memory_kb"]["rss"].get<unsigned long long>(),
        out["memory_kb"]["rss_peak"].get<unsigned long long>(),
        out["memory_kb"]["pss"].get<unsigned long long>());
  }
  print_times("stage", out["stages_ms"]);
  print_times("header to reply", out["header_to_reply_ms"]);
  print_counts("replies", out["replies"]);
  print_counts("verdicts", out["verdicts"]);
  print_counts("agreement with the corpus", out["agreement"]);
  print_counts("problems", out["problems"]);
}

void append_csv(const std::string& path, const nlohmann::json& out) {
  std::ofstream csv(path, std::ios::app);
  if (csv.tellp() == 0) {
    csv << "label,corpus,sessions,messages,errors,messages_per_s,cpu_ms_per_message,"
           "header_to_reply_median_ms,header_to_reply_p99_ms,rss_kb,rss_peak_kb\n";
  }
  const auto& latency =
      out["header_to_reply_ms"].contains("all") ? out["header_to_reply_ms"]["all"] : summary({});
  csv << out["label"].get<std::string>() << ',' << out["corpus"].get<std::string>() << ','
      << out["sessions"] << ',' << out["messages"] << ',' << out["errors"] << ','
      << out["messages_per_s"] << ',' << out["cpu"]["ms_per_message"] << ',' << latency["median"]
      << ',' << latency["p99"] << ',' << out["memory_kb"]["rss"] << ','
      << out["memory_kb"]["rss_peak"] << '\n';
}

[[noreturn]] void usage_error(const std::string& what) {
  std::cerr << "milter_load: " << what << "\n" << kHelp;
  std::exit(64);  // EX_USAGE
}

std::uint64_t number(const char* text) {
  char* end = nullptr;
  const auto value = std::strtoull(text, &end, 10);
  if (end == text || *end != '\0') usage_error(std::string("not a number: ") + text);
  return value;
}

// One row an option: its name, and what its argument does.
struct Row {
  const char* name;
  void (*set)(Options& options, const char* value);
};

std::chrono::milliseconds milliseconds(const char* text) {
  return std::chrono::milliseconds(number(text));
}

void set_flush(Options& options, const char* value) {
  const std::string_view text = value;
  if (text != "reply" && text != "event") usage_error("--flush takes reply or event");
  options.filter.flush_when = text == "event" ? FlushWhen::event : FlushWhen::reply;
}

constexpr Row kRows[] = {
    {"filter", [](Options& o, const char* v) { o.load.chain.emplace_back().endpoint = v; }},
    {"corpus", [](Options& o, const char* v) { o.corpus = v; }},
    {"sessions",
     [](Options& o, const char* v) { o.load.sessions = static_cast<unsigned>(number(v)); }},
    {"messages", [](Options& o, const char* v) { o.load.messages = number(v); }},
    {"seconds",
     [](Options& o, const char* v) { o.load.duration = std::chrono::seconds(number(v)); }},
    {"warmup", [](Options& o, const char* v) { o.warmup = number(v); }},
    {"per-connection",
     [](Options& o, const char* v) {
       o.load.messages_per_connection = static_cast<unsigned>(number(v));
     }},
    {"command-delay", [](Options& o, const char* v) { o.load.command_delay = milliseconds(v); }},
    {"message-delay", [](Options& o, const char* v) { o.load.message_delay = milliseconds(v); }},
    {"flush", set_flush},
    {"pid", [](Options& o, const char* v) { o.pids.push_back(static_cast<int>(number(v))); }},
    {"timeout",
     [](Options& o, const char* v) { o.filter.timeout = std::chrono::seconds(number(v)); }},
    {"json", [](Options& o, const char* v) { o.json = v; }},
    {"csv", [](Options& o, const char* v) { o.csv = v; }},
    {"label", [](Options& o, const char* v) { o.label = v; }},
};
constexpr int kHelpOption = 'h';

std::vector<option> long_options() {
  std::vector<option> out;
  for (const auto& row : kRows) out.push_back({row.name, required_argument, nullptr, 0});
  out.push_back({"help", no_argument, nullptr, kHelpOption});
  out.push_back({nullptr, 0, nullptr, 0});
  return out;
}

Options read_options(int argc, char** argv) {
  Options options;
  const auto known = long_options();
  int index = 0;
  for (int opt; (opt = getopt_long(argc, argv, "h", known.data(), &index)) != -1;) {
    if (opt == kHelpOption) {
      std::cout << kHelp;
      std::exit(0);
    }
    if (opt != 0) usage_error("unknown option");
    kRows[index].set(options, optarg);
  }
  if (optind < argc) usage_error(std::string("unexpected argument ") + argv[optind]);
  if (options.load.chain.empty()) usage_error("--filter is missing");
  if (options.corpus.empty()) usage_error("--corpus is missing");
  for (auto& filter : options.load.chain) {
    filter.timeout = options.filter.timeout;
    filter.flush_when = options.filter.flush_when;
  }
  return options;
}

Measured measure(const Options& options, const std::vector<Message>& corpus) {
  if (options.warmup > 0) {
    LoadOptions warm = options.load;
    warm.messages = options.warmup;
    warm.duration = std::chrono::seconds(0);
    run_load(corpus, warm);
  }
  Measured measured;
  measured.before = usage_of(options.pids);
  measured.load = run_load(corpus, options.load);
  measured.after = usage_of(options.pids);
  return measured;
}

// What filters write need not be UTF-8.
std::string json_text(const nlohmann::json& out) {
  return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

int run(int argc, char** argv) {
  Options options = read_options(argc, argv);
  const std::vector<Message> corpus = read_corpus(options.corpus);
  if (options.load.messages == 0 && options.load.duration.count() == 0) {
    options.load.messages = corpus.size();
  }
  const Measured measured = measure(options, corpus);
  const auto out = to_json(options, measured);
  if (options.json == "-") {
    std::cout << json_text(out);
  } else {
    print_table(out);
    if (!options.json.empty()) std::ofstream(options.json) << json_text(out);
  }
  if (!options.csv.empty()) append_csv(options.csv, out);
  return measured.load.errors == 0 ? 0 : 1;
}

}  // namespace
}  // namespace sekisho::bench

int main(int argc, char** argv) {
  try {
    return sekisho::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "milter_load: " << error.what() << '\n';
    return 1;
  }
}
