#include "cli/result_lines.h"

namespace sekisho::cli {

void ResultLines::add(std::string_view label, std::string_view text, std::string_view reason) {
  out_.append(indent_, ' ').append(label);
  out_.append(label.size() < label_width_ ? label_width_ - label.size() : 1, ' ').append(text);
  if (!reason.empty()) out_.append("  (").append(safe(reason)).append(")");
  out_ += '\n';
}

std::string ResultLines::result(std::string_view word, std::string_view of) const {
  return std::string(word) + (of.empty() ? "" : "  " + safe(of));
}

void add_author(ResultLines& lines, const mail::Author& author) {
  std::string text(to_string(author.result));
  if (author.well_formed()) text = author.domain().text();
  if (author.readable()) text += " (readable)";
  lines.add("author", text, author.reason);
}

void add_iprev(ResultLines& lines, const client::IprevResult& iprev) {
  lines.add("iprev", lines.result(to_string(iprev.code), iprev.name), iprev.reason);
}

void add_spf(ResultLines& lines, std::string_view label, const spf::Result& spf) {
  lines.add(label, lines.result(to_string(spf.code), spf.domain), spf.reason);
}

void add_signatures(ResultLines& lines, const std::vector<dkim::SignatureResult>& signatures) {
  if (signatures.empty()) lines.add("dkim", "none");
  for (const auto& each : signatures) {
    const std::string of = each.domain + " " + each.selector + " " + each.algorithm;
    lines.add("dkim", lines.result(to_string(each.code), of), each.reason);
  }
}

void add_dmarc(ResultLines& lines, const dmarc::Result& dmarc) {
  std::string text(to_string(dmarc.code));
  if (dmarc.published) {
    text.append("  ").append(dmarc.tag).append("=").append(to_string(dmarc.policy));
    text.append(" of ").append(lines.safe(dmarc.policy_domain));
  }
  lines.add("dmarc", text, dmarc.reason);
}

}  // namespace sekisho::cli
