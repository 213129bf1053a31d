#include "client/result.h"

namespace sekisho::client {

std::string_view to_string(IprevCode code) {
  switch (code) {
    case IprevCode::none:
      return "none";
    case IprevCode::pass:
      return "pass";
    case IprevCode::fail:
      return "fail";
    case IprevCode::temperror:
      return "temperror";
    case IprevCode::permerror:
      return "permerror";
  }
  return "";
}

std::string_view to_string(DnsListKind kind) {
  switch (kind) {
    case DnsListKind::dnsbl:
      return "dnsbl";
    case DnsListKind::rhsbl:
      return "rhsbl";
    case DnsListKind::dnswl:
      return "dnswl";
  }
  return "";
}

std::string_view to_string(DnsListOn on) {
  switch (on) {
    case DnsListOn::client:
      return "client";
    case DnsListOn::helo:
      return "helo";
    case DnsListOn::sender:
      return "sender";
    case DnsListOn::client_name:
      return "client_name";
    case DnsListOn::from:
      return "from";
    case DnsListOn::dkim:
      return "dkim";
  }
  return "";
}

std::string_view to_string(DnsListCode code) {
  switch (code) {
    case DnsListCode::not_listed:
      return "not-listed";
    case DnsListCode::listed:
      return "listed";
    case DnsListCode::temperror:
      return "temperror";
    case DnsListCode::set_aside:
      return "set-aside";
    case DnsListCode::unanswered:
      return "unanswered";
  }
  return "";
}

std::string_view to_string(DnsListFault fault) {
  switch (fault) {
    case DnsListFault::none:
      return "none";
    case DnsListFault::error_code:
      return "answers with an error code";
    case DnsListFault::outside:
      return "answers with an address outside 127.0.0.0/8";
    case DnsListFault::no_answer:
      return "does not answer";
    case DnsListFault::refused:
      return "does not answer properly";
    case DnsListFault::lists_everything:
      return "lists what no list may hold";
    case DnsListFault::lists_nothing:
      return "does not list its test entry";
    case DnsListFault::untested:
      return "is not tested yet";
  }
  return "";
}

}  // namespace sekisho::client
