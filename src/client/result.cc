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

}  // namespace sekisho::client
