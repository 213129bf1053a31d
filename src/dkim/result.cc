#include "dkim/result.h"

namespace sekisho::dkim {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::none:
      return "none";
    case Code::pass:
      return "pass";
    case Code::fail:
      return "fail";
    case Code::policy:
      return "policy";
    case Code::neutral:
      return "neutral";
    case Code::temperror:
      return "temperror";
    case Code::permerror:
      return "permerror";
  }
  return "permerror";
}

}  // namespace sekisho::dkim
