// queue/log_lines.h: lines about recipients, in the shape that readers of Postfix's log know.
//   4bXY: to=<b@example.jp>, orig_to=<info@example.jp>, relay=mx.example[192.0.2.1]:25, delay=1,
//   delays=0, dsn=2.0.0, status=sent (250 2.0.0 Ok)
// An address is one word in them, whatever stands in its quotes.
// Errors: none. Thread: any.
#pragma once

#include <string>

#include "queue/message.h"
#include "relay/transport.h"

namespace sekisho::queue {

// Of a message that begins its way.
std::string arrival_line(const Message& message);
std::string delivery_line(const std::string& id, const Recipient& to, const relay::Result& result,
                          WallTime arrived);
// Of one that a command has brought to its end.
std::string command_line(const std::string& id, const Recipient& to);

}  // namespace sekisho::queue
