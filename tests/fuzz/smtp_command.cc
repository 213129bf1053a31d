// Any octets as a command: what is understood can be written into a line of the log, and what stays
// with the message has no control octets.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/ascii.h"
#include "fuzz/require.h"
#include "smtp/command.h"
#include "smtp/proxy.h"

namespace {

using namespace sekisho;
using fuzz::require;

bool plain(const std::vector<std::string>& parameters) {
  return std::all_of(parameters.begin(), parameters.end(), [](const std::string& each) {
    return each.find(' ') == std::string::npos && !each.empty();
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto command = smtp::read_command(line);
  for (const bool utf8 : {false, true}) {
    const auto mail =
        smtp::read_mail(command.argument, {.smtputf8 = utf8, .message_size = 1'000'000});
    if (mail) {
      require(mail->path.raw().size() <= smtp::most_path_octets);
      require(mail->size <= 1'000'000);
      require(plain(mail->parameters));
    } else {
      require(mail.error().permanent());
    }
    const auto rcpt = smtp::read_rcpt(command.argument, utf8);
    if (rcpt) {
      require(!rcpt->path.is_null());
      require(plain(rcpt->parameters));
    } else {
      require(rcpt.error().permanent());
    }
  }
  if (const auto text = smtp::decode_xtext(command.argument)) {
    require(std::none_of(text->begin(), text->end(), ascii::is_control));
  }
  static_cast<void>(smtp::is_well_formed_helo(command.argument));
  static_cast<void>(smtp::read_xclient(command.argument));
  return 0;
}
