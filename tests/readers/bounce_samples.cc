// Writes bounces of every kind for other programs to read: a JSON array of
//   {"name", "message" (base64), "report", "envid", "whole", "recipients": [{"address", "original",
//   "status", "host", "diagnostic"}]}
// "diagnostic": lines of the remote reply. What a reader must find is what stands here.
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "queue/bounce.h"

namespace {

using namespace sekisho;
using nlohmann::json;
using queue::Bounce;
using queue::Letter;
using queue::Report;

const WallTime arrived(std::chrono::seconds(1'800'000'000));
constexpr const char* header =
    "From: Alice <alice@sender.example>\r\nTo: bob@example.net\r\nSubject: an order\r\n"
    "Message-ID: <1@sender.example>\r\nDate: Fri, 15 Jan 2027 08:00:00 +0000\r\n";

queue::Recipient to(const std::string& address) {
  queue::Recipient recipient;
  recipient.address = recipient.original = address;
  recipient.last.reply = "550 5.1.1 <" + address + ">: Recipient address rejected: User unknown";
  recipient.last.status = "5.1.1";
  recipient.last.host = "mx.example.net[192.0.2.1]:25";
  recipient.last.time = arrived;
  return recipient;
}

struct Sample {
  std::string name;
  Letter letter;
  Bounce bounce;
};

Sample sample(const std::string& name, Report report, std::vector<queue::Recipient> recipients) {
  Sample one{name, {}, {}};
  one.letter.id = "K7Q2-4DMX";
  one.letter.sender = "alice@sender.example";
  one.letter.arrived = arrived;
  auto& bounce = one.bounce;
  bounce.report = report;
  bounce.id = "K7Q2-4DMY";
  bounce.to = one.letter.sender;
  bounce.origin = "example.jp";
  bounce.hostname = "mail.example.jp";
  bounce.now = arrived;
  bounce.give_up = std::chrono::hours(120);
  bounce.recipients = std::move(recipients);
  bounce.original = header;
  return one;
}

queue::Recipient said(queue::Recipient recipient, const std::string& reply,
                      const std::string& status) {
  recipient.last.reply = reply;
  recipient.last.status = status;
  return recipient;
}

Sample several() {
  auto expanded = to("carol@example.net");
  expanded.original = "team@example.jp";
  auto silent = said(to("dave@example.org"), "", "4.4.1");
  silent.last.host.clear();
  silent.last.why = "connect to mx.example.org[192.0.2.2]:25: Connection refused";
  return sample("several", Report::failed, {to("bob@example.net"), expanded, silent});
}

Sample parameters() {
  auto recipient = to("bob@example.net");
  recipient.parameters = {"ORCPT=rfc822;Bob+2Blist+40example.org", "NOTIFY=FAILURE"};
  auto one = sample("parameters", Report::failed, {recipient});
  one.letter.parameters = {"ENVID=order+2B42", "RET=HDRS"};
  return one;
}

Sample whole() {
  auto one = sample("whole", Report::failed, {to("bob@example.net")});
  one.bounce.whole = true;
  auto& original = one.bounce.original;
  original += "\r\n";
  // As large as a message may be that goes back whole.
  while (original.size() + 64 <= queue::bounce_octets) original += std::string(62, 'x') + "\r\n";
  return one;
}

Sample utf8() {
  auto one = sample("utf8", Report::failed, {to("用户@例え.example")});
  one.bounce.original = std::string(header) + "X-Note: 注文\r\n";
  return one;
}

std::vector<Sample> all() {
  const std::string lines =
      "550-5.7.1 mail of this host is refused,\n550-5.7.1 for it has no PTR;\n550 5.7.1 ask us";
  return {sample("failed", Report::failed, {to("bob@example.net")}),
          sample("delayed", Report::delayed,
                 {said(to("bob@example.net"), "451 4.3.0 try later", "4.3.0")}),
          sample("delivered", Report::delivered,
                 {said(to("bob@example.net"), "250 2.1.5 saved", "2.1.5")}),
          sample("relayed", Report::relayed,
                 {said(to("bob@example.net"), "250 2.0.0 Ok: queued as 1", "2.0.0")}),
          several(),
          whole(),
          utf8(),
          sample("lines", Report::failed, {said(to("bob@example.net"), lines, "5.7.1")}),
          parameters(),
          sample("dots", Report::failed, {to("a..b.@docomo.example")})};
}

json json_of(const Sample& one) {
  json out = {{"name", one.name},
              {"message", base64_encode(compose(one.bounce, one.letter))},
              {"report", to_string(one.bounce.report)},
              {"envid", one.letter.parameters.empty() ? "" : "order+42"},
              {"whole", one.bounce.whole},
              {"original", base64_encode(one.bounce.original)},
              {"recipients", json::array()}};
  for (const auto& each : one.bounce.recipients) {
    out["recipients"].push_back(
        {{"address", each.address},
         {"original", each.parameters.empty() ? each.original : "Bob+list@example.org"},
         {"status", each.last.status},
         {"host", each.last.host.empty() ? "" : "mx.example.net"},
         {"diagnostic", each.last.reply.empty() ? each.last.why : each.last.reply}});
  }
  return out;
}

}  // namespace

int main() {
  json samples = json::array();
  for (const auto& one : all()) samples.push_back(json_of(one));
  std::printf("%s\n", samples.dump(1, ' ', true).c_str());
  return std::ferror(stdout) == 0 ? 0 : 1;
}
