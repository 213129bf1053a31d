#include "session/hop.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/clock.h"

namespace sekisho::session {

namespace {

// The client's HELO, as a word that cannot be mistaken for another part of the field.
std::string word(std::string_view said) {
  constexpr std::size_t most = 255;  // RFC 5321 §4.5.3.1.2
  std::string out(said.substr(0, most));
  for (char& c : out) {
    const bool plain = ascii::is_alpha(c) || ascii::is_digit(c) || c == '.' || c == '-' ||
                       c == '_' || c == ':' || c == '[' || c == ']';
    if (!plain) c = '?';
  }
  return out.empty() ? "unknown" : out;
}

// RFC 5321 §4.1.3: the literal of an IPv6 address has a tag.
std::string literal(const mail::IpAddress& address) {
  const std::string text = address.text();
  return (text.find(':') == std::string::npos ? "[" : "[IPv6:") + text + "]";
}

// Nothing for a user of this host: the comment behind "by" says who that is.
std::string from_clause(const policy::Client& peer, const Transmission& how) {
  if (!how.user.empty()) return {};
  const bool named = !peer.name.empty() && peer.name.front() != '[';
  std::string text = " from " + word(peer.helo) + " (" + (named ? word(peer.name) : "unknown");
  if (peer.address) text += " " + literal(*peer.address);
  text += ")\r\n\t";
  if (!how.tls.empty()) text += "(using " + how.tls + ")\r\n\t";
  return text;
}

std::string by_clause(const policy::Facts& facts, std::string_view by, const Transmission& how) {
  std::string text = (how.user.empty() ? "by " : " by ") + word(by);
  if (how.protocol.empty()) {
    text += " (held by sekishod)";
    if (!facts.queue_id.empty()) text += " id " + word(facts.queue_id);
    return text;
  }
  if (how.user.empty()) return text + " (Sekisho) with " + how.protocol + " id " + facts.id;
  // As Postfix writes it: programs that read these fields know the words.
  return text + " (Sekisho, from userid " + how.user + ")\r\n\tid " + facts.id;
}

}  // namespace

std::string received_field(const policy::Facts& facts, const policy::Client& peer,
                           std::string_view by, const Transmission& how) {
  std::string text = from_clause(peer, how) + by_clause(facts, by, how);
  if (facts.recipients.size() == 1) {
    // RFC 5321 §4.4: with several, it would reveal the others.
    const auto& to = facts.recipients.front().raw();
    const bool plain = std::all_of(to.begin(), to.end(), [](char c) {
      return c > ' ' && c < 0x7f && c != '<' && c != '>' && c != '(' && c != ')' && c != ';';
    });
    if (plain) text += "\r\n\tfor <" + to + ">";
  }
  return text + ";\r\n\t" + to_rfc5322(facts.received);
}

std::string first_field(const mail::Header& header, std::string_view name) {
  for (const auto& field : header.fields()) {
    if (field.is(name)) return field.unfolded();
  }
  return {};
}

}  // namespace sekisho::session
