// tests/support/fake_dns.h: DNS answers that a test writes down, and an evaluation run to its end
// on them.
#pragma once

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "dns/answers.h"

namespace sekisho::test {

// A name that was never mentioned is NXDOMAIN, unless a mentioned one lies below it.
class FakeDns {
 public:
  FakeDns& txt(std::string_view name, std::string_view text);
  FakeDns& a(std::string_view name, std::string_view address);  // A or AAAA by the address
  FakeDns& mx(std::string_view name, unsigned preference, std::string_view exchange);
  FakeDns& ptr(std::string_view name, std::string_view target);
  FakeDns& cname(std::string_view name, std::string_view target);
  FakeDns& exists(std::string_view name);  // NODATA for every type
  FakeDns& error(std::string_view name, std::string_view what = "timeout");  // every type
  FakeDns& error(std::string_view name, dns::Type type, std::string_view what = "timeout");

  dns::AnswerPtr answer(const dns::Question& question) const;

  // Questions that an evaluation asked as needed, and as hints, in order.
  std::vector<dns::Question> asked;
  std::vector<dns::Question> hinted;

 private:
  dns::AnswerPtr answer(const dns::Question& question, int hops) const;
  std::map<std::string, std::map<dns::Type, dns::Answer>> records_;
  std::map<std::string, std::string> aliases_;
  std::map<std::string, std::string> failing_;
};

// Runs `evaluate(answers)` until it has a result, answering what it needs (and the hints when
// `answer_hints`). `rounds` counts the round trips. Fails the test when it asks for nothing new
// without a result.
template <class Evaluate>
auto run_to_end(Evaluate evaluate, FakeDns& dns, bool answer_hints = true, int* rounds = nullptr) {
  dns::Answers answers;
  for (int round = 0;; ++round) {
    auto evaluation = evaluate(std::as_const(answers));
    if (rounds != nullptr) *rounds = round;
    if (evaluation.result) return *evaluation.result;
    bool progress = false;
    for (const auto& question : evaluation.needed) {
      if (answers.find(question) != nullptr) continue;
      dns.asked.push_back(question);
      answers.add(question, dns.answer(question));
      progress = true;
    }
    for (const auto& question : evaluation.hints) {
      if (!answer_hints || answers.find(question) != nullptr) continue;
      dns.hinted.push_back(question);
      answers.add(question, dns.answer(question));
    }
    if (!progress || round > 200) {
      ADD_FAILURE() << "the evaluation has no result and asks for nothing new";
      throw std::logic_error("evaluation without progress");
    }
  }
}

// The file below SEKISHO_CONFORMANCE (tests/conformance) or tests/data.
nlohmann::json read_json(const std::string& path);
std::string read_file(const std::string& path);
std::string conformance_path(const std::string& relative);
std::string data_path(const std::string& relative);

}  // namespace sekisho::test
