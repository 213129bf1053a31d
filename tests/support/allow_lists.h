// tests/support/allow_lists.h: an allowlist or denylist that a test writes down. Thread: any.
#pragma once

#include <memory>
#include <string_view>

#include <gtest/gtest.h>

#include "policy/allowlist.h"

namespace sekisho::test {

inline std::shared_ptr<const policy::Allowlist> list_of(policy::ListKind kind,
                                                        std::string_view text) {
  auto file = std::make_shared<const policy::AllowFile>(
      policy::parse_allow_file(text, kind == policy::ListKind::allow ? "allow" : "deny", kind));
  for (const auto& finding : file->findings) {
    if (finding.bad_line) ADD_FAILURE() << finding.text();
  }
  return std::make_shared<const policy::Allowlist>(kind, policy::Allowlist::Files{std::move(file)});
}

inline std::shared_ptr<const policy::Allowlist> allowlist_of(std::string_view text) {
  return list_of(policy::ListKind::allow, text);
}

inline std::shared_ptr<const policy::Allowlist> denylist_of(std::string_view text) {
  return list_of(policy::ListKind::deny, text);
}

}  // namespace sekisho::test
