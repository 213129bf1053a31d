// dns/answers.h: the DNS answers known so far. Evaluators read this and nothing else: an evaluation
// is a pure function of the message, its options and these answers, and returns its result or the
// questions still open. Its caller asks them all at once and runs it again when the needed answers
// have arrived. RFC 1035, 2308.
// Thread: Answer is immutable; Answers has one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/words.h"
#include "dns/name.h"
#include "mail/ip_address.h"

namespace sekisho::dns {

// The types that mail needs, with their numbers (RFC 1035 §3.2.2, 3596).
enum class Type : std::uint16_t { a = 1, cname = 5, ptr = 12, mx = 15, txt = 16, aaaa = 28 };

constexpr auto words_of(Type) {
  return words_of_numbers<Type>({{Type::a, "A"},
                                 {Type::cname, "CNAME"},
                                 {Type::ptr, "PTR"},
                                 {Type::mx, "MX"},
                                 {Type::txt, "TXT"},
                                 {Type::aaaa, "AAAA"}});
}
// Ignores case.
std::optional<Type> parse_type(std::string_view text);

struct Question {
  Name name;
  Type type;
  bool operator==(const Question& other) const { return type == other.type && name == other.name; }
  auto operator<=>(const Question&) const = default;
};

using sekisho::to_string;  // this one would hide it
// "example.com TXT"
std::string to_string(const Question& question);

struct Mx {
  std::uint16_t preference;
  // as in the record; "" is the null MX (RFC 7505). Unchecked: may not be a valid dns::Name
  std::string exchange;
  bool operator==(const Mx&) const = default;
};

// The kind of an answer. `error` covers time-outs, SERVFAIL, REFUSED, garbage and loops, and makes
// every evaluator return temperror. `refused`: we did not ask, because the check had used up its
// questions. That says nothing about the DNS: an evaluation that meets it reports its own limit,
// not a temperror.
enum class Outcome : std::uint8_t { records, nodata, nxdomain, error, refused };

constexpr auto words_of(Outcome) {
  return words<Outcome>({{Outcome::records, "records"},
                         {Outcome::nodata, "nodata"},
                         {Outcome::nxdomain, "nxdomain"},
                         {Outcome::error, "error"},
                         {Outcome::refused, "refused"}});
}

// Records of an answer that are used at most (Postfix 3.7.11 found 10,000 in one); the rest is
// dropped.
inline constexpr std::size_t max_records = 100;

// The answer to one question, CNAME chain followed. Only the vector of the question's type is
// filled.
struct Answer {
  Outcome outcome = Outcome::error;
  // for `error`: "timeout", "servfail", "cname loop", …; for `refused`: "query budget"
  std::string error;
  std::chrono::seconds ttl{0};     // smallest along the chain; for negative answers by RFC 2308
  std::vector<std::string> texts;  // TXT, the character-strings of a record joined
  std::vector<mail::IpAddress> addresses;  // A, AAAA
  std::vector<Mx> exchanges;               // MX, in the order of the answer
  std::vector<std::string> pointers;       // PTR, lower-case, without a final dot

  // The end of the CNAME chain; empty if the name is not an alias, and for an error.
  std::string canonical;

  bool is_error() const { return outcome == Outcome::error; }
  bool is_refused() const { return outcome == Outcome::refused; }
  // NXDOMAIN or NODATA: a void lookup in RFC 7208's sense.
  bool is_void() const { return outcome == Outcome::nodata || outcome == Outcome::nxdomain; }
  bool operator==(const Answer&) const = default;
};

using AnswerPtr = std::shared_ptr<const Answer>;

struct QuestionHash {
  std::size_t operator()(const Question& q) const noexcept {
    return q.name.hash() * 31 + static_cast<std::size_t>(q.type);
  }
};

// The answers known so far. A message asks some tens of questions, so they stand in a row, in the
// order in which their answers came, and their hashes are compared: that is cheaper than a hash
// table's nodes.
class Answers {
 public:
  using Known = std::pair<Question, AnswerPtr>;

  // Nullptr when the answer is not known yet.
  const Answer* find(const Question& question) const { return get(question).get(); }
  const AnswerPtr& get(const Question& question) const;
  void add(const Question& question, AnswerPtr answer);
  void forget(const Question& question);
  std::size_t size() const { return known_.size(); }
  const std::vector<Known>& all() const { return known_; }

 private:
  std::size_t place_of(const Question& question) const;  // size() when it is not known

  std::vector<Known> known_;
  std::vector<std::size_t> hashes_;  // of the question at the same place
};

// The result of an evaluation. Without a result, `needed` is not empty. `hints` may be asked too,
// because they will probably be needed; an unanswered hint never delays a result, and a failed one
// counts only when a later run needs it.
template <class Result>
struct Evaluation {
  std::optional<Result> result;
  std::vector<Question> needed;
  std::vector<Question> hints;

  bool done() const { return result.has_value(); }
  static Evaluation of(Result value) { return Evaluation{std::move(value), {}, {}}; }
};

}  // namespace sekisho::dns
