#include "queue/summary.h"

namespace sekisho::queue {

std::string_view sentence_of(Reason reason) {
  switch (reason) {
    case Reason::none:
      return "not tried yet";
    case Reason::deferred:
      return "the next host could not take it yet";
    case Reason::fault:
      return "something here is out of order: it goes on by itself when that is mended";
    case Reason::loop:
      return "it goes in a circle";
    case Reason::person:
      return "held by a command";
    case Reason::undeliverable:
      return "it cannot be delivered, and its sender is <>: nobody can be told";
    case Reason::backscatter:
      return "it cannot be delivered, and its sender is not proved: a bounce could go to somebody "
             "else";
    case Reason::crash:
      return "the daemon crashed twice while it worked on it";
    case Reason::lost_index:
      return "the index was lost, and with it which of its recipients have it";
  }
  return {};
}

std::string summary_text(const Counts& counts, const std::vector<Alarms::Alarm>& alarms,
                         std::string_view hostname) {
  std::string text;
  for (const auto reason : all_values<Reason>()) {
    const auto count = counts.held_for[reason];
    if (count == 0) continue;
    text += "  " + std::to_string(count) + (count == 1 ? " recipient: " : " recipients: ");
    text.append(sentence_of(reason)).append("\r\n");
  }
  if (!text.empty()) {
    text =
        "Held in the queue, until a person decides or a fault ends:\r\n\r\n" + text +
        "\r\nsekisho queue list shows them; release, delete, show and requeue take their ids.\r\n";
  }
  for (const auto& alarm : alarms) {
    if (&alarm == alarms.data()) text += "\r\nOut of order:\r\n\r\n";
    text += "  " + alarm.text + " (since " + to_iso8601(alarm.since) + ")\r\n";
  }
  if (text.empty()) return text;
  return "The mail system at " + std::string(hostname) +
         " has something for you to decide.\r\n\r\n" + text;
}

}  // namespace sekisho::queue
