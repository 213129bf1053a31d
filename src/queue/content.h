// queue/content.h: a message as it leaves: our fields on top, the header without removed fields,
// the body. Of the message only the header is in memory; the body is read from its file.
// Errors: a sentence. Thread: one owner.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "queue/local_sender.h"
#include "queue/message.h"
#include "relay/transport.h"
#include "spool/message_file.h"

namespace sekisho::queue {

// The fields for the top, in the order in which they are inserted, each above the last.
std::string top_of(const std::vector<policy::Edit>& edits, std::string top = {});
// Removals among edits.
std::vector<policy::Edit> removals_of(const std::vector<policy::Edit>& edits);

Expected<std::unique_ptr<relay::Content>, std::string> open_content(
    spool::MessageFile file, const Letter& letter,
    const std::optional<LocalSender>& local = std::nullopt);

// The header as it left, at most so many octets of it, and whole fields only.
Expected<std::string, std::string> header_of(const spool::MessageFile& file, const Letter& letter,
                                             std::size_t most);

// Takes the Received fields that this host wrote before out of the message, so that the count of
// its passes begins anew. What cannot be read stays as it is.
void remove_own_received(const spool::MessageFile& file, std::string_view hostname, Letter& letter);

}  // namespace sekisho::queue
