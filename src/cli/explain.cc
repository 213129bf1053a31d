#include "cli/explain.h"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/terminal_text.h"
#include "cli/complain.h"
#include "cli/copied_id.h"
#include "cli/exit_code.h"
#include "cli/explanation.h"
#include "cli/held_acts.h"
#include "cli/terminal.h"
#include "replay/replay.h"

namespace sekisho::cli {

namespace {

using nlohmann::json;

std::string dumped(const json& value) {
  return value.dump(2, ' ', true, json::error_handler_t::replace);
}

// The requested decisions: by number for ALL, by id otherwise.
struct Wanted {
  std::string name;
  std::optional<std::int64_t> number;
};

// All requested decisions; if ALL fails midway, those found by then.
struct AllWanted {
  std::vector<Wanted> decisions;
  int exit_code = ok;
};

AllWanted wanted_of(Records& records, const std::vector<std::string>& ids) {
  AllWanted all;
  for (const auto& id : ids) {
    if (id == "ALL") {
      const auto done = records.archive().list({}, [&](const history::Row& row) {
        all.decisions.push_back({row.id, row.number});
        return true;
      });
      if (!done) all.exit_code = complain(data_error, "the history: " + done.error().why);
    } else if (id == "-") {
      for (std::string word; std::cin >> word;)
        all.decisions.push_back({copied_id(word), std::nullopt});
    } else {
      all.decisions.push_back({copied_id(id), std::nullopt});
    }
  }
  return all;
}

// The parts of a decision that were not recorded, for people.
std::string not_all(const session::Inputs& inputs) {
  if (inputs.answers_left_out) {
    return "the DNS answers were too large to be recorded: it cannot be made again";
  }
  if (inputs.left_out == 0) return {};
  return std::to_string(inputs.left_out) +
         " octets of its header are not recorded: author, signatures, traces and origin are taken "
         "as "
         "they were found at the time";
}

int not_told(const Wanted& wanted, const std::string& why) {
  return complain(no_input, wanted.name + ": " + why);
}

// The configuration of the time, or else the present one, and why.
struct FoundRulebook {
  std::shared_ptr<const Rulebook> book;  // nullptr when neither can be read
  std::string caveat = {};
};

FoundRulebook rulebook_for(Records& records, const session::Decided& decided,
                           const HistoryPlace& place) {
  const auto book = records.rulebook(decided.configuration);
  if (book) return {*book};
  return {rulebook_of_file(place.config),
          book.error() + ": the rules below are those of the configuration of now."};
}

int tell(Records& records, const Wanted& wanted, session::Decided decided,
         const ExplainRequest& request) {
  auto [book, caveat] = rulebook_for(records, decided, request.place);
  if (!book) return not_told(wanted, "no configuration can be read");
  const std::string id = decided.outcome.facts.id;
  auto explanation = explain_decision(std::move(decided), *book);
  if (caveat.empty() && !book->lacks.empty()) {
    caveat = book->lacks + ": what would have changed the verdict cannot be told.";
  }
  if (caveat.empty() && !not_all(explanation.decided.inputs).empty()) {
    caveat = not_all(explanation.decided.inputs) + ".";
  }
  explanation.caveat = std::move(caveat);
  if (request.json) {
    std::printf("%s\n", dumped(explanation_json(explanation)).c_str());
  } else {
    const auto text = explanation_text(explanation) + acts_text(request.place, id);
    const auto terminal = standard_output();
    std::fputs(terminal.is_terminal ? folded(text, terminal.columns, explanation_indent).c_str()
                                    : text.c_str(),
               stdout);
  }
  return ok;
}

// --replay. Does not print equal decisions if there are many.
int replay_one(Records& records, const Wanted& wanted, const session::Decided& decided,
               const ExplainRequest& request, bool alone) {
  std::vector<std::string> found;
  const auto& id = decided.outcome.facts.id;
  if (const auto book = records.rulebook(decided.configuration); !book) {
    found.push_back("cannot be made again: " + book.error());
  } else if (!(*book)->lacks.empty()) {
    found.push_back("cannot be made again: " + (*book)->lacks);
  } else if (decided.inputs.answers_left_out) {
    found.push_back(not_all(decided.inputs));
  } else {
    const auto replayed = replay::replay(decided, *(*book)->snapshot);
    found = replay::differences(decided.outcome, replayed.outcome);
    for (const auto& question : replayed.not_recorded) found.push_back("not recorded: " + question);
  }
  if (request.json) {
    std::printf("%s\n", dumped({{"id", id}, {"equal", found.empty()}, {"differs", found}}).c_str());
  } else if (found.empty() && alone) {
    std::printf("%s: equal: %s by the rule %s\n", id.c_str(),
                std::string(to_string(decided.outcome.verdict.message.action)).c_str(),
                decided.outcome.verdict.message.rule.c_str());
    if (const auto lacks = not_all(decided.inputs); !lacks.empty()) {
      std::printf("  %s\n", lacks.c_str());
    }
  }
  if (!request.json && !found.empty()) {
    std::printf("%s: differs (asked for as %s)\n", id.c_str(), printable(wanted.name, 64).c_str());
    for (const auto& each : found) std::printf("  %s\n", printable(each, 400).c_str());
  }
  return found.empty() ? ok : 1;
}

// --with: the decision under another configuration.
int compare_one(const session::Decided& decided, const Rulebook& book,
                const ExplainRequest& request) {
  if (decided.inputs.answers_left_out) {
    return not_told({decided.outcome.facts.id, {}}, not_all(decided.inputs));
  }
  const auto replayed = replay::replay(decided, *book.snapshot);
  auto found = replay::differences(decided.outcome, replayed.outcome);
  // Then the verdict has no meaning.
  if (replayed.passes_rcpt) {
    std::erase_if(found, [](const std::string& each) { return each.starts_with("verdict"); });
  }
  const auto& now = replayed.outcome.verdict.message;
  const auto& then = decided.outcome.verdict.message;
  const auto would = replayed.passes_rcpt ? replay::not_refused_at_rcpt : to_string(now.action);
  if (request.json) {
    std::printf("%s\n", dumped({{"id", decided.outcome.facts.id},
                                {"was", to_string(then.action)},
                                {"would_be", would},
                                {"rule", replayed.passes_rcpt ? "" : now.rule},
                                {"reason", replayed.passes_rcpt ? "" : now.reason},
                                {"differs", found},
                                {"not_recorded", replayed.not_recorded},
                                {"header_octets_left_out", decided.inputs.left_out}})
                            .c_str());
    return ok;
  }
  const std::string made =
      replayed.passes_rcpt
          ? "would not have refused it at RCPT: what the message would have come to is not known"
          : "would decide: " + std::string(would) + " by the rule " + now.rule +
                (now.reason.empty() ? "" : ": " + printable(now.reason, 200));
  std::printf("%s: was %s by the rule %s; %s %s\n", decided.outcome.facts.id.c_str(),
              std::string(to_string(then.action)).c_str(), then.rule.c_str(),
              request.place.other.c_str(), made.c_str());
  for (const auto& each : found) std::printf("  %s\n", printable(each, 400).c_str());
  if (decided.inputs.left_out > 0) std::printf("  %s\n", not_all(decided.inputs).c_str());
  for (const auto& question : replayed.not_recorded) {
    std::printf("  not recorded, taken as a temporary failure: %s\n",
                printable(question, 200).c_str());
  }
  return ok;
}

}  // namespace

int explain(const ExplainRequest& request) {
  std::shared_ptr<const Rulebook> other;
  if (!request.place.other.empty()) {
    other = rulebook_of_file(request.place.other);
    if (!other) return config;
  }
  auto records = Records::open(request.place);
  if (!records) return complain(records.error());
  const auto wanted_decisions = wanted_of(*records, request.ids);
  const auto& all = wanted_decisions.decisions;
  int exit_code = wanted_decisions.exit_code;
  std::size_t equal = 0;
  for (const auto& wanted : all) {
    auto decided = wanted.number ? records->read(*wanted.number) : records->find(wanted.name);
    int code = ok;
    if (!decided) {
      code = not_told(wanted, decided.error());
    } else if (request.replay) {
      code = replay_one(*records, wanted, *decided, request, all.size() == 1);
    } else if (other) {
      code = compare_one(*decided, *other, request);
    } else {
      code = tell(*records, wanted, std::move(*decided), request);
    }
    equal += code == ok ? 1 : 0;
    exit_code = std::max(exit_code, code);
  }
  if (request.replay && !request.json && all.size() != 1) {
    std::printf("%zu decisions made again, %zu equal\n", all.size(), equal);
  }
  return exit_code;
}

}  // namespace sekisho::cli
