// cli/explanation.h: the explanation of one recorded decision, as values: for people and for
// programs.
// Thread: any.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/records.h"
#include "policy/decide.h"
#include "replay/what_if.h"

namespace sekisho::cli {

// The opinion of one rule, and the line of the configuration behind it.
struct ExplainedRule {
  policy::RuleOpinion opinion;
  std::string key;    // `dmarc.reject = "corroborated"`; empty if no key could change it
  std::string place;  // "milter.conf:12:1", or that it is the default
};

// Recipients with the same rules.
struct ExplainedRules {
  std::vector<std::string> recipients;
  std::vector<ExplainedRule> rules;
};

struct Explanation {
  session::Decided decided;
  std::vector<ExplainedRules> groups;
  std::vector<replay::Alternative> alternatives;
  std::string caveat;  // why rules and alternatives are not those of the time, or missing
};

// The action of a rule, or in monitor mode the one that it would have taken. Only for an opinion
// with a decision.
policy::Action action_of(const policy::RuleOpinion& opinion);

// `book`: the configuration that decided.
Explanation explain_decision(session::Decided decided, const Rulebook& book);

// The column of the text behind the labels.
inline constexpr std::size_t explanation_indent = 13;
std::string explanation_text(const Explanation& explanation);
nlohmann::json explanation_json(const Explanation& explanation);

}  // namespace sekisho::cli
