// dkim/canonical.h: the canonical form of header fields and of the body, as it is signed. RFC 6376
// §3.4. The body arrives in pieces of any size, and is passed on in pieces as long as possible. It
// is not kept: the state is a few octets. Linear time.
// Errors: none. Thread: one owner.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/words.h"

namespace sekisho::dkim {

enum class Canonicalisation { simple, relaxed };
constexpr auto words_of(Canonicalisation) {
  return words<Canonicalisation>(
      {{Canonicalisation::simple, "simple"}, {Canonicalisation::relaxed, "relaxed"}});
}

// Appends the field `name` ":" `value` in its canonical form, with CRLF at the end (§3.4.1,
// §3.4.2).
void append_canonical_field(Canonicalisation form, std::string_view name, std::string_view value,
                            std::string& out);

// Receives the canonical body.
class BodySink {
 public:
  virtual void canonical(std::string_view octets) = 0;

 protected:
  ~BodySink() = default;
};

// Withholds trailing CRLFs until something follows them: empty lines at the end of the body do not
// count (§3.4.3, §3.4.4).
class TrailingLines {
 public:
  explicit TrailingLines(BodySink& sink) : sink_(&sink) {}

  void text(std::string_view octets);
  // Adds the CRLF of the last line; with `if_empty`, also to a body without any line.
  void end(bool if_empty);

 private:
  void release();

  BodySink* sink_;
  std::size_t withheld_ = 0;      // CRLFs
  bool carriage_return_ = false;  // the last octet was a CR: perhaps half of a CRLF
  bool empty_ = true;             // nothing was given to the sink yet
};

// The body in one canonical form. Calls the sink from text() and end().
class BodyCanonicaliser {
 public:
  BodyCanonicaliser(Canonicalisation form, BodySink& sink) : form_(form), lines_(sink) {}

  void text(std::string_view octets);
  void end();

 private:
  // How the octets so far end, in the relaxed form.
  enum class Ending {
    text,      // anything that is already passed on
    blanks,    // blanks, which become one space unless the line ends here
    blanks_cr  // blanks and a CR: the line ends here if LF follows
  };
  // The ending of octets that have blanks from `blank` to `after`.
  static Ending ending_of(std::string_view octets, std::size_t blank, std::size_t after) {
    if (blank == after) return Ending::text;
    if (after == octets.size()) return Ending::blanks;
    const bool cr_is_last = octets[after] == '\r' && after + 1 == octets.size();
    return cr_is_last ? Ending::blanks_cr : Ending::text;
  }
  std::string_view resume(std::string_view octets);
  void relax(std::string_view octets);

  Canonicalisation form_;
  TrailingLines lines_;
  Ending ending_ = Ending::text;
};

}  // namespace sekisho::dkim
