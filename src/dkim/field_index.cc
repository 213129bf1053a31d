#include "dkim/field_index.h"

#include <algorithm>

#include "base/ascii.h"

namespace sekisho::dkim {

namespace {

bool name_before(const mail::HeaderField* field, std::string_view name) {
  return ascii::CaseInsensitiveLess{}(field->trimmed_name(), name);
}

}  // namespace

FieldIndex::FieldIndex(const mail::Header& header) {
  by_name_.reserve(header.fields().size());
  for (const auto& field : header.fields()) by_name_.push_back(&field);
  std::sort(by_name_.begin(), by_name_.end(),
            [](const mail::HeaderField* a, const mail::HeaderField* b) {
              if (name_before(a, b->trimmed_name())) return true;
              if (name_before(b, a->trimmed_name())) return false;
              return a > b;  // both in one vector: later in the header is greater
            });
}

std::vector<const mail::HeaderField*> FieldIndex::select(const std::vector<std::string>& names,
                                                         const mail::HeaderField* except) const {
  std::vector<const mail::HeaderField*> selected;
  selected.reserve(std::min(names.size(), by_name_.size()));
  // How many fields of each name are used already, at the place of its first field.
  std::vector<std::size_t> used(by_name_.size(), 0);
  for (const std::string& name : names) {
    const auto first = std::lower_bound(by_name_.begin(), by_name_.end(), name, name_before);
    const auto group = static_cast<std::size_t>(first - by_name_.begin());
    if (group == by_name_.size()) continue;
    std::size_t next = group + used[group];
    if (next < by_name_.size() && by_name_[next] == except) {
      ++next;
      ++used[group];
    }
    if (next >= by_name_.size() || !by_name_[next]->is(name)) continue;
    ++used[group];
    selected.push_back(by_name_[next]);
  }
  return selected;
}

}  // namespace sekisho::dkim
