// Any octets as what Dovecot's authentication service says, whole and in pieces. The same answers
// come of both; a login is only accepted where the line says OK and names a user; and what is
// broken stays so.
#include <string>

#include "accounts/dovecot_protocol.h"
#include "fuzz/require.h"

namespace {

using namespace sekisho;
using accounts::DovecotConversation;
using accounts::LoginAnswer;
using fuzz::require;

std::vector<DovecotConversation::Answer> answers_of(std::string_view text, std::size_t piece,
                                                    bool& broken) {
  DovecotConversation dovecot;
  std::vector<DovecotConversation::Answer> all;
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    for (auto& answer : dovecot.take(text.substr(0, piece))) all.push_back(std::move(answer));
  }
  broken = dovecot.broken().has_value();
  if (broken) require(dovecot.take("OK\t1\tuser=alice\n").empty());
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  bool broken = false;
  const auto all = answers_of(text, text.size() + 1, broken);
  for (const auto& [id, answer] : all) {
    if (answer.code != LoginAnswer::Code::accepted) continue;
    require(!answer.login.empty());
    require(text.find("OK\t") != std::string_view::npos);
    require(text.find("\tuser=") != std::string_view::npos);
  }
  bool broken_in_pieces = false;
  const auto pieces = answers_of(text, 3, broken_in_pieces);
  require(broken == broken_in_pieces && all.size() == pieces.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    require(all[i].first == pieces[i].first && all[i].second.code == pieces[i].second.code);
  return 0;
}
