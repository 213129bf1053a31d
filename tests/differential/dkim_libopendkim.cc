// The same signed messages through libopendkim and through our verifier. Every disagreement must be
// listed in tests/data/differential/dkim.json with the section that decides it; an unlisted one
// fails, and so does a listed one that is none (any more).
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <sys/types.h>

// Its header is C99.
#define _Bool bool  // NOLINT(bugprone-reserved-identifier)
extern "C" {
#include <dkim.h>
}
#undef _Bool

#include "base/ascii.h"
#include "base/unique_handle.h"
#include "dkim/verify.h"
#include "mail/message.h"
#include "support/dkim_signer.h"
#include "support/fake_dns.h"

namespace sekisho::dkim {
namespace {

constexpr std::int64_t now = 1795255200;

// The records of a name; nothing when asking for them fails.
using Zone = std::map<std::string, std::optional<std::vector<std::string>>>;

struct Case {
  std::string name;
  mail::Message message;
  Zone zone;
};

// What the two are compared by: libopendkim does not tell permerror, policy and temperror apart.
enum class Verdict { pass, fail, error };

std::string to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::pass:
      return "pass";
    case Verdict::fail:
      return "fail";
    case Verdict::error:
      return "error";
  }
  return "";
}

std::vector<Verdict> our_verdicts(const Case& example) {
  test::FakeDns dns;
  for (const auto& [name, records] : example.zone) {
    if (!records) {
      dns.error(name);
      continue;
    }
    dns.exists(name);
    for (const auto& record : *records) dns.txt(name, record);
  }
  Options options;
  options.max_signatures = 100;  // libopendkim has no limit
  Verification verification(options);
  verification.start(example.message.header);
  verification.body(example.message.body);
  verification.end_of_body();
  crypto::KeyCache keys;
  const auto results = test::run_to_end(
      [&](const dns::Answers& answers) {
        return verification.evaluate(answers, WallTime(std::chrono::seconds(now)), keys);
      },
      dns);
  std::vector<Verdict> verdicts;
  for (const auto& result : results) {
    verdicts.push_back(result.code == Code::pass   ? Verdict::pass
                       : result.code == Code::fail ? Verdict::fail
                                                   : Verdict::error);
  }
  return verdicts;
}

// One record for one key: what libopendkim's own lookup makes of an answer.
DKIM_CBSTAT look_up_key(DKIM* dkim, DKIM_SIGINFO* signature, u_char* buffer, size_t size) noexcept {
  const auto& zone = *static_cast<const Zone*>(dkim_get_user_context(dkim));
  const auto text = [](const unsigned char* octets) {
    return octets == nullptr ? std::string() : reinterpret_cast<const char*>(octets);
  };
  const std::string name = ascii::lower(text(dkim_sig_getselector(signature)) + "._domainkey." +
                                        text(dkim_sig_getdomain(signature)));
  const auto found = zone.find(name);
  if (found == zone.end()) return DKIM_CBSTAT_NOTFOUND;
  if (!found->second) return DKIM_CBSTAT_TRYAGAIN;
  if (found->second->empty()) return DKIM_CBSTAT_NOTFOUND;
  const std::string& record = found->second->front();
  if (found->second->size() > 1 || record.size() >= size) return DKIM_CBSTAT_ERROR;
  std::memcpy(buffer, record.c_str(), record.size() + 1);
  return DKIM_CBSTAT_CONTINUE;
}

// Called for all signatures before they are processed; with this none of them is left out after the
// first that passes.
DKIM_CBSTAT process_all(DKIM* dkim, DKIM_SIGINFO** signatures, int count) noexcept {
  for (int i = 0; i < count; ++i) dkim_sig_process(dkim, signatures[i]);
  return DKIM_CBSTAT_CONTINUE;
}

class LibOpenDkim {
 public:
  LibOpenDkim() : library_(dkim_init(nullptr, nullptr)) {
    if (!library_) throw std::runtime_error("dkim_init failed");
    std::uint64_t drift = 300;
    unsigned bits = 1024;
    unsigned flags = DKIM_LIBFLAGS_DELAYSIGPROC;
    dkim_options(library_.get(), DKIM_OP_SETOPT, DKIM_OPTS_CLOCKDRIFT, &drift, sizeof drift);
    dkim_options(library_.get(), DKIM_OP_SETOPT, DKIM_OPTS_MINKEYBITS, &bits, sizeof bits);
    dkim_options(library_.get(), DKIM_OP_SETOPT, DKIM_OPTS_FLAGS, &flags, sizeof flags);
    dkim_set_key_lookup(library_.get(), look_up_key);
    dkim_set_final(library_.get(), process_all);
  }

  std::vector<Verdict> verdicts(const Case& example) const {
    DKIM_STAT status = DKIM_STAT_OK;
    const UniqueHandle<DKIM, dkim_free> dkim(
        dkim_verify(library_.get(), reinterpret_cast<const u_char*>("test"), nullptr, &status));
    if (!dkim) throw std::runtime_error("dkim_verify failed");
    dkim_set_user_context(dkim.get(), const_cast<Zone*>(&example.zone));
    for (const auto& field : example.message.header.fields()) {
      std::string octets = field.name + ":" + field.value;
      dkim_header(dkim.get(), bytes(octets), octets.size());
    }
    dkim_eoh(dkim.get());
    std::string body = example.message.body;
    if (!body.empty()) dkim_body(dkim.get(), bytes(body), body.size());
    dkim_eom(dkim.get(), nullptr);
    DKIM_SIGINFO** signatures = nullptr;
    int count = 0;
    dkim_getsiglist(dkim.get(), &signatures, &count);
    std::vector<Verdict> verdicts;
    for (int i = 0; i < count; ++i) verdicts.push_back(verdict(signatures[i]));
    return verdicts;
  }

 private:
  static u_char* bytes(std::string& text) { return reinterpret_cast<u_char*>(text.data()); }

  static Verdict verdict(DKIM_SIGINFO* signature) {
    const int error = dkim_sig_geterror(signature);
    if (error == DKIM_SIGERROR_OK && DKIM_SIG_CHECK(signature)) return Verdict::pass;
    const bool other_body =
        error == DKIM_SIGERROR_OK && dkim_sig_getbh(signature) == DKIM_SIGBH_MISMATCH;
    return error == DKIM_SIGERROR_BADSIG || other_body ? Verdict::fail : Verdict::error;
  }

  UniqueHandle<DKIM_LIB, dkim_close> library_;
};

std::vector<Case> fixtures() {
  std::vector<Case> cases;
  for (const auto& entry : std::filesystem::directory_iterator(test::data_path("dkim"))) {
    if (entry.path().extension() != ".msg") continue;
    Case example;
    example.name = entry.path().stem().string().substr(4);  // without its number
    example.message = mail::parse_message(test::read_file(entry.path().string()));
    auto dns_path = entry.path();
    const auto zone = test::read_json(dns_path.replace_extension(".dns").string());
    for (const auto& [name, value] : zone.items()) {
      if (value.is_array()) {
        example.zone[name] = value.get<std::vector<std::string>>();
      } else {
        example.zone[name] = std::nullopt;
      }
    }
    cases.push_back(std::move(example));
  }
  return cases;
}

// Messages of every shape that the fixtures do not list, each changed on its way in one of these
// manners.
class Generator {
 public:
  Case make(unsigned index) {
    random_.seed(index);
    const bool rsa = pick(4) != 0;
    test::SignatureTags tags;
    tags.relaxed_header = pick(2) == 0;
    tags.relaxed_body = pick(2) == 0;
    tags.fields = signed_names();
    Case example;
    example.name = "generated-" + std::to_string(index);
    example.message.body = text(pick(40));  // as SMTP carries it: the last line is whole
    if (!example.message.body.empty()) example.message.body += "\r\n";
    const mail::Header header = make_header();
    const auto signature = test::sign(rsa ? rsa_ : ed25519_, tags, header, example.message.body);
    example.zone["sel._domainkey.a.example"] = {{(rsa ? rsa_ : ed25519_).record()}};
    std::vector<mail::HeaderField> fields = {signature};
    fields.insert(fields.end(), header.fields().begin(), header.fields().end());
    change(fields, example.message.body);
    for (auto& field : fields) example.message.header.add(std::move(field));
    return example;
  }

 private:
  std::size_t pick(std::size_t count) { return random_() % count; }

  std::string text(std::size_t parts) {
    static const std::vector<std::string> kinds = {
        "word",     " ",     "  ", "\t",       "\r\n",
        "\r\n\r\n", " \r\n", ".",  "\xc3\xa9", std::string(300, 'x')};
    std::string out;
    for (; parts > 0; --parts) out += kinds[pick(kinds.size())];
    return out;
  }

  std::string value() {
    static const std::vector<std::string> kinds = {"word",   " ", "\t",      "\r\n ",
                                                   "\r\n\t", ":", "=?utf-8?"};
    std::string out = pick(8) == 0 ? "" : " ";
    for (auto parts = pick(12); parts > 0; --parts) out += kinds[pick(kinds.size())];
    return out + "end";
  }

  mail::Header make_header() {
    static const std::vector<std::string> names = {"To",    "Subject", "Date",
                                                   "X-One", "x-one",   "Received"};
    mail::Header header;
    const auto count = 2 + pick(8);
    const auto from = pick(count);
    for (std::size_t i = 0; i < count; ++i) {
      if (i == from) header.add({"From", " Alice\t <alice@a.example>"});
      header.add({names[pick(names.size())], value()});
    }
    return header;
  }

  std::string signed_names() {
    static const std::vector<std::string> names = {"to", "Subject", "date", "x-one", "x-absent"};
    std::string list = "from";
    for (auto count = pick(8); count > 0; --count) list += ":" + names[pick(names.size())];
    return list;
  }

  void change(std::vector<mail::HeaderField>& fields, std::string& body) {
    auto& field = fields[1 + pick(fields.size() - 1)];
    switch (pick(9)) {
      case 0:
        body += "\r\n\r\n";
        break;
      case 1:
        body.insert(pick(std::max<std::size_t>(body.size(), 2) - 1), body.empty() ? "!\r\n" : "!");
        break;
      case 2:
        if (!body.empty()) body.insert(pick(body.size() - 1), " ");
        break;
      case 3:
        field.value += "!";
        break;
      case 4:
        field.value.insert(0, "\r\n\t ");
        break;
      case 5:
        std::transform(field.name.begin(), field.name.end(), field.name.begin(), ascii::to_upper);
        break;
      case 6:
        fields.push_back({"X-One", " added"});
        break;
      case 7:
        fields.insert(fields.begin(), {"Subject", " added"});
        break;
      default:  // and as many come as they were sent
        break;
    }
  }

  std::mt19937 random_;
  test::SigningKey rsa_ = test::SigningKey::rsa(1024);
  test::SigningKey ed25519_ = test::SigningKey::ed25519();
};

struct Listed {
  std::string ours;
  std::string theirs;
  std::string rfc;
};

std::map<std::string, Listed> listed_disagreements() {
  std::map<std::string, Listed> listed;
  for (const auto& entry : test::read_json(test::data_path("differential/dkim.json"))) {
    for (const std::string& name : entry["cases"].get<std::vector<std::string>>()) {
      listed[name] = {entry["ours"], entry["theirs"], entry["rfc"]};
    }
  }
  return listed;
}

std::string join(const std::vector<Verdict>& verdicts) {
  std::string out;
  for (const Verdict verdict : verdicts) out += (out.empty() ? "" : " ") + to_string(verdict);
  return out;
}

class DkimDifferential : public testing::Test {
 protected:
  void compare(const Case& example) {
    const std::string ours = join(our_verdicts(example));
    const std::string theirs = join(library_.verdicts(example));
    const auto found = listed_.find(example.name);
    if (found == listed_.end()) {
      EXPECT_EQ(ours, theirs) << example.name << " is not in tests/data/differential/dkim.json";
      return;
    }
    EXPECT_EQ(ours, found->second.ours) << example.name;
    EXPECT_EQ(theirs, found->second.theirs) << example.name;
    EXPECT_NE(ours, theirs) << example.name << " is listed, but the two agree";
    EXPECT_FALSE(found->second.rfc.empty()) << example.name;
    used_.insert(example.name);
  }

  LibOpenDkim library_;
  std::map<std::string, Listed> listed_ = listed_disagreements();
  std::set<std::string> used_;
};

TEST_F(DkimDifferential, Fixtures) {
  const auto cases = fixtures();
  EXPECT_GE(cases.size(), 150U);
  for (const auto& example : cases) compare(example);
  for (const auto& [name, listed] : listed_) {
    EXPECT_TRUE(used_.contains(name)) << name << " is listed, but there is no such case";
  }
}

TEST_F(DkimDifferential, GeneratedMessages) {
  Generator generator;
  std::size_t passed = 0;
  for (unsigned index = 0; index < 1000; ++index) {
    const Case example = generator.make(index);
    compare(example);
    if (our_verdicts(example) == std::vector{Verdict::pass}) ++passed;
  }
  // Most changes leave some messages intact and break others.
  EXPECT_GT(passed, 300U);
  EXPECT_LT(passed, 900U);
}

}  // namespace
}  // namespace sekisho::dkim
