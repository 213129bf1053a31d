#include "mail/path.h"

#include <utility>

namespace sekisho::mail {

Path::Path(std::string raw) : raw_(std::move(raw)) {
  if (raw_.empty()) return;
  if (raw_.front() == '@') {
    if (const auto colon = raw_.find(':'); colon != std::string::npos) start_ = colon + 1;
  }
  // An "@" before the last one can only be part of a quoted local part.
  at_ = raw_.rfind('@');
  if (at_ != std::string::npos && at_ < start_) at_ = std::string::npos;
  if (auto path = ReversePath::parse(raw_)) mailbox_ = path->mailbox();
}

std::string_view Path::local_part() const {
  const std::string_view text = raw_;
  return text.substr(start_, at_ == std::string::npos ? at_ : at_ - start_);
}

std::string_view Path::domain() const {
  return at_ == std::string::npos ? std::string_view() : std::string_view(raw_).substr(at_ + 1);
}

std::vector<std::string> raw_texts(const std::vector<Path>& paths) {
  std::vector<std::string> out;
  out.reserve(paths.size());
  for (const auto& path : paths) out.push_back(path.raw());
  return out;
}

}  // namespace sekisho::mail
