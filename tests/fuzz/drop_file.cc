// Any octets as a file that some user of this host left in the drop folder, and as the text that a
// program gives to sendmail(1). What is read of the file is what writes it; its commands are one
// line each; and the text of a program becomes a message in lines of CRLF.
#include <string>

#include "base/ascii.h"
#include "cli/drop_file.h"
#include "cli/sendmail_message.h"
#include "fuzz/require.h"

namespace {

using namespace sekisho;
using fuzz::require;

void check_dropped(std::string_view text) {
  const auto dropped = cli::Dropped::parse(text);
  if (!dropped) return require(!dropped.error().empty());
  require(dropped->text() == text);
  require(!dropped->rcpts.empty());
  require(ascii::istarts_with(dropped->mail, "MAIL FROM:"));
  require(dropped->mail.find('\n') == std::string::npos);
  for (const auto& rcpt : dropped->rcpts) {
    require(ascii::istarts_with(rcpt, "RCPT TO:"));
    // What goes to the front is a line: nothing in it begins a further command.
    require(rcpt.find('\n') == std::string::npos);
  }
}

void check_program(std::string_view text, bool from_header) {
  cli::SendmailOptions options;
  options.from_header = from_header;
  const auto message = cli::read_sendmail_message(text, options, "root");
  const auto& content = message.content;
  for (std::size_t i = 0; i < content.size(); ++i) {
    if (content[i] == '\r') require(i + 1 < content.size() && content[i + 1] == '\n');
    if (content[i] == '\n') require(i > 0 && content[i - 1] == '\r');
  }
  require(content.find("\r\n\r\n") != std::string::npos);
  require(from_header || message.recipients.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  check_dropped(text);
  if (size == 0) return 0;
  check_program(text.substr(1), (data[0] & 1) != 0);
  return 0;
}
