#include "control/client.h"

#include <sys/socket.h>
#include <nlohmann/json.hpp>

#include "base/unix_socket.h"
#include "control/protocol.h"
#include "control/stream.h"

namespace sekisho::control {

using nlohmann::json;

Expected<json, AskError> ask(const std::string& socket, const json& request) {
  const auto failed = [&](std::string why, bool unreachable) {
    return tl::unexpected<AskError>({socket + ": " + std::move(why), unreachable});
  };
  const auto connection = connect_unix(socket);
  if (!connection) return failed(connection.error() + " (is sekishod running?)", true);
  const int fd = connection->get();
  if (!write_all(fd, request.dump(), request_time)) return failed("cannot send the request", true);
  ::shutdown(fd, SHUT_WR);
  const auto text = read_all(fd, max_answer_octets, answer_timeout);
  if (!text) return failed("no answer", true);
  auto answer = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!answer.is_object() || !answer.contains("ok") || !answer["ok"].is_boolean())
    return failed("the answer is not one of sekishod", true);
  if (!answer["ok"].get<bool>()) {
    const auto why = answer.find("error");
    const bool said = why != answer.end() && why->is_string();
    return tl::unexpected<AskError>({said ? why->get<std::string>() : "refused", false});
  }
  return answer;
}

}  // namespace sekisho::control
