// dkim/colon_list.h: the members of `a : b : c`, blanks and folds around them removed. RFC 6376
// §3.5 (h=, q=) and §3.6.1 (h=, s=, t=). Empty members count, so there always is at least one
// member.
// Thread: immutable view.
#pragma once

#include <cstddef>
#include <iterator>
#include <string_view>

#include "base/ascii.h"

namespace sekisho::dkim {

class ColonList {
 public:
  class Iterator {
   public:
    explicit Iterator(std::string_view rest) : rest_(rest) {}
    std::string_view operator*() const { return ascii::trim(rest_.substr(0, rest_.find(':'))); }
    Iterator& operator++() {
      const auto colon = rest_.find(':');
      at_end_ = colon == std::string_view::npos;
      if (!at_end_) rest_.remove_prefix(colon + 1);
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return at_end_; }

   private:
    std::string_view rest_;
    bool at_end_ = false;
  };

  explicit ColonList(std::string_view text) : text_(text) {}
  Iterator begin() const { return Iterator(text_); }
  static std::default_sentinel_t end() { return {}; }

 private:
  std::string_view text_;
};

}  // namespace sekisho::dkim
