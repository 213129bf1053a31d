#include "queue/local_sender.h"

#include <algorithm>

#include "base/ascii.h"

namespace sekisho::queue {

namespace {

// The place of the one address in a From value. Empty: there is none, or not one alone.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// What stands in quotes and comments is no address.
class AddressPlace {
 public:
  explicit AddressPlace(std::string_view value) : value_(value) {}

  Span find() {
    for (; at_ < value_.size(); ++at_) {
      const char c = value_[at_];
      if (c == '\\') {
        ++at_;
      } else if (depth_ > 0 || c == '(') {
        depth_ += c == '(' ? 1 : c == ')' ? -1 : 0;
      } else if (c == '"') {
        quoted_ = !quoted_;
        text(at_);
      } else if (quoted_) {
        text(at_);
      } else if (c == ',' || c == ';' || c == ':') {
        return {};
      } else if (c == '<') {
        return bracketed();
      } else if (!ascii::is_blank(c)) {
        text(at_);
      }
    }
    return bare_;
  }

 private:
  void text(std::size_t at) {
    if (bare_.end == 0) bare_.begin = at;
    bare_.end = at + 1;
  }
  Span bracketed() const {
    const auto end = value_.find('>', at_);
    if (end == std::string_view::npos || value_.find(',', end) != std::string_view::npos) return {};
    return {at_ + 1, end};
  }

  std::string_view value_;
  std::size_t at_ = 0;
  int depth_ = 0;
  bool quoted_ = false;
  Span bare_;
};

bool is_of_this_host(std::string_view domain, const LocalSender& local) {
  return ascii::iequals(domain, local.origin) || ascii::iequals(domain, local.hostname);
}

// Empty: it stays as it is.
std::string instead_of(std::string_view address, const LocalSender& local) {
  const auto at = address.rfind('@');
  const bool bare = at == std::string_view::npos;
  if (address.empty() || (!bare && !is_of_this_host(address.substr(at + 1), local))) return {};
  if (!local.address.empty()) return local.address;
  if (!bare || address.find(' ') != std::string_view::npos) return {};
  return std::string(address) + "@" + local.origin;
}

}  // namespace

bool leaves_host(const relay::Route* route) {
  using Kind = relay::Via::Kind;
  if (route == nullptr) return true;
  switch (route->via.kind) {
    case Kind::lmtp_unix:
    case Kind::lmtp:
    case Kind::maildir:
    case Kind::discard:
      return false;
    case Kind::smtp_host:
    case Kind::smtps_host:
    case Kind::smtp_domain:
    case Kind::mx:
      return true;
  }
  return true;
}

std::string sender_as_it_leaves(const std::string& sender, const LocalSender& local) {
  auto instead = instead_of(sender, local);
  return instead.empty() ? sender : instead;
}

std::string author_as_it_leaves(std::string_view value, const LocalSender& local) {
  const auto place = AddressPlace(value).find();
  const auto address = ascii::trim(value.substr(place.begin, place.end - place.begin));
  const auto instead = instead_of(address, local);
  std::string out(value);
  if (!instead.empty()) out.replace(place.begin, place.end - place.begin, instead);
  return out;
}

std::string header_as_it_leaves(std::string_view header, const LocalSender& local) {
  std::string out;
  while (!header.empty()) {
    // One field with its folds.
    auto end = header.find("\r\n");
    while (end != std::string_view::npos && end + 2 < header.size() &&
           ascii::is_wsp(header[end + 2]))
      end = header.find("\r\n", end + 2);
    const auto length = end == std::string_view::npos ? header.size() : end + 2;
    const auto field = header.substr(0, length);
    header.remove_prefix(length);
    const auto colon = field.find(':');
    const bool is_author = colon != std::string_view::npos &&
                           ascii::iequals(ascii::trim(field.substr(0, colon)), "From");
    if (!is_author) {
      out.append(field);
      continue;
    }
    out.append(field.substr(0, colon + 1));
    out.append(author_as_it_leaves(field.substr(colon + 1), local));
  }
  return out;
}

}  // namespace sekisho::queue
