// Any octets as a DMARC Policy Record: alone, and in the DNS under an author whose message is
// evaluated.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dmarc/evaluate.h"
#include "dmarc/record.h"
#include "dmarc/tree_walk.h"

namespace {

using namespace sekisho;

void require(bool holds) {
  if (!holds) std::abort();
}

void check_uris(const std::vector<std::string>& uris) {
  require(uris.size() <= 20);
  for (const auto& uri : uris) {
    for (const char c : uri) require(c > 0x20 && c < 0x7f);
  }
}

dns::AnswerPtr answer_of(std::string_view text) {
  dns::Answer answer;
  answer.outcome = text.empty() ? dns::Outcome::nxdomain : dns::Outcome::records;
  answer.texts.emplace_back(text);
  return std::make_shared<const dns::Answer>(std::move(answer));
}

// The first line stands at the author, the second at its parent, the third at the top; then
// NXDOMAIN.
dns::Answers zone_of(std::string_view text) {
  dns::Answers answers;
  for (const char* name :
       {"_dmarc.a.shop.test", "_dmarc.shop.test", "_dmarc.test", "_dmarc.k.shop.test"}) {
    const std::size_t end = text.find('\n');
    answers.add({*dns::Name::from(name), dns::Type::txt}, answer_of(text.substr(0, end)));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  for (const auto type : {dns::Type::a, dns::Type::aaaa, dns::Type::mx}) {
    answers.add({*dns::Name::from("a.shop.test"), type}, answer_of({}));
  }
  return answers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto record = dmarc::parse_record(text)) {
    check_uris(record->published.rua);
    check_uris(record->published.ruf);
    require(record->pct <= 100);
    require(record->defect.empty() || record->published.p == dmarc::Policy::none);
  }

  using State = dmarc::Identifier::State;
  const auto author = *mail::DomainName::parse("a.shop.test");
  const auto signer = *mail::DomainName::parse("k.shop.test");
  const dns::Answers answers = zone_of(text);
  for (const State state : {State::pass, State::temperror, State::other}) {
    const auto evaluation = dmarc::evaluate({author, std::nullopt, {{signer, state}}}, answers, {});
    require(evaluation.done());
    const dmarc::Result& result = *evaluation.result;
    require((result.code == dmarc::Code::pass) == result.aligned_dkim);
    require(state == State::pass || result.code != dmarc::Code::pass);
    require(result.code == dmarc::Code::fail || result.requested == dmarc::Policy::none);
    require(result.requested <= result.policy);
    require(result.queries.size() <= 8);
  }
  return 0;
}
