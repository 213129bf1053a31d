// The same SPF cases through libspf2 and through ours, on the same zones. Every disagreement must
// be explained by an entry of tests/data/differential/spf.json, which names the section of RFC 7208
// that decides for us. libspf2 runs in a child process: a crash of its own, or thousands of
// questions, is no opinion.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstring>
#include <random>

extern "C" {
#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <spf2/spf.h>
#include <sys/types.h>
}

#include <nlohmann/json.hpp>

#include "base/unique_handle.h"
#include "support/spf_cases.h"

namespace sekisho::test {

namespace {

constexpr std::size_t runaway_questions = 500;
constexpr unsigned child_seconds = 60;
constexpr std::string_view no_opinion = "no opinion";

// ---- libspf2 on a FakeDns ----

struct ZoneLayer {
  const FakeDns* zone;
  std::size_t questions = 0;
};

std::optional<dns::Type> type_of(ns_type type) {
  switch (static_cast<int>(type)) {
    case ns_t_a:
      return dns::Type::a;
    case ns_t_aaaa:
      return dns::Type::aaaa;
    case ns_t_mx:
      return dns::Type::mx;
    case ns_t_ptr:
      return dns::Type::ptr;
    case ns_t_txt:
      return dns::Type::txt;
    default:
      return std::nullopt;
  }
}

int host_error(dns::Outcome outcome) {
  switch (outcome) {
    case dns::Outcome::records:
      return NETDB_SUCCESS;
    case dns::Outcome::nodata:
      return NO_DATA;
    case dns::Outcome::nxdomain:
      return HOST_NOT_FOUND;
    case dns::Outcome::error:
    case dns::Outcome::refused:
      return TRY_AGAIN;
  }
  return TRY_AGAIN;
}

void add_data(SPF_dns_rr_t* rr, const void* data, std::size_t size) {
  const int index = rr->num_rr;
  if (SPF_dns_rr_buf_realloc(rr, index, size) != SPF_E_SUCCESS) return;
  std::memcpy(rr->rr[index], data, size);
  ++rr->num_rr;
}

void add_text(SPF_dns_rr_t* rr, const std::string& text) {
  add_data(rr, text.c_str(), text.size() + 1);
}

SPF_dns_rr_t* lookup(SPF_dns_server_t* server, const char* domain, ns_type type, int) noexcept {
  auto& layer = *static_cast<ZoneLayer*>(server->hook);
  if (++layer.questions > runaway_questions) _exit(3);
  const auto name = dns::Name::from(domain);
  const auto asked = type_of(type);
  if (!name || !asked) return SPF_dns_rr_new_init(server, domain, type, 0, HOST_NOT_FOUND);
  const dns::AnswerPtr answer = layer.zone->answer({*name, *asked});
  SPF_dns_rr_t* const rr =
      SPF_dns_rr_new_init(server, domain, type, 60, host_error(answer->outcome));
  for (const std::string& text : answer->texts) add_text(rr, text);
  for (const dns::Mx& mx : answer->exchanges) add_text(rr, mx.exchange);
  for (const std::string& target : answer->pointers) add_text(rr, target);
  for (const mail::IpAddress& address : answer->addresses) {
    add_data(rr, address.octets().data(), address.is_v4() ? 4 : 16);
  }
  return rr;
}

// A policy that libspf2 cannot read leaves the result `invalid` and says why in the error code; a
// caller makes of it what RFC 7208 §2.6 has for that.
std::string_view code_name(SPF_response_t* response) {
  switch (SPF_response_result(response)) {
    case SPF_RESULT_NEUTRAL:
      return "neutral";
    case SPF_RESULT_PASS:
      return "pass";
    case SPF_RESULT_FAIL:
      return "fail";
    case SPF_RESULT_SOFTFAIL:
      return "softfail";
    case SPF_RESULT_NONE:
      return "none";
    case SPF_RESULT_TEMPERROR:
      return "temperror";
    case SPF_RESULT_PERMERROR:
      return "permerror";
    case SPF_RESULT_INVALID:
      return SPF_response_errcode(response) == SPF_E_DNS_ERROR ? "temperror" : "permerror";
  }
  return no_opinion;
}

// In the child process.
std::string_view libspf2_result(const SpfCase& spf_case) {
  ZoneLayer layer{&spf_case.zone};
  SPF_dns_server_t resolver{};
  resolver.lookup = lookup;
  resolver.name = "fake";
  resolver.hook = &layer;
  SPF_server_t* const server = SPF_server_new_dns(&resolver, 0);
  SPF_server_set_rec_dom(server, "mx.receiver.test");
  SPF_request_t* const request = SPF_request_new(server);
  const spf::Query& query = spf_case.query;
  const std::string client = query.client.text();
  query.client.is_v4() ? SPF_request_set_ipv4_str(request, client.c_str())
                       : SPF_request_set_ipv6_str(request, client.c_str());
  SPF_request_set_helo_dom(request, query.helo.c_str());
  SPF_request_set_env_from(request, (query.local_part + "@" + query.domain).c_str());
  SPF_response_t* response = nullptr;
  SPF_request_query_mailfrom(request, &response);
  // What the child holds is given back when it exits.
  return response == nullptr ? no_opinion : code_name(response);
}

// ---- the child process ----

std::array<UniqueFd, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) throw std::runtime_error("pipe failed");
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

[[noreturn]] void serve(const std::vector<SpfCase>& cases, std::size_t first, int out) {
  // Its own messages are no part of the test's output.
  if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(4);
  alarm(child_seconds);
  for (std::size_t i = first; i < cases.size(); ++i) {
    const std::string line = std::string(libspf2_result(cases[i])) + "\n";
    if (::write(out, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(5);
  }
  _exit(0);
}

std::vector<std::string> read_lines(int in) {
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(in, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  std::vector<std::string> lines;
  for (std::size_t start = 0, end = 0; (end = text.find('\n', start)) != std::string::npos;
       start = end + 1) {
    lines.push_back(text.substr(start, end - start));
  }
  return lines;
}

// What libspf2 says to each case. When the child dies, the case it died of has no opinion and a new
// child goes on.
std::vector<std::string> libspf2_results(const std::vector<SpfCase>& cases) {
  std::vector<std::string> results;
  while (results.size() < cases.size()) {
    auto [in, out] = make_pipe();
    const pid_t child = ::fork();
    if (child == 0) serve(cases, results.size(), out.get());
    if (child < 0) throw std::runtime_error("fork failed");
    out.reset();
    for (std::string& line : read_lines(in.get())) results.push_back(std::move(line));
    int status = 0;
    ::waitpid(child, &status, 0);
    if (results.size() < cases.size()) results.emplace_back(no_opinion);
  }
  return results;
}

// ---- explained disagreements ----

struct Explanation {
  std::set<std::string> cases;                          // of the suite
  std::optional<testing::Matcher<std::string>> record;  // of generated cases: client and record
  std::set<std::string> ours;
  std::set<std::string> libspf2;
};

std::vector<Explanation> load_explanations() {
  std::vector<Explanation> out;
  const nlohmann::json file = read_json(data_path("differential/spf.json"));
  for (const auto& entry : file.at("disagreements")) {
    // An entry without its section and its reason explains nothing.
    EXPECT_THAT(entry.at("rfc").get<std::string>(), testing::StartsWith("RFC 7208 §"));
    EXPECT_FALSE(entry.at("why").get<std::string>().empty());
    Explanation explanation;
    explanation.cases = entry.value("cases", std::set<std::string>{});
    if (entry.contains("record")) {
      explanation.record = testing::ContainsRegex(entry.at("record").get<std::string>());
    }
    explanation.ours = entry.value("ours", std::set<std::string>{});
    explanation.libspf2 = entry.value("libspf2", std::set<std::string>{});
    out.push_back(std::move(explanation));
  }
  return out;
}

bool explains(const Explanation& entry, const std::string& id, const std::string& record,
              const std::string& ours, const std::string& theirs) {
  if (entry.cases.contains(id)) return true;
  return entry.record && !record.empty() && entry.record->Matches(record) &&
         entry.ours.contains(ours) && entry.libspf2.contains(theirs);
}

// Compares both on all cases; `records` holds the text of generated ones.
void compare(const std::vector<SpfCase>& cases, const std::vector<std::string>& records) {
  const std::vector<Explanation> explanations = load_explanations();
  const std::vector<std::string> theirs = libspf2_results(cases);
  std::size_t agreed = 0;
  std::size_t explained = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    FakeDns dns = cases[i].zone;
    const spf::Result result = evaluate_spf(cases[i], dns);
    const std::string ours(to_string(result.code));
    const std::string record = records.empty() ? "" : records[i];
    if (ours == theirs[i]) {
      ++agreed;
    } else if (theirs[i] == no_opinion ||
               std::any_of(explanations.begin(), explanations.end(), [&](const Explanation& entry) {
                 return explains(entry, cases[i].id, record, ours, theirs[i]);
               })) {
      ++explained;
    } else {
      ADD_FAILURE() << cases[i].id << ": ours " << ours << " (" << result.reason << "), libspf2 "
                    << theirs[i] << "\n  " << record;
    }
  }
  testing::Test::RecordProperty("agreed", std::to_string(agreed));
  testing::Test::RecordProperty("explained", std::to_string(explained));
  EXPECT_GT(agreed, cases.size() / 2) << "the library cannot have been run as it should";
}

// ---- generated records ----

FakeDns generated_zone() {
  FakeDns zone;
  zone.a("host.test", "192.0.2.7").a("host.test", "198.51.100.3").a("host.test", "2001:db8::7");
  zone.a("near.test", "192.0.2.9").a("near.test", "2001:db8::9").a("far.test", "203.0.113.1");
  zone.a("far.test", "2001:db8:ffff::1").txt("empty.test", "nothing");
  zone.mx("s.test", 10, "host.test").mx("s.test", 20, "far.test").mx("far.test", 5, "near.test");
  zone.a("s.test", "198.51.100.77").a("s.test", "2001:db8:1::77");
  zone.ptr("7.2.0.192.in-addr.arpa", "host.test").ptr("9.2.0.192.in-addr.arpa", "near.test");
  zone.txt("yes.test", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/64 -all");
  zone.txt("no.test", "v=spf1 -all").txt("soft.test", "v=spf1 ip4:192.0.2.7 ~all");
  zone.txt("open.test", "v=spf1 ?all").txt("deep.test", "v=spf1 include:yes.test ?all");
  zone.txt("broken.test", "v=spf1 nonsense -all").error("slow.test");
  zone.a("7.2.0.192.list.test", "127.0.0.2").a("user.users.test", "127.0.0.2");
  return zone;
}

class RecordGenerator {
 public:
  explicit RecordGenerator(unsigned seed) : random_(seed) {}

  std::string record() {
    std::string out = "v=spf1";
    const std::size_t terms = 1 + below(5);
    for (std::size_t i = 0; i < terms; ++i) out += " " + term();
    if (chance(8)) out += " redirect=" + pick(record_names_);
    if (chance(2)) out += " " + pick(qualifiers_) + "all";
    return out;
  }

  std::string client() { return pick(clients_); }

 private:
  std::size_t below(std::size_t limit) { return random_() % limit; }
  bool chance(std::size_t one_in) { return below(one_in) == 0; }
  const std::string& pick(const std::vector<std::string>& from) { return from[below(from.size())]; }

  std::string term() {
    if (chance(25)) return pick(malformed_);
    if (chance(15)) return pick(modifiers_);
    const std::string qualifier = pick(qualifiers_);
    switch (below(7)) {
      case 0:
        return qualifier + "ip4:" + pick(ip4_) + (chance(2) ? "/" + std::to_string(below(33)) : "");
      case 1:
        return qualifier + "ip6:" + pick(ip6_) +
               (chance(2) ? "/" + std::to_string(below(129)) : "");
      case 2:
        return qualifier + "a" + domain() + lengths();
      case 3:
        return qualifier + "mx" + domain() + lengths();
      case 4:
        return qualifier + "ptr" + domain();
      case 5:
        return qualifier + "exists:" + pick(exists_);
      default:
        return qualifier + "include:" + pick(record_names_);
    }
  }

  std::string domain() { return chance(2) ? "" : ":" + pick(host_names_); }

  std::string lengths() {
    std::string out;
    if (chance(3)) out += "/" + std::to_string(below(33));
    if (chance(4)) out += "//" + std::to_string(below(129));
    return out;
  }

  std::mt19937 random_;
  const std::vector<std::string> qualifiers_ = {"", "", "+", "-", "~", "?"};
  const std::vector<std::string> clients_ = {"192.0.2.7", "192.0.2.9", "203.0.113.1", "2001:db8::7",
                                             "2001:db8:ffff::1"};
  const std::vector<std::string> ip4_ = {"192.0.2.7", "192.0.2.0", "203.0.113.0", "10.0.0.0"};
  const std::vector<std::string> ip6_ = {"2001:db8::", "2001:db8:ffff::1", "fe80::1",
                                         "2001:db8::7"};
  const std::vector<std::string> host_names_ = {"host.test",  "near.test",   "far.test",  "s.test",
                                                "empty.test", "absent.test", "slow.test", "%{d}"};
  const std::vector<std::string> record_names_ = {"yes.test",  "no.test",    "soft.test",
                                                  "open.test", "deep.test",  "broken.test",
                                                  "slow.test", "absent.test"};
  const std::vector<std::string> exists_ = {"%{ir}.list.test",
                                            "%{l}.users.test",
                                            "host.test",
                                            "%{d2}",
                                            "%{i}.x.test",
                                            "slow.test",
                                            "%{d}",
                                            "%{d1r}.%{o1}",
                                            "%{h}"};
  const std::vector<std::string> modifiers_ = {"x=y", "exp=absent.test", "exp=%{d}",
                                               "a.b-c_d=%{s}"};
  const std::vector<std::string> malformed_ = {
      "ip4:192.0.2", "a:", "a/33",          "mx//129",          "include",
      "exists",      "al", "ip6:192.0.2.7", "redirect:no.test", "a:%{x}.test"};
};

// ---- the tests ----

TEST(SpfDifferential, GeneratedRecords) {
  constexpr unsigned seed = 7208;
  constexpr int count = 4000;
  RecordGenerator generator(seed);
  const FakeDns base = generated_zone();
  std::vector<SpfCase> cases;
  std::vector<std::string> records;
  for (int i = 0; i < count; ++i) {
    const std::string record = generator.record();
    const std::string client = generator.client();
    FakeDns zone = base;
    zone.txt("s.test", record);
    const auto query = spf::mail_from_query(mail::IpAddress::parse(client).value(), "helo.test",
                                            "user@s.test", "mx.receiver.test", {});
    cases.push_back({"generated_" + std::to_string(i), std::move(zone), query, {}, {}, {}});
    records.push_back(client + " " + record);
  }
  compare(cases, records);
}

// The suites that are there: the public ones are no part of the source.
std::vector<std::string> suites() {
  if (std::string_view(SEKISHO_CONFORMANCE).empty()) return {};
  return {conformance_path("spf/rfc7208-tests.json")};
}

class SpfDifferentialSuite : public testing::TestWithParam<std::string> {};

TEST_P(SpfDifferentialSuite, EveryCase) { compare(load_spf_cases(GetParam(), true), {}); }

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(SpfDifferentialSuite);
INSTANTIATE_TEST_SUITE_P(Rfc7208, SpfDifferentialSuite, testing::ValuesIn(suites()));

}  // namespace

}  // namespace sekisho::test
