// tests/bench/load/filter.h: one connection to a filter, driven event by event as Postfix drives
// it. Offers all of protocol 6 and honours what the filter negotiates: events left out (SMFIP_NO*),
// replies left out (SMFIP_NR_*), SKIP, the blank after the colon (SMFIP_HDR_LEADSPC). An event
// without a reply stays in the buffer until a reply is needed, which is what Postfix does;
// `FlushWhen::event` sends each at once, as sendmail does. Errors: WireError. Thread: one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/load/corpus.h"
#include "bench/load/wire.h"

namespace sekisho::bench {

enum class Reply { proceed, accept, reject, tempfail, discard, replycode, shutdown };
enum class FlushWhen { reply, event };

std::string_view reply_name(Reply reply);

struct FilterOptions {
  std::string endpoint;
  std::chrono::seconds timeout{300};
  FlushWhen flush_when = FlushWhen::reply;
  std::string hostname = "mx.example.jp";
};

// What a filter asked for at end of message.
struct Edits {
  struct Insert {
    std::uint32_t index;
    Field field;
  };
  std::vector<Insert> inserted;
  std::vector<Field> added;
  std::vector<Insert> changed;  // an empty value deletes
  std::string quarantine;
  std::string reply_text;
  unsigned progress = 0;
  unsigned other = 0;  // recipients, sender or body changed
};

class FilterSession {
 public:
  explicit FilterSession(const FilterOptions& options);

  Reply connect(const Envelope& envelope);
  Reply helo(const Envelope& envelope);
  Reply mail(const Envelope& envelope);
  Reply rcpt(const Envelope& envelope, const std::string& to, const std::string& queue_id);
  Reply data(const std::string& queue_id);
  Reply message(const std::vector<Field>& header, std::string_view body,
                const std::string& queue_id, Edits& edits);
  void abort();
  void quit();

  std::uint32_t protocol() const { return protocol_; }

 private:
  using Macros = std::vector<std::pair<std::string, std::string>>;
  struct Event;

  void negotiate();
  Reply send(const Event& event, const Macros& macros, std::string_view payload,
             Edits* edits = nullptr);
  Reply await(char command, Edits* edits);
  bool edit(const Packet& packet, Edits* edits);
  bool want(std::uint32_t flag) const { return (protocol_ & flag) == 0; }

  FilterOptions options_;
  Wire wire_;
  std::uint32_t protocol_ = 0;
  char skipping_ = 0;
  bool connection_done_ = false;  // accepted or refused at connect or HELO
  bool message_done_ = false;     // accepted or refused before the end of DATA
};

// The header as the next filter sees it: inserted fields in their places, added ones at the end.
std::vector<Field> apply_edits(const std::vector<Field>& header, const Edits& edits);

}  // namespace sekisho::bench
