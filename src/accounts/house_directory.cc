#include "accounts/house_directory.h"

#include <algorithm>
#include <vector>

#include "base/ascii.h"

namespace sekisho::accounts {

namespace {

std::string local_of(const std::string& address) { return address.substr(0, address.rfind('@')); }

std::string domain_of(const std::string& address) {
  const auto at = address.rfind('@');
  return at == std::string::npos ? std::string() : address.substr(at + 1);
}

}  // namespace

bool HouseDirectory::holds_bare_names(std::string_view domain) const {
  return domain.empty() || parts_.alias_domains.contains(std::string(domain));
}

// Mail for it does not leave the house, and no receiver judges a sender of it by our address.
bool HouseDirectory::is_ours(std::string_view domain) const {
  const auto& identity = parts_.routes->options().identity_domains;
  const auto same = [&](const std::string& own) { return ascii::iequals(own, domain); };
  if (std::any_of(identity.begin(), identity.end(), same)) return true;
  if (holds_bare_names(domain) || parts_.routes->is_own_name(domain)) return true;
  if (ascii::iequals(domain, parts_.srs.domain())) return true;
  const relay::Route* route = parts_.routes->find(domain);
  return route != nullptr && route->open();
}

std::optional<HouseDirectory::Alias> HouseDirectory::named_alias(const std::string& address,
                                                                 bool bare) const {
  const std::string plain = without_extension(address, parts_.delimiter);
  std::vector<std::string> names = {address, plain};
  if (bare || holds_bare_names(domain_of(address))) {
    names.push_back(local_of(address));
    names.push_back(local_of(plain));
  }
  for (auto& name : names) {
    if (const auto* targets = parts_.aliases.find(name)) return Alias{std::move(name), targets};
  }
  return std::nullopt;
}

std::optional<HouseDirectory::Alias> HouseDirectory::alias_of(const mail::Path& path,
                                                              bool bare) const {
  const std::string address = comparable(path);
  if (auto alias = named_alias(address, bare)) return alias;
  const std::string all = "@" + domain_of(address);
  const auto* targets = parts_.aliases.find(all);
  if (targets == nullptr || is_listed(path)) return std::nullopt;
  return Alias{all, targets};
}

bool HouseDirectory::is_listed(const mail::Path& recipient) const {
  const relay::Route* route = parts_.routes->find(domain_of(comparable(recipient)));
  if (route == nullptr || !route->recipients) return false;
  if (route->recipients->kind == relay::Recipients::Kind::users)
    return among_users(recipient) == Existence::exists;
  if (route->recipients->kind != relay::Recipients::Kind::file) return false;
  const auto found = parts_.recipients.find(route->recipients->path);
  return found != parts_.recipients.end() && found->second &&
         found->second->names(recipient, parts_.delimiter);
}

Existence HouseDirectory::among_users(const mail::Path& recipient) const {
  if (!parts_.users) return Existence::unknown;
  const std::string address = comparable(recipient);
  const std::string plain = without_extension(address, parts_.delimiter);
  const auto& identity = parts_.routes->options().identity_domains;
  const std::string domain = domain_of(address);
  const bool bare_logins = std::any_of(identity.begin(), identity.end(), [&](const auto& own) {
    return ascii::iequals(own, domain);
  });
  const auto is_user = [&](const std::string& name) {
    return parts_.users->find(name) != nullptr ||
           (bare_logins && parts_.users->find(local_of(name)) != nullptr);
  };
  return is_user(address) || is_user(plain) ? Existence::exists : Existence::missing;
}

Existence HouseDirectory::in_file(const mail::Path& recipient, const std::string& path) const {
  const auto found = parts_.recipients.find(path);
  if (found == parts_.recipients.end() || !found->second) return Existence::unknown;
  return found->second->contains(recipient, parts_.delimiter) ? Existence::exists
                                                              : Existence::missing;
}

Existence HouseDirectory::exists(const mail::Path& recipient, const relay::Route* route) const {
  const std::string address = comparable(recipient);
  if (local_of(address) == "postmaster" || alias_of(recipient)) return Existence::exists;
  if (!parts_.aliases_fault.empty() && holds_bare_names(domain_of(address)))
    return Existence::unknown;
  if (route == nullptr || !route->recipients) return Existence::exists;
  switch (route->recipients->kind) {
    case relay::Recipients::Kind::any:
      return Existence::exists;
    case relay::Recipients::Kind::ask:
      return Existence::ask;
    case relay::Recipients::Kind::users:
      return among_users(recipient);
    case relay::Recipients::Kind::file:
      return in_file(recipient, route->recipients->path);
  }
  return Existence::unknown;
}

std::optional<mail::Path> HouseDirectory::reversed(const mail::Path& recipient) const {
  return parts_.srs.is_ours(recipient) ? parts_.srs.reverse(recipient) : recipient;
}

bool HouseDirectory::may_send_as(std::string_view login, const mail::Path& address) const {
  return parts_.senders.may_send_as(login, address);
}

// Follows the aliases of one recipient.
class HouseDirectory::Walk {
 public:
  Walk(const HouseDirectory& house, const mail::Path& sender) : house_(house), sender_(sender) {}

  void visit(const mail::Path& path, bool bare) {
    const auto alias = house_.alias_of(path, bare);
    if (!alias) return arrive(path);
    if (!alias->targets->fault.empty()) return fail(alias->targets->fault);
    if (chain_.size() >= deepest_alias) return fail(alias->name + ": a chain of too many aliases");
    const auto before = owner_;
    take_owner(path, *alias);
    chain_.push_back(alias->name);
    for (const auto& target : alias->targets->targets) {
      if (!out_.fault.empty()) return;
      follow(target);
    }
    chain_.pop_back();
    owner_ = before;
  }

  Expansion take() {
    if (!out_.fault.empty()) out_.recipients.clear();
    return std::move(out_);
  }

 private:
  const Parts& parts() const { return house_.parts_; }

  void fail(const std::string& why) { out_.fault = why; }

  // aliases(5): bounces of what goes to a list are for its owner.
  void take_owner(const mail::Path& path, const Alias& alias) {
    const std::string name = "owner-" + alias.name;
    if (alias.name.front() == '@' || parts().aliases.find(name) == nullptr) return;
    const std::string domain = path.has_domain() ? std::string(path.domain()) : parts().origin;
    owner_ = mail::Path("owner-" + local_of(alias.name) + "@" + domain);
  }

  void follow(const std::string& target) {
    // "\alice" is alice's own mailbox, whatever her alias is.
    const bool last = target.starts_with('\\');
    const std::string name = last ? target.substr(1) : target;
    const bool bare = name.rfind('@') == std::string::npos;
    const mail::Path path(bare ? name + "@" + parts().origin : name);
    if (last) return arrive(path);
    const auto next = house_.alias_of(path, bare);
    const auto seen = next ? std::find(chain_.begin(), chain_.end(), next->name) : chain_.end();
    if (seen == chain_.end()) return visit(path, bare);
    // "alice: alice, archive" keeps a copy.
    if (*seen == chain_.back()) return arrive(path);
    fail(next->name + ": the aliases lead back to it");
  }

  void arrive(const mail::Path& path) {
    if (!arrived_.insert(comparable(path)).second) return;
    if (out_.recipients.size() >= most_recipients)
      return fail(chain_.front() + ": more than " + std::to_string(most_recipients) +
                  " recipients");
    Expanded expanded{path, owner_, false};
    const bool by_alias = !chain_.empty();
    expanded.forwarded = by_alias && !house_.is_ours(domain_of(comparable(path)));
    if (expanded.forwarded && !owner_) expanded.sender = rewritten();
    out_.recipients.push_back(std::move(expanded));
  }

  std::optional<mail::Path> rewritten() const {
    if (house_.is_ours(domain_of(comparable(sender_)))) return std::nullopt;
    return parts().srs.forward(sender_);
  }

  const HouseDirectory& house_;
  const mail::Path& sender_;
  Expansion out_;
  std::vector<std::string> chain_;  // of the aliases from the recipient to here
  std::set<std::string> arrived_;
  std::optional<mail::Path> owner_;
};

Expansion HouseDirectory::expand(const mail::Path& sender, const mail::Path& recipient) const {
  if (!parts_.aliases_fault.empty() && holds_bare_names(domain_of(comparable(recipient))))
    return {{}, parts_.aliases_fault};
  Walk walk(*this, sender);
  walk.visit(recipient, !recipient.has_domain());
  return walk.take();
}

}  // namespace sekisho::accounts
