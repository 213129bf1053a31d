// tests/support/dns_server.h: a name server on loopback that answers from a zone, and lies, delays,
// dies and comes back as a test wants it.
//   DnsServer server("example.com. TXT \"v=spf1 -all\"");
//   server.fail_with(DnsServer::Fault::servfail);
//   options.servers = {server.address()};
// Thread: any, internally locked; it has one thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/unique_handle.h"
#include "dns/zone.h"

namespace sekisho::test {

class DnsServer {
 public:
  // What is wrong with a reply over UDP; over TCP too where it says so.
  enum class Fault : std::uint8_t {
    none,
    drop,      // no reply, TCP too
    servfail,  // TCP too, as are the next ones but for those that say UDP
    refused,
    notimp,
    formerr,
    formerr_bare,     // a header alone
    formerr_to_edns,  // FORMERR as long as the query has an OPT record
    notimp_to_edns,
    servfail_to_edns,
    drop_edns,          // no reply to a query with an OPT record, TCP too
    truncate,           // UDP: TC and nothing else; TCP is honest
    truncate_dead_tcp,  // UDP: TC; TCP is closed at once
    truncate_mute_tcp,  // UDP: TC; TCP is accepted and never answered
    wrong_id,
    wrong_question,
    wrong_case,    // UDP: the question in lower case throughout
    forged_first,  // a reply with a wrong id and another answer, then the honest one
    two_questions,
    not_a_response,  // QR is 0
    garbage,         // octets that are no packet, the id apart
    empty_packet,
    label_overrun,     // the owner's label is longer than the packet
    compression_loop,  // the owner's name points at itself
    forward_pointer,   // ... behind the packet
    long_label,        // a label of 64 octets, which is no length
    rdata_overrun,     // RDLENGTH goes beyond the packet
    string_overrun,    // a TXT character-string longer than its RDATA
    short_address,     // an A of two octets
    count_lie,         // the header promises 10,000 records, one is there
    cname_loop,        // a. CNAME b. CNAME a.
    cname_to_itself,
    referral,      // names of other servers, no recursion
    many_records,  // the honest ones, and as many others of their type as 64 KB hold, over TCP
  };
  static std::string_view name(Fault fault);

  explicit DnsServer(std::string_view zone_text);
  ~DnsServer();

  // "127.0.0.1:PORT"; stays the same over stop() and start().
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  void replace_zone(std::string_view zone_text);
  void fail_with(Fault fault);
  void delay(std::chrono::milliseconds time);  // every reply over UDP
  void one_link_at_a_time();                   // a CNAME is answered without what it points to
  void stop();                                 // the port is closed
  void start();                                // again

  std::size_t udp_queries() const;
  std::size_t tcp_queries() const;
  std::vector<dns::Question> asked() const;
  // Of the queries so far, those with an OPT record.
  std::size_t edns_queries() const;

 private:
  struct Script {
    std::shared_ptr<const dns::Zone> zone;
    Fault fault = Fault::none;
    std::chrono::milliseconds delay{0};
    bool one_link = false;
    std::size_t udp = 0, tcp = 0, edns = 0;
    std::vector<dns::Question> asked;
  };
  struct Delayed;

  void bind();
  void run();
  void serve_udp(std::vector<Delayed>& delayed);
  void serve_tcp();
  std::vector<std::string> replies(std::string_view query, bool tcp);

  Guarded<Script> script_;
  std::uint16_t port_ = 0;
  UniqueFd udp_, tcp_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace sekisho::test
