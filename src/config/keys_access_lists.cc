#include "config/smtp_values.h"

namespace sekisho::config {
namespace {

Rows allowlist_keys() {
  return {
      {.name = "files",
       .slot = at<Settings>(
           paths(), [](auto& s) -> auto& { return s.access_files.allowlist; }),
       .text =
           "Files of entries that let mail skip what they name, once it has proven whose it is; "
           "see THE ALLOWLIST AND THE DENYLIST below. They are read again when they change. The "
           "default file need not exist; any other must."},
  };
}

Rows denylist_keys() {
  return {
      {.name = "files",
       .slot = at<Settings>(
           paths(), [](auto& s) -> auto& { return s.access_files.denylist; }),
       .text = "Files of entries whose mail is refused, whether its identity is proven or forged. "
               "Denial comes before the allowlist."},
  };
}

}  // namespace

Section allowlist_section() {
  return {.name = "allowlist",
          .text = "Whose mail may skip a rule, once it is proven to be theirs.",
          .keys = allowlist_keys()};
}

Section denylist_section() {
  return {.name = "denylist", .text = "Whose mail is refused.", .keys = denylist_keys()};
}

}  // namespace sekisho::config
