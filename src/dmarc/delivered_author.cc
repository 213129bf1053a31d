#include "dmarc/delivered_author.h"

#include <array>

namespace sekisho::dmarc {

namespace {

// In sendmail's order; the first with a record or an alias decides.
constexpr std::array types{dns::Type::aaaa, dns::Type::a, dns::Type::mx};
// sendmail follows eleven steps. One step here is a whole chain, unless servers answer each type
// differently.
constexpr int max_steps = 11;

// The result for one name.
struct Step {
  enum class State { open, nothing, records, moved, failed };
  State state = State::nothing;
  std::string canonical;            // moved: to here
  bool has_records = false;         // and there is a record
  std::string failure;              // failed
  std::vector<dns::Question> open;  // open
};

std::vector<dns::Question> unanswered(const mail::DomainName& name, const dns::Answers& answers) {
  std::vector<dns::Question> out;
  for (const auto type : types) {
    if (const dns::Question question{name, type}; answers.find(question) == nullptr)
      out.push_back(question);
  }
  return out;
}

Step step(const mail::DomainName& name, const dns::Answers& answers) {
  using State = Step::State;
  Step out;
  for (const auto type : types) {
    const dns::Question question{name, type};
    const dns::Answer* answer = answers.find(question);
    // All are asked for at once, though the first may be enough.
    if (answer == nullptr) return {State::open, {}, false, {}, unanswered(name, answers)};
    // A refused question counts as a failure: only servers that answer each type differently need
    // so many questions.
    if (answer->is_error() || answer->is_refused()) {
      out = {State::failed, {}, false, to_string(question) + ": " + answer->error, {}};
      continue;
    }
    // The name, or the target of the alias, does not exist: the address stays as it is.
    if (answer->outcome == dns::Outcome::nxdomain) return {};
    const bool records = answer->outcome == dns::Outcome::records;
    if (!answer->canonical.empty()) return {State::moved, answer->canonical, records, {}, {}};
    if (records) return {State::records, {}, true, {}, {}};
  }
  return out;
}

}  // namespace

dns::Evaluation<DeliveredAuthor> delivered_author(const mail::DomainName& author,
                                                  const dns::Answers& answers) {
  using Result = dns::Evaluation<DeliveredAuthor>;
  mail::DomainName at = author;
  for (int steps = 0; steps < max_steps; ++steps) {
    Step found = step(at, answers);
    switch (found.state) {
      case Step::State::open: {
        Result open;
        open.needed = std::move(found.open);
        return open;
      }
      case Step::State::failed:
        return Result::of({author, std::move(found.failure)});
      case Step::State::nothing:
        return Result::of({author, {}});
      case Step::State::records:
        return Result::of({std::move(at), {}});
      case Step::State::moved:
        break;
    }
    auto target = mail::DomainName::parse(found.canonical);
    if (!target) return Result::of({author, "it is an alias of what is no domain"});
    at = std::move(*target);
    if (found.has_records) return Result::of({std::move(at), {}});
  }
  return Result::of({author, "too many aliases"});
}

}  // namespace sekisho::dmarc
