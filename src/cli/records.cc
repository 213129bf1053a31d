#include "cli/records.h"

#include <filesystem>

#include "cli/configuration.h"
#include "setup/access_files.h"
#include "setup/snapshot.h"

namespace sekisho::cli {

namespace {

OrComplaint<std::string> folder_of(const HistoryPlace& place) {
  if (!place.dir.empty()) return place.dir;
  std::error_code ignored;
  const bool other = place.config.empty() && !place.other.empty() &&
                     !std::filesystem::exists(default_config, ignored);
  const auto loaded =
      load_configuration(other ? place.other : place.config, config::ValueFiles::skip);
  if (!loaded) return complaint(config);
  if (loaded->settings.history.dir.empty())
    return complaint(unavailable, "[history] dir is empty: no decisions are recorded");
  return loaded->settings.history.dir;
}

Records::Book make_rulebook(const config::Settings& settings, const std::string& digest,
                            std::map<std::string, std::string> places) {
  auto snapshot = setup::make_offline_snapshot(settings, digest);
  if (!snapshot) return tl::unexpected(snapshot.error());
  return std::make_shared<const Rulebook>(
      Rulebook{settings, std::move(*snapshot), std::move(places)});
}

}  // namespace

OrComplaint<Records> Records::open(const HistoryPlace& place) {
  const auto folder = folder_of(place);
  if (!folder) return tl::unexpected(folder.error());
  auto archive = history::Archive::open(*folder);
  if (!archive)
    return complaint(no_input, "the history in " + *folder + ": " + archive.error().why);
  return Records(std::move(*archive));
}

Expected<session::Decided, std::string> Records::find(const std::string& id) {
  const auto number = archive_.find(id);
  if (!number) return tl::unexpected(number.error().why);
  if (!*number) return tl::unexpected<std::string>("no such id or queue id in the history");
  return read(**number);
}

Expected<session::Decided, std::string> Records::read(std::int64_t number) {
  auto decided = archive_.read(number);
  if (!decided) return tl::unexpected(decided.error().why);
  if (!*decided) return tl::unexpected((*decided).error().what);
  return std::move(**decided);
}

Records::Book Records::rulebook(const std::string& digest) {
  const auto known = rulebooks_.find(digest);
  if (known != rulebooks_.end()) return known->second;
  const auto make = [&]() -> Book {
    const auto stored = archive_.configuration(digest);
    if (!stored) return tl::unexpected(stored.error().why);
    if (!*stored) return tl::unexpected("the configuration " + digest + " is not recorded");
    const auto loaded = config::load_text((*stored)->text, "recorded configuration " + digest);
    if (!loaded) return tl::unexpected(loaded.error().front().text());
    // Its access lists as they are now, if they can be read: each record has the entries of its
    // time.
    config::Settings settings = loaded->settings;
    settings.access_files = {{}, {}};
    auto book = make_rulebook(settings, digest, (*stored)->places);
    std::string lacks;
    if (!book && settings.dmarc.discovery == dmarc::Discovery::psl) {
      // A decision can be explained without the public suffix list.
      lacks = book.error();
      settings.dmarc.discovery = dmarc::Discovery::treewalk;
      book = make_rulebook(settings, digest, (*stored)->places);
    }
    if (!book) return book;
    auto complete = std::make_shared<Rulebook>(**book);
    complete->settings.dmarc = loaded->settings.dmarc;
    complete->lacks = std::move(lacks);
    auto snapshot = std::make_shared<session::Snapshot>(*complete->snapshot);
    static_cast<void>(setup::read_access_files(loaded->settings.access_files, snapshot->rules));
    complete->settings.access_files = loaded->settings.access_files;
    complete->snapshot = std::move(snapshot);
    return complete;
  };
  return rulebooks_.emplace(digest, make()).first->second;
}

std::shared_ptr<const Rulebook> rulebook_of_file(const std::string& path) {
  const auto loaded = load_configuration(path);
  if (!loaded) return nullptr;
  std::map<std::string, std::string> places;
  for (const auto& [key, place] : loaded->places) places.emplace(key, place.text());
  auto book = make_rulebook(loaded->settings, loaded->digest, std::move(places));
  if (book) return *book;
  warn(path + ": " + book.error());
  return nullptr;
}

}  // namespace sekisho::cli
