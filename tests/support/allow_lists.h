// tests/support/allow_lists.h: an allowlist or denylist that a test writes down. Thread: any.
#pragma once

#include <memory>
#include <string_view>

#include <gtest/gtest.h>

#include "policy/access_list.h"

namespace sekisho::test {

inline std::shared_ptr<const policy::AccessList> list_of(policy::AccessKind kind,
                                                         std::string_view text) {
  auto file = std::make_shared<const policy::AccessFile>(
      policy::parse_access_file(text, kind == policy::AccessKind::allow ? "allow" : "deny", kind));
  for (const auto& finding : file->findings) {
    if (finding.bad_line) ADD_FAILURE() << finding.text();
  }
  return std::make_shared<const policy::AccessList>(kind,
                                                    policy::AccessList::Files{std::move(file)});
}

inline std::shared_ptr<const policy::AccessList> allowlist_of(std::string_view text) {
  return list_of(policy::AccessKind::allow, text);
}

inline std::shared_ptr<const policy::AccessList> denylist_of(std::string_view text) {
  return list_of(policy::AccessKind::deny, text);
}

}  // namespace sekisho::test
