#include "cli/words.h"

#include <algorithm>
#include <string_view>

namespace sekisho::cli {

namespace {

// The verb that a word names below `app`, or `app` itself.
const CLI::App* below(const CLI::App* app, const std::string& word) {
  const auto verbs =
      app->get_subcommands([&](const CLI::App* one) { return one->get_name() == word; });
  return verbs.empty() || word.empty() ? app : verbs.front();
}

bool takes_value(const CLI::App& verb, const std::string& option) {
  const auto* known = verb.get_option_no_throw(option);
  return known != nullptr && known->get_items_expected_max() > 0;
}

}  // namespace

std::vector<std::string> spelt_out(const CLI::App& app, int argc, const char* const* argv) {
  std::vector<std::string> words;
  const CLI::App* verb = &app;
  bool options_end = false;
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    options_end = options_end || word == "--";
    const bool empty_value =
        word.size() > 3 && word.starts_with("--") && word.find('=') == word.size() - 1;
    if (!options_end && empty_value && takes_value(*verb, word.substr(0, word.size() - 1))) {
      word.pop_back();
      words.push_back(std::move(word));
      words.emplace_back();
      continue;
    }
    verb = below(verb, word);
    words.push_back(std::move(word));
  }
  std::reverse(words.begin(), words.end());
  return words;
}

}  // namespace sekisho::cli
