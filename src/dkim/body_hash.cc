#include "dkim/body_hash.h"

#include <algorithm>

namespace sekisho::dkim {

void BodyHashes::Form::want(std::optional<std::uint64_t> length) {
  if (!length) {
    whole_wanted_ = true;
    return;
  }
  const auto place =
      std::lower_bound(stops_.begin(), stops_.end(), *length,
                       [](const Stop& stop, std::uint64_t wanted) { return stop.length < wanted; });
  if (place == stops_.end() || place->length != *length) stops_.insert(place, Stop{*length, {}});
}

void BodyHashes::Form::text(std::string_view octets) {
  if (satisfied()) return;
  received_ += octets.size();
  canonicaliser_.text(octets);
}

void BodyHashes::Form::canonical(std::string_view octets) {
  while (next_stop_ < stops_.size() && stops_[next_stop_].length - octets_ < octets.size()) {
    Stop& stop = stops_[next_stop_++];
    const auto before = static_cast<std::size_t>(stop.length - octets_);
    sha256_.update(octets.substr(0, before));
    octets_ += before;
    octets.remove_prefix(before);
    stop.digest = sha256_.so_far();
  }
  // Beyond the last stop it only matters that there are octets; they are not hashed.
  if (!satisfied()) sha256_.update(octets);
  octets_ += octets.size();
}

void BodyHashes::Form::end() {
  if (!satisfied()) canonicaliser_.end();
  // The remaining stops are at the end of the body or beyond it. A signer that counted the octets
  // before the relaxed form shortened them signed all of the body too; a length beyond that does
  // not belong to this body (§3.5 l=).
  const std::uint64_t longest = std::max(octets_, received_);
  for (; next_stop_ < stops_.size() && stops_[next_stop_].length <= longest; ++next_stop_) {
    stops_[next_stop_].digest = sha256_.so_far();
  }
  if (whole_wanted_) whole_ = sha256_.finish();
}

bool BodyHashes::Form::satisfied() const { return !whole_wanted_ && next_stop_ == stops_.size(); }

BodyHash BodyHashes::Form::get(std::optional<std::uint64_t> length) const {
  if (!length) return {BodyHash::Coverage::whole, whole_};
  const auto stop = std::find_if(stops_.begin(), stops_.end(), [&](const Stop& candidate) {
    return candidate.length == *length;
  });
  if (stop == stops_.end() || !stop->digest) return {BodyHash::Coverage::too_short, {}};
  const bool all = stop->length >= octets_;
  return {all ? BodyHash::Coverage::whole : BodyHash::Coverage::part, *stop->digest};
}

void BodyHashes::want(const WantedHash& wanted) {
  auto& slot = form(wanted.form);
  if (!slot) slot = std::make_unique<Form>(wanted.form);
  slot->want(wanted.length);
}

void BodyHashes::text(std::string_view octets) {
  for (auto& slot : forms_) {
    if (slot) slot->text(octets);
  }
}

void BodyHashes::end() {
  for (auto& slot : forms_) {
    if (slot) slot->end();
  }
}

bool BodyHashes::satisfied() const {
  return std::all_of(forms_.begin(), forms_.end(),
                     [](const auto& slot) { return !slot || slot->satisfied(); });
}

BodyHash BodyHashes::get(const WantedHash& wanted) const {
  const auto& slot = forms_[wanted.form];
  return slot ? slot->get(wanted.length) : BodyHash{BodyHash::Coverage::too_short, {}};
}

}  // namespace sekisho::dkim
