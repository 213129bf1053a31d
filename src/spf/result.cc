#include "spf/result.h"

namespace sekisho::spf {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::none:
      return "none";
    case Code::neutral:
      return "neutral";
    case Code::pass:
      return "pass";
    case Code::fail:
      return "fail";
    case Code::softfail:
      return "softfail";
    case Code::temperror:
      return "temperror";
    case Code::permerror:
      return "permerror";
  }
  return "permerror";
}

std::string_view to_string(Scope scope) { return scope == Scope::mfrom ? "mfrom" : "helo"; }

}  // namespace sekisho::spf
