#include "dmarc/result.h"

namespace sekisho::dmarc {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::none:
      return "none";
    case Code::pass:
      return "pass";
    case Code::fail:
      return "fail";
    case Code::temperror:
      return "temperror";
    case Code::permerror:
      return "permerror";
  }
  return "";
}

std::string_view to_string(Policy policy) {
  switch (policy) {
    case Policy::none:
      return "none";
    case Policy::quarantine:
      return "quarantine";
    case Policy::reject:
      return "reject";
  }
  return "";
}

std::string_view to_string(Discovery discovery) {
  switch (discovery) {
    case Discovery::treewalk:
      return "treewalk";
    case Discovery::psl:
      return "psl";
  }
  return "";
}

std::string_view to_string(Psd psd) {
  switch (psd) {
    case Psd::unknown:
      return "u";
    case Psd::yes:
      return "y";
    case Psd::no:
      return "n";
  }
  return "";
}

}  // namespace sekisho::dmarc
