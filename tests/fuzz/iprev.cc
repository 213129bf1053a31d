// Lines of the input: the client's address, the answer for its PTR, then the answers for the names,
// given by a sum over the name. Names and addresses are separated by commas, `@` is the client
// itself; "!" is an error, "-" nothing. The result is what a plain reading of all answers says, in
// whichever order they arrive, and shows only host names.
#include <algorithm>
#include <memory>
#include <set>
#include <string>

#include "client/iprev.h"
#include "fuzz/require.h"
#include "mail/domain_name.h"

namespace {

using namespace sekisho;
using client::IprevCode;
using client::IprevResult;
using fuzz::require;

constexpr std::size_t max_names = 10;

class World {
 public:
  World(mail::IpAddress client, std::vector<std::string_view> lines)
      : client_(client), lines_(std::move(lines)) {}

  dns::AnswerPtr answer(const dns::Question& question) const {
    std::size_t sum = 0;
    for (const char c : question.name.text()) sum = sum * 31 + static_cast<unsigned char>(c);
    const std::string_view line =
        question.type == dns::Type::ptr ? lines_[0] : lines_[sum % lines_.size()];
    auto answer = std::make_shared<dns::Answer>();
    answer->outcome = dns::Outcome::records;
    if (line == "!") answer->error = "timeout";
    if (line == "!") answer->outcome = dns::Outcome::error;
    if (line == "-") answer->outcome = dns::Outcome::nxdomain;
    if (answer->outcome == dns::Outcome::records) fill(*answer, question.type, line);
    return answer;
  }
  const mail::IpAddress& client() const { return client_; }

 private:
  void fill(dns::Answer& answer, dns::Type type, std::string_view line) const {
    for (const std::string_view part : fuzz::split(line, ',')) {
      if (type == dns::Type::ptr) {
        answer.pointers.emplace_back(part);
      } else if (part == "@") {
        answer.addresses.push_back(client_);
      } else if (const auto address = mail::IpAddress::parse(part)) {
        answer.addresses.push_back(*address);
      }
    }
  }

  mail::IpAddress client_;
  std::vector<std::string_view> lines_;
};

// RFC 8601 §3 read plainly, every answer at hand.
IprevResult expected(const World& world) {
  const auto& client = world.client();
  const auto pointers = world.answer({*dns::Name::from(client.reverse_name()), dns::Type::ptr});
  if (pointers->is_error()) return {IprevCode::temperror, "", ""};
  if (pointers->pointers.empty()) return {IprevCode::permerror, "", ""};
  bool failed = false;
  std::size_t followed = 0;
  for (const std::string& pointer : pointers->pointers) {
    const auto name = mail::DomainName::parse(pointer);
    const bool ascii = std::all_of(pointer.begin(), pointer.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (!name || !ascii || followed == max_names) continue;
    ++followed;
    const auto forward = world.answer({*name, client.is_v4() ? dns::Type::a : dns::Type::aaaa});
    failed = failed || forward->is_error();
    const auto& addresses = forward->addresses;
    if (std::find(addresses.begin(), addresses.end(), client) != addresses.end())
      return {IprevCode::pass, name->text(), ""};
  }
  return {failed ? IprevCode::temperror : IprevCode::fail, "", ""};
}

// `at_once`: so many of the open questions are answered before it is looked at again, the last
// first.
IprevResult evaluate(const World& world, std::size_t at_once) {
  dns::Answers answers;
  std::set<dns::Question> asked;
  for (;;) {
    const auto evaluation = client::iprev(world.client(), answers);
    if (evaluation.done()) return *evaluation.result;
    require(!evaluation.needed.empty() && evaluation.needed.size() <= max_names);
    asked.insert(evaluation.needed.begin(), evaluation.needed.end());
    require(asked.size() <= 1 + max_names);
    std::size_t count = 0;
    for (auto each = evaluation.needed.rbegin(); each != evaluation.needed.rend(); ++each) {
      if (answers.find(*each) == nullptr) answers.add(*each, world.answer(*each));
      if (++count == at_once) break;
    }
  }
}

void check(const IprevResult& result, const IprevResult& wanted) {
  require(result.code == wanted.code && result.name == wanted.name);
  require((result.code == IprevCode::pass) == result.reason.empty());
  require((result.code == IprevCode::pass) == !result.name.empty());
  // A reason names only what we asked for ourselves.
  for (const char c : result.reason) require(c >= ' ' && c <= '~');
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto lines = fuzz::split(fuzz::text_of(data, size), '\n');
  if (lines.size() < 3) return 0;
  const auto client =
      mail::IpAddress::parse(lines[0]).value_or(mail::IpAddress::v4({192, 0, 2, 7}));
  lines.erase(lines.begin());
  const World world(client, std::move(lines));
  const IprevResult wanted = expected(world);
  check(evaluate(world, max_names), wanted);
  check(evaluate(world, 1), wanted);
  return 0;
}
