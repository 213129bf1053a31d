// Nobody outside reaches anywhere: checks of the keys that say who may send where.
#include <algorithm>

#include "config/checks.h"
#include "dmarc/public_suffix_list.h"
#include "mail/public_space.h"
#include "relay/via.h"

namespace sekisho::config {
namespace {

using Family = mail::IpAddress::Family;

// Of public addresses that may send anywhere: a /16, and the /64 networks of a /32. No site has
// more, and a mistyped prefix length always does.
constexpr std::uint64_t most_v4 = std::uint64_t{1} << 16U;
constexpr std::uint64_t most_v6 = std::uint64_t{1} << 32U;
// The widest public networks of proxies: one of them says who every client is.
constexpr int proxies_v4 = 24;
constexpr int proxies_v6 = 48;

void check_space(const Settings& settings, Family family, Reader& reader) {
  const bool v4 = family == Family::v4;
  EverybodysNames everybodys(settings.public_suffix_list);
  std::vector<mail::PrefixSet> together;
  for (std::size_t i = 0; i < settings.permits.size(); ++i) {
    const auto& permit = settings.permits[i];
    const bool wide = std::any_of(permit.to.begin(), permit.to.end(), [&](const auto& domain) {
      return domain == "*" || everybodys.has(domain);
    });
    if (!wide) continue;
    together.push_back(relay::networks_of(permit));
    if (mail::public_space(together, family) <= (v4 ? most_v4 : most_v6)) continue;
    const std::string entry = entry_name("permit", i + 1);
    return reader.error(
        place_in(reader, entry, "from"),
        entry + ".from: " + (together.size() > 1 ? "with the permits before it, more" : "more") +
            " than a " + (v4 ? "/16 of public IPv4" : "/32 of public IPv6") +
            " addresses could send anywhere, strangers among them: list your own "
            "networks");
  }
}

void check_proxy_width(const std::string& text, const Place& place, Reader& reader) {
  constexpr std::string_view xclient = "xclient:";
  const auto prefix =
      mail::IpPrefix::parse(std::string_view(text).substr(text.starts_with(xclient) ? 8 : 0));
  if (!prefix) return;
  const int widest = prefix->address().is_v4() ? proxies_v4 : proxies_v6;
  if (prefix->length() >= widest) return;
  if (mail::public_space({mail::PrefixSet{*prefix}}, prefix->address().family()) == 0) return;
  reader.error(place, "proxies: " + text + " is wider than /" + std::to_string(widest) +
                          ", and whoever has an address in it could say who the client is: list "
                          "the proxies by address");
}

}  // namespace

bool EverybodysNames::has(const std::string& domain) {
  const auto name = mail::DomainName::parse(domain.starts_with('.') ? domain.substr(1) : domain);
  if (!name) return false;
  if (name->label_count() == 1) return true;
  if (!std::exchange(loaded_, true)) {
    if (auto list = dmarc::PublicSuffixList::load(path_)) {
      list_ = std::make_shared<const dmarc::PublicSuffixList>(std::move(*list));
    }
  }
  return list_ && list_->is_public_suffix(*name);
}

void check_permits(const Settings& settings, Reader& reader) {
  for (std::size_t i = 0; i < settings.permits.size(); ++i) {
    const std::string entry = entry_name("permit", i + 1);
    const auto& permit = settings.permits[i];
    if (permit.from.empty() && !reader.given(entry + ".from[0]")) {
      reader.error(place_in(reader, entry, "from"),
                   entry + ": from is missing: add from = [\"192.0.2.1\"]");
    }
    if (permit.to.empty()) {
      reader.error(place_in(reader, entry, "to"),
                   entry + ": to is missing: add to = [\"*\"], or domains");
    }
    if (settings.listeners.empty()) {
      reader.warning(reader.place_of(entry), "[[permit]] has no effect without a [[listener]]");
    }
  }
  check_space(settings, Family::v4, reader);
  check_space(settings, Family::v6, reader);
}

void check_proxies(const Settings& settings, Reader& reader) {
  for (std::size_t i = 0; i < settings.listeners.size(); ++i) {
    const auto& proxies = settings.listeners[i].proxies;
    const std::string key = entry_name("listener", i + 1) + ".proxies";
    for (std::size_t j = 0; j < proxies.size(); ++j) {
      check_proxy_width(proxies[j], reader.place_of(key + "[" + std::to_string(j) + "]"), reader);
    }
  }
}

}  // namespace sekisho::config
