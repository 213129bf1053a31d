#include "quarantine/resend.h"

#include <algorithm>
#include <map>

#include "base/ascii.h"
#include "session/ports.h"

namespace sekisho::quarantine {

namespace {

std::string_view name_of(std::string_view field) {
  return ascii::trim(field.substr(0, field.find(':')));
}

// A value of ours as a field; it begins with a blank.
std::string field(std::string_view name, std::string_view value) {
  std::string text(name);
  text += ':';
  if (!value.starts_with(' ')) text += ' ';
  return text.append(value) + "\r\n";
}

}  // namespace

std::string_view take_field(std::string_view& rest) {
  if (rest.empty() || rest.starts_with("\r\n")) return {};
  std::size_t end = 0;
  do {
    const std::size_t feed = rest.find('\n', end);
    end = feed == std::string_view::npos ? rest.size() : feed + 1;
  } while (end < rest.size() && ascii::is_wsp(rest[end]));
  const std::string_view field = rest.substr(0, end);
  rest.remove_prefix(end);
  return field;
}

std::string without_fields(std::string_view message, const std::vector<policy::Edit>& removals) {
  std::string out;
  out.reserve(message.size());
  std::map<std::string, std::size_t, ascii::CaseInsensitiveLess> seen;
  for (auto one = take_field(message); !one.empty(); one = take_field(message)) {
    const std::string name(name_of(one));
    const std::size_t index = ++seen[name];
    const bool removed =
        std::any_of(removals.begin(), removals.end(), [&](const policy::Edit& edit) {
          return edit.index == index && ascii::iequals(edit.name, name);
        });
    if (!removed) out += one;
  }
  out += message;
  return out;
}

std::string resent(const Release& release, const Envelope& envelope, std::string_view message) {
  std::string text = field(session::release_field, release.id + " " + release.token);
  if (!envelope.authentication_results.empty())
    text += field("Authentication-Results", envelope.authentication_results);
  if (!envelope.received.empty()) text += field("Received", envelope.received);
  return text + without_fields(message, envelope.removals);
}

relay::Letter letter_for(const Release& release, const Envelope& envelope, bool notify,
                         std::string_view content) {
  relay::Letter letter;
  letter.mail_from = release.held.mail_from;
  letter.mail_parameters = envelope.mail_parameters;
  letter.content = content;
  for (const auto& address : release.recipients) {
    relay::LetterRecipient to{address, {}};
    const auto original = std::find_if(envelope.recipients.begin(), envelope.recipients.end(),
                                       [&](const auto& one) { return one.path.raw() == address; });
    if (original != envelope.recipients.end()) {
      for (const auto& parameter : original->parameters) {
        if (notify || !ascii::istarts_with(parameter, "NOTIFY="))
          to.parameters.push_back(parameter);
      }
    }
    if (!notify) to.parameters.emplace_back("NOTIFY=NEVER");
    letter.recipients.push_back(std::move(to));
  }
  return letter;
}

}  // namespace sekisho::quarantine
