// Lines of the input: MAIL FROM, HELO, the client's address, then answers, given to the questions
// in turn. An answer is a TXT text, addresses, or names separated by commas, as the question asks;
// "!" is an error, "-" nothing.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "spf/check_host.h"
#include "spf/macro.h"
#include "spf/record.h"

namespace {

using namespace sekisho;

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> out;
  for (std::size_t start = 0;;) {
    const std::size_t end = text.find(at, start);
    out.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return out;
    start = end + 1;
  }
}

dns::AnswerPtr answer_from(std::string_view line, dns::Type type) {
  auto answer = std::make_shared<dns::Answer>();
  answer->outcome = dns::Outcome::records;
  if (line == "!") answer->error = "timeout";
  if (line == "!") answer->outcome = dns::Outcome::error;
  if (line == "-") answer->outcome = dns::Outcome::nxdomain;
  if (line == "!" || line == "-") return answer;
  if (type == dns::Type::txt) {
    answer->texts.emplace_back(line);
    return answer;
  }
  for (const std::string_view item : split(line, ',')) {
    const auto address = mail::IpAddress::parse(item);
    if (type == dns::Type::mx) answer->exchanges.push_back({0, std::string(item)});
    if (type == dns::Type::ptr) answer->pointers.emplace_back(item);
    if ((type == dns::Type::a || type == dns::Type::aaaa) && address)
      answer->addresses.push_back(*address);
  }
  return answer;
}

void require(bool condition) {
  if (!condition) std::abort();
}

bool is_clean(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// Evaluates with the hints answered or not; the answers are chosen by the question, so that both
// see the same DNS.
spf::Result evaluate(const spf::Query& query, const std::vector<std::string_view>& lines,
                     bool answer_hints) {
  dns::Answers answers;
  for (int round = 0;; ++round) {
    require(round < 200);
    auto evaluation = spf::check_host(query, answers, {});
    if (evaluation.result) return *evaluation.result;
    require(evaluation.needed.size() == 1 && answers.find(evaluation.needed.front()) == nullptr);
    if (answer_hints) {
      evaluation.needed.insert(evaluation.needed.end(), evaluation.hints.begin(),
                               evaluation.hints.end());
    }
    for (const dns::Question& question : evaluation.needed) {
      std::size_t sum = static_cast<std::size_t>(question.type);
      for (const char c : question.name.text()) sum = sum * 31 + static_cast<unsigned char>(c);
      answers.add(question, answer_from(lines[sum % lines.size()], question.type));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::string_view> lines = split({reinterpret_cast<const char*>(data), size}, '\n');
  if (lines.size() < 4) return 0;
  const auto client =
      mail::IpAddress::parse(lines[2]).value_or(mail::IpAddress::v4({192, 0, 2, 7}));
  const spf::Query query = spf::mail_from_query(client, lines[1], lines[0], "mx.receiver.test", {});
  lines.erase(lines.begin(), lines.begin() + 3);

  const spf::Result hinted = evaluate(query, lines, true);
  const spf::Result plain = evaluate(query, lines, false);
  require(hinted.code == plain.code && hinted.reason == plain.reason &&
          hinted.explanation == plain.explanation);
  require(is_clean(hinted.reason) && is_clean(hinted.explanation));
  require(hinted.explanation.size() <= spf::max_explanation_octets);
  return 0;
}
