// cli/result_lines.h: the results of the checks as labelled lines for a person, for `sekisho check`
// and `sekisho explain`.
// Thread: one owner.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "policy/facts.h"

namespace sekisho::cli {

// Lines of "label text (reason)", appended to a text. Senders' text must not control a terminal:
// reasons are escaped here, other text with safe().
class ResultLines {
 public:
  using Escape = std::string (*)(std::string_view);
  ResultLines(std::string& out, std::size_t indent, std::size_t label_width, Escape escape)
      : out_(out), indent_(indent), label_width_(label_width), escape_(escape) {}

  void add(std::string_view label, std::string_view text, std::string_view reason = {});
  std::string safe(std::string_view text) const { return escape_(text); }
  // "pass  example.com", the second word escaped.
  std::string result(std::string_view word, std::string_view of) const;

 private:
  std::string& out_;
  std::size_t indent_;
  std::size_t label_width_;
  Escape escape_;
};

void add_author(ResultLines& lines, const mail::Author& author);
void add_iprev(ResultLines& lines, const client::IprevResult& iprev);
void add_spf(ResultLines& lines, std::string_view label, const spf::Result& spf);
// A line for each signature, or one that says that there is none.
void add_signatures(ResultLines& lines, const std::vector<dkim::SignatureResult>& signatures);
void add_dmarc(ResultLines& lines, const dmarc::Result& dmarc);

}  // namespace sekisho::cli
