#include "dmarc/public_suffix_list.h"

#include <filesystem>

#include <libpsl.h>

#include "base/unique_handle.h"

namespace sekisho::dmarc {

struct PublicSuffixList::State {
  UniqueHandle<psl_ctx_t, psl_free> list;
};

PublicSuffixList::PublicSuffixList(std::unique_ptr<State> state) : state_(std::move(state)) {}
PublicSuffixList::~PublicSuffixList() = default;
PublicSuffixList::PublicSuffixList(PublicSuffixList&&) noexcept = default;
PublicSuffixList& PublicSuffixList::operator=(PublicSuffixList&&) noexcept = default;

Expected<PublicSuffixList> PublicSuffixList::load(const std::string& path) {
  std::error_code ignored;
  // With a pipe libpsl would wait for ever, with a device it would read without end.
  if (!path.empty() && !std::filesystem::is_regular_file(path, ignored)) {
    return parse_error(path + ": no such file, or not a regular file");
  }
  auto state = std::make_unique<State>();
  state->list.reset(path.empty() ? psl_latest(nullptr) : psl_load_file(path.c_str()));
  if (!state->list) {
    return parse_error(path.empty() ? "libpsl has no public suffix list"
                                    : "cannot read the public suffix list " + path);
  }
  if (!path.empty() && psl_suffix_count(state->list.get()) == 0) {
    return parse_error(path + " has no public suffixes");
  }
  return PublicSuffixList(std::move(state));
}

mail::DomainName PublicSuffixList::organizational_domain(const mail::DomainName& domain) const {
  const char* found = psl_registrable_domain(state_->list.get(), domain.text().c_str());
  if (found == nullptr) return domain;
  // `found` points into the domain's own text, so it is a name again.
  return mail::DomainName::parse(found).value_or(domain);
}

bool PublicSuffixList::is_public_suffix(const mail::DomainName& domain) const {
  return psl_is_public_suffix(state_->list.get(), domain.text().c_str()) != 0;
}

}  // namespace sekisho::dmarc
