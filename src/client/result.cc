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

std::string_view to_string(ListKind kind) {
  switch (kind) {
    case ListKind::dnsbl:
      return "dnsbl";
    case ListKind::rhsbl:
      return "rhsbl";
    case ListKind::dnswl:
      return "dnswl";
  }
  return "";
}

std::string_view to_string(ListOn on) {
  switch (on) {
    case ListOn::client:
      return "client";
    case ListOn::helo:
      return "helo";
    case ListOn::sender:
      return "sender";
    case ListOn::client_name:
      return "client_name";
    case ListOn::from:
      return "from";
    case ListOn::dkim:
      return "dkim";
  }
  return "";
}

std::string_view to_string(ListCode code) {
  switch (code) {
    case ListCode::not_listed:
      return "not-listed";
    case ListCode::listed:
      return "listed";
    case ListCode::temperror:
      return "temperror";
    case ListCode::set_aside:
      return "set-aside";
    case ListCode::unanswered:
      return "unanswered";
  }
  return "";
}

std::string_view to_string(ListFault fault) {
  switch (fault) {
    case ListFault::none:
      return "none";
    case ListFault::error_code:
      return "answers with an error code";
    case ListFault::outside:
      return "answers with an address outside 127.0.0.0/8";
    case ListFault::no_answer:
      return "does not answer";
    case ListFault::refused:
      return "does not answer properly";
    case ListFault::lists_everything:
      return "lists what no list may hold";
    case ListFault::lists_nothing:
      return "does not list its test entry";
    case ListFault::untested:
      return "is not tested yet";
  }
  return "";
}

}  // namespace sekisho::client
