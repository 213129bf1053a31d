#include "authres/compose.h"

#include <algorithm>

#include "authres/syntax.h"
#include "base/ascii.h"

namespace sekisho::authres {

namespace {

// A reason is a hint for a person; the log has the whole.
constexpr std::size_t reason_octets = 80;

// Reasons are our own sentences, but some quote the sender's text. A reason with any character
// outside plain words is left out, so that no unparsed text of the sender can stand in the field.
std::string reason_of(std::string_view reason) {
  const bool plain = std::all_of(reason.begin(), reason.end(), [](char c) {
    return ascii::is_alnum(c) || std::string_view(" .,:=/_-").find(c) != std::string_view::npos;
  });
  return plain ? cleaned(reason, reason_octets) : std::string();
}

void add(MethodResult& result, std::string_view type, std::string_view name,
         std::string_view value) {
  // An empty string has no meaning, and some readers cannot parse it.
  if (!cleaned(value, value.size()).empty()) {
    result.properties.push_back({std::string(type), std::string(name), std::string(value)});
  }
}

MethodResult method(std::string_view name, std::string_view code) {
  MethodResult result;
  result.method = name;
  result.result = code;
  return result;
}

MethodResult of_iprev(const client::IprevResult& iprev, const std::string& address) {
  MethodResult result = method("iprev", to_string(iprev.code));
  if (iprev.code == client::IprevCode::pass) result.comment = iprev.name;
  if (iprev.code == client::IprevCode::temperror) result.reason = reason_of(iprev.reason);
  add(result, "policy", "iprev", address);
  return result;
}

bool is_error(spf::Code code) {
  return code == spf::Code::temperror || code == spf::Code::permerror;
}

MethodResult of_spf(const spf::Result& spf, std::string_view property, std::string_view value) {
  MethodResult result = method("spf", to_string(spf.code));
  if (is_error(spf.code)) result.reason = reason_of(spf.reason);
  add(result, "smtp", property, value);
  return result;
}

bool has_reason(dkim::Code code) {
  switch (code) {
    case dkim::Code::none:
    case dkim::Code::pass:
    case dkim::Code::fail:
    case dkim::Code::neutral:
      return false;
    case dkim::Code::policy:
    case dkim::Code::temperror:
    case dkim::Code::permerror:
      return true;
  }
  return false;
}

MethodResult of_signature(const dkim::SignatureResult& signature) {
  MethodResult result = method("dkim", to_string(signature.code));
  if (has_reason(signature.code)) result.reason = reason_of(signature.reason);
  if (signature.key_bits > 0) result.comment = std::to_string(signature.key_bits) + "-bit key";
  if (signature.testing) result.comment += result.comment.empty() ? "testing" : ", testing";
  add(result, "header", "d", signature.domain);
  add(result, "header", "s", signature.selector);
  add(result, "header", "a", signature.algorithm);
  // RFC 6008 §4; a text that is not base64 is not the start of a signature.
  const std::string& start = signature.signature_start;
  const bool base64 = std::all_of(start.begin(), start.end(), [](char c) {
    return ascii::is_alnum(c) || c == '+' || c == '/' || c == '=';
  });
  if (base64) add(result, "header", "b", start);
  return result;
}

std::string policy_comment(const dmarc::Result& dmarc) {
  std::string comment = dmarc.tag + "=" + std::string(to_string(dmarc.policy));
  if (dmarc.published->testing) comment += " t=y";
  return comment;
}

// RFC 9989 §9.1: "the evaluated DMARC policy applied/to be applied after policy options have been
// processed". The option is t=y, which asks for one step less (§4.7).
dmarc::Policy evaluated_policy(const dmarc::Result& dmarc) {
  if (!dmarc.published->testing) return dmarc.policy;
  return dmarc.policy == dmarc::Policy::reject ? dmarc::Policy::quarantine : dmarc::Policy::none;
}

MethodResult of_dmarc(const dmarc::Result& dmarc) {
  MethodResult result = method("dmarc", to_string(dmarc.code));
  const bool error = dmarc.code == dmarc::Code::temperror || dmarc.code == dmarc::Code::permerror;
  if (error) result.reason = reason_of(dmarc.reason);
  if (!error && !dmarc.alias.empty())
    result.reason = "From has " + dmarc.alias + ", an alias of it";
  add(result, "header", "from", dmarc.from);
  if (dmarc.published) {
    if (!dmarc.tag.empty()) result.comment = policy_comment(dmarc);
    add(result, "policy", "dmarc", to_string(evaluated_policy(dmarc)));
  }
  return result;
}

void add_dkim(const std::vector<dkim::SignatureResult>& signatures,
              std::vector<MethodResult>& out) {
  if (signatures.empty()) out.push_back(method("dkim", to_string(dkim::Code::none)));
  for (const auto& signature : signatures) out.push_back(of_signature(signature));
}

}  // namespace

AuthenticationResults compose(const Inputs& inputs) {
  AuthenticationResults field;
  field.authserv_id = inputs.authserv_id;
  if (!inputs.decision_id.empty()) field.id_comment = "id=" + inputs.decision_id;
  // iprev has no result `none` (RFC 8601 §2.7.3): there was no address to look up.
  if (inputs.iprev != nullptr && inputs.iprev->code != client::IprevCode::none) {
    field.results.push_back(of_iprev(*inputs.iprev, inputs.client_address));
  }
  if (inputs.helo != nullptr) {
    field.results.push_back(of_spf(*inputs.helo, "helo", inputs.helo->domain));
  }
  if (inputs.mail_from != nullptr) {
    // The null reverse-path was checked as postmaster@HELO (RFC 7208 §2.4).
    const bool has_address = !inputs.mail_from_address.empty();
    field.results.push_back(
        of_spf(*inputs.mail_from, "mailfrom",
               has_address ? inputs.mail_from_address : inputs.mail_from->domain));
  }
  if (inputs.dkim != nullptr) add_dkim(*inputs.dkim, field.results);
  if (inputs.author_malformed) {
    MethodResult dmarc = method("dmarc", to_string(dmarc::Code::permerror));
    dmarc.reason = "no single author domain";
    field.results.push_back(std::move(dmarc));
  } else if (inputs.dmarc != nullptr) {
    auto dmarc = of_dmarc(*inputs.dmarc);
    if (inputs.author_sloppy)
      dmarc.comment += dmarc.comment.empty() ? "from=sloppy" : " from=sloppy";
    field.results.push_back(std::move(dmarc));
  }
  return field;
}

}  // namespace sekisho::authres
