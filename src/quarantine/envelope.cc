#include "quarantine/envelope.h"

#include <nlohmann/json.hpp>

#include "base/memory.h"

namespace sekisho::quarantine {

std::string Envelope::json() const {
  const Patience patience;
  nlohmann::json to = nlohmann::json::array();
  for (const auto& recipient : recipients) {
    to.push_back({{"address", recipient.path.raw()}, {"parameters", recipient.parameters}});
  }
  nlohmann::json forged = nlohmann::json::array();
  for (const auto& edit : removals) forged.push_back({{"name", edit.name}, {"index", edit.index}});
  nlohmann::json all = {{"received", received},
                        {"authentication_results", authentication_results},
                        {"mail_parameters", mail_parameters},
                        {"recipients", std::move(to)},
                        {"removals", std::move(forged)}};
  if (!queue.empty()) all["queue"] = queue;
  return all.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<Envelope> Envelope::parse(std::string_view text) {
  const auto all = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!all.is_object()) return std::nullopt;
  try {
    Envelope envelope;
    all.at("received").get_to(envelope.received);
    all.at("authentication_results").get_to(envelope.authentication_results);
    all.at("mail_parameters").get_to(envelope.mail_parameters);
    for (const auto& to : all.at("recipients")) {
      envelope.recipients.push_back({to.at("address").get<std::string>(),
                                     to.at("parameters").get<std::vector<std::string>>()});
    }
    for (const auto& forged : all.at("removals")) {
      envelope.removals.push_back(
          {policy::Edit::Kind::remove, forged.at("name"), "", forged.at("index")});
    }
    envelope.queue = all.value("queue", std::string());
    return envelope;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;  // not written by us
  }
}

}  // namespace sekisho::quarantine
