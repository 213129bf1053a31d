// Prints Authentication-Results fields of generated values, for a public reader to read: one JSON
// object a line,
//   {"field": the unfolded value,
//    "results": [{"method", "result", "properties": [[type.name, value]]}]}
// Usage: authres_fields COUNT SEED
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "authres/compose.h"
#include "authres/syntax.h"
#include "mail/header.h"

namespace {

using namespace sekisho;
using nlohmann::json;

// What senders put into HELO, MAIL FROM, d=, s= and i=, whole and in pieces.
constexpr std::string_view pieces[] = {"a",           "b.c",       "example.test",
                                       ".",           "..",        "@",
                                       "-",           "_",         "\"",
                                       "\\",          " ",         "(",
                                       ")",           ";",         "=",
                                       "/",           ":",         "[",
                                       "]",           ",",         "?",
                                       "<",           ">",         "'",
                                       "%",           "+",         "!",
                                       "#",           "~",         "`",
                                       "\t",          "\r\n",      "\x7f",
                                       "{",           "|",         "}",
                                       "$",           "&",         "*",
                                       "^",           "192.0.2.1", "2001:db8::1",
                                       "none",        "spf=pass",  "@ex.test.",
                                       "a@localhost", "a@b.test",  "\"a b\"@c.test"};

class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t limit) { return random_() % limit; }
  std::string text() {
    std::string out;
    for (std::size_t n = 1 + below(5); n > 0; --n) out += pieces[below(std::size(pieces))];
    return out;
  }
  dkim::SignatureResult signature() {
    dkim::SignatureResult out;
    out.code = below(2) == 0 ? dkim::Code::pass : dkim::Code::permerror;
    out.domain = text();
    out.selector = text();
    out.algorithm = text();
    out.signature_start = "AbC+/=12";
    out.reason = text();
    out.key_bits = static_cast<unsigned>(below(2) * 2048);
    return out;
  }

 private:
  std::mt19937 random_;
};

authres::AuthenticationResults field_of(Generator& generate) {
  const client::IprevResult iprev{client::IprevCode::pass, generate.text(), ""};
  spf::Result helo{spf::Scope::helo, spf::Code::fail, generate.text(), generate.text(), ""};
  spf::Result sender{spf::Scope::mfrom, spf::Code::permerror, generate.text(), generate.text(), ""};
  const std::vector<dkim::SignatureResult> signatures{generate.signature(), generate.signature()};
  dmarc::Result dmarc;
  dmarc.code = dmarc::Code::fail;
  dmarc.from = generate.text();
  authres::Inputs inputs;
  inputs.authserv_id = "mx.example.test";
  inputs.decision_id = "K7Q2-4D";
  inputs.client_address = generate.below(2) == 0 ? "192.0.2.1" : "2001:db8::1";
  inputs.iprev = &iprev;
  inputs.helo = &helo;
  inputs.mail_from = &sender;
  inputs.mail_from_address = generate.text();
  inputs.dkim = &signatures;
  inputs.dmarc = &dmarc;
  auto field = authres::compose(inputs);
  field.results[generate.below(field.results.size())].comment = generate.text();
  return field;
}

// What a reader must find: one value, at the end of the field.
authres::AuthenticationResults one_value(Generator& generate) {
  authres::MethodResult result;
  result.method = "spf";
  result.result = "pass";
  std::string value;
  while (authres::cleaned(value, 480).empty()) value = generate.text();
  result.properties = {{"smtp", "mailfrom", value}};
  authres::AuthenticationResults field;
  field.authserv_id = "mx.example.test";
  field.results = {result};
  return field;
}

json described(const authres::AuthenticationResults& field) {
  json results = json::array();
  for (const auto& result : field.results) {
    json properties = json::array();
    for (const auto& each : result.properties) {
      properties.push_back({each.type + "." + each.name, authres::cleaned(each.value, 480)});
    }
    results.push_back(
        {{"method", result.method}, {"result", result.result}, {"properties", properties}});
  }
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return EXIT_FAILURE;
  Generator generate(static_cast<unsigned>(std::stoul(argv[2])));
  for (unsigned long n = std::stoul(argv[1]); n > 0; --n) {
    const auto field = n % 2 == 0 ? one_value(generate) : field_of(generate);
    const mail::HeaderField written{"Authentication-Results", authres::write(field)};
    std::cout << json{{"field", written.unfolded()}, {"results", described(field)}} << '\n';
  }
  return EXIT_SUCCESS;
}
