#include "spf/lookups.h"

#include <algorithm>

namespace sekisho::spf {

const dns::Answer* Lookups::find(const dns::Name& name, dns::Type type) {
  const dns::Question question{name, type};
  if (const dns::Answer* const known = answers_.find(question)) {
    if (!known->is_refused()) return known;
    refused_ = true;
    return nullptr;
  }
  if (needed_.empty()) {
    needed_.push_back(question);
  } else {
    hint(name, type);
  }
  return nullptr;
}

const dns::Answer* Lookups::find_included(const dns::Name& name) {
  const dns::Answer* const known = find(name, dns::Type::txt);
  if (known == nullptr) ++unknown_records_;
  return known;
}

void Lookups::hint(const dns::Name& name, dns::Type type) {
  const dns::Question question{name, type};
  if (answers_.find(question) != nullptr || is_noted(question)) return;
  if (hints_.size() + uncertain_hints_.size() >= max_hints) return;
  (unknown_records_ == 0 ? hints_ : uncertain_hints_).push_back(question);
}

std::vector<dns::Question> Lookups::take_hints() {
  if (charged_ + unknown_records_ <= options_.max_lookups) {
    hints_.insert(hints_.end(), uncertain_hints_.begin(), uncertain_hints_.end());
  }
  return std::move(hints_);
}

bool Lookups::is_noted(const dns::Question& question) const {
  const auto among = [&](const std::vector<dns::Question>& noted) {
    return std::find(noted.begin(), noted.end(), question) != noted.end();
  };
  return among(needed_) || among(hints_) || among(uncertain_hints_);
}

}  // namespace sekisho::spf
