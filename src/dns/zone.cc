#include "dns/zone.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "dns/codec.h"

namespace sekisho::dns {

namespace {

// "b.c" of "a.b.c"; the root, "", of "c".
std::string_view parent(std::string_view name) {
  const auto dot = name.find('.');
  return dot == name.npos ? std::string_view() : name.substr(dot + 1);
}

AnswerPtr share(Answer answer) { return std::make_shared<const Answer>(std::move(answer)); }

void add_data(Answer& answer, Type type, RecordData data) {
  if (auto* address = std::get_if<mail::IpAddress>(&data)) {
    if (answer.addresses.size() < max_records) answer.addresses.push_back(*address);
  } else if (auto* mx = std::get_if<Mx>(&data)) {
    if (answer.exchanges.size() < max_records) answer.exchanges.push_back(std::move(*mx));
  } else if (auto* text = std::get_if<std::string>(&data)) {
    auto& texts = type == Type::ptr ? answer.pointers : answer.texts;
    if (texts.size() < max_records) texts.push_back(std::move(*text));
  }
}

}  // namespace

Expected<Zone> Zone::parse(std::string_view text, std::string_view file_name) {
  Zone zone;
  MasterFile file(text, file_name);
  for (;;) {
    auto entry = file.next();
    if (!entry) return tl::unexpected(entry.error());
    if (!*entry) return zone;
    if (auto* failure = std::get_if<Failure>(&**entry)) {
      zone.failures_[failure->owner.text()][failure->type] = error_answer(failure->error);
    } else if (auto added = zone.add(std::get<MasterRecord>(std::move(**entry)), file); !added) {
      return tl::unexpected(added.error());
    }
  }
}

Expected<Zone> Zone::load(const std::string& path) {
  // Not a pipe or device, for it could make the start or a reload wait for ever.
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    return parse_error(path + ": not a regular file");
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return parse_error(path + ": " + std::strerror(errno));
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return parse_error(path + ": cannot be read");
  return parse(text, path);
}

AnswerPtr Zone::Node::find(Type type) const {
  const auto found = answers.find(type);
  return found == answers.end() ? nullptr : found->second;
}

// The name and all above it exist from now on (RFC 4592 §2.2.2).
Zone::Node& Zone::make_node(const std::string& name) {
  const auto [found, is_new] = nodes_.try_emplace(name);
  Node& node = found->second;  // stays where it is when others are added
  if (is_new) {
    for (auto above = parent(name); !above.empty(); above = parent(above)) {
      if (!nodes_.try_emplace(std::string(above)).second) break;
    }
  }
  return node;
}

bool Zone::add_alias(Node& node, AliasData alias, std::chrono::seconds ttl) {
  // RFC 1034 §3.6.2: beside a CNAME there may be nothing else, and of two different ones it is
  // unknown which to follow. RFC 2181 §5: the same record twice is one.
  if (node.alias && node.alias->text == alias.text) return true;
  if (node.alias || !node.answers.empty()) return false;
  node.alias_ttl = ttl;
  Answer itself;
  itself.outcome = Outcome::records;
  itself.ttl = ttl;
  itself.pointers = {alias.text};
  node.answers[Type::cname] = std::make_shared<Answer>(std::move(itself));
  node.alias = std::move(alias);
  return true;
}

Expected<void> Zone::add(MasterRecord record, const MasterFile& file) {
  ++records_;
  if (!record.owner) {
    const auto* soa = std::get_if<SoaData>(&record.data);
    if (soa != nullptr && record.of_root) root_ttl_ = negative_ttl(record.ttl, soa->minimum);
    return {};
  }
  Node& node = make_node(record.owner->text());
  const auto ttl = positive_ttl(record.ttl);
  const auto conflict = [&] {
    return parse_error(file.place() + ": expected no other record beside the CNAME of " +
                       record.owner->text());
  };
  if (auto* alias = std::get_if<AliasData>(&record.data)) {
    if (!add_alias(node, std::move(*alias), ttl)) return conflict();
    return {};
  }
  if (const auto* soa = std::get_if<SoaData>(&record.data)) {
    node.negative_ttl = negative_ttl(record.ttl, soa->minimum);
    return {};
  }
  if (std::holds_alternative<OtherData>(record.data)) return {};
  if (node.alias) return conflict();
  auto& answer = node.answers[record.type];
  if (answer == nullptr) answer = std::make_shared<Answer>();
  answer->ttl = answer->outcome == Outcome::records ? std::min(answer->ttl, ttl) : ttl;
  answer->outcome = Outcome::records;
  add_data(*answer, record.type, std::move(record.data));
  return {};
}

const Zone::Node* Zone::find_node(std::string_view name) const {
  if (const auto found = nodes_.find(std::string(name)); found != nodes_.end())
    return &found->second;
  // RFC 4592 §3.3.1: the closest encloser, and the asterisk directly below it.
  std::string_view encloser = parent(name);
  while (!encloser.empty() && nodes_.find(std::string(encloser)) == nodes_.end())
    encloser = parent(encloser);
  std::string wildcard = "*";
  if (!encloser.empty()) wildcard.append(".").append(encloser);
  const auto found = nodes_.find(wildcard);
  return found == nodes_.end() ? nullptr : &found->second;
}

const Answer* Zone::find_failure(const Question& question) const {
  const auto named = failures_.find(question.name.text());
  if (named == failures_.end()) return nullptr;
  auto found = named->second.find(question.type);
  if (found == named->second.end()) found = named->second.find(std::nullopt);
  return found == named->second.end() ? nullptr : &found->second;
}

Answer Zone::negative(Outcome outcome, std::string_view name) const {
  Answer answer;
  answer.outcome = outcome;
  answer.ttl = root_ttl_.value_or(negative_ttl_without_soa());
  for (; !name.empty(); name = parent(name)) {
    const auto node = nodes_.find(std::string(name));
    if (node == nodes_.end() || !node->second.negative_ttl) continue;
    answer.ttl = *node->second.negative_ttl;
    break;
  }
  return answer;
}

// As in codec.cc: the root has nothing that we ask for, and other odd names cannot be asked for.
Answer Zone::behind_odd_alias(const std::string& target, std::chrono::seconds ttl) const {
  if (!target.empty()) return error_answer("unusable alias");
  Answer answer = negative(Outcome::nodata, "");
  answer.ttl = std::min(answer.ttl, ttl);
  return answer;
}

AnswerPtr Zone::answer(const Question& question) const {
  Question at = question;
  std::optional<std::chrono::seconds> chain_ttl;
  for (int aliases = 0; aliases <= max_aliases; ++aliases) {
    if (const Answer* failure = find_failure(at)) return share(*failure);
    const Node* node = find_node(at.name.text());
    if (const AnswerPtr ready = node == nullptr ? nullptr : node->find(at.type)) {
      if (!chain_ttl) return ready;
      Answer answer = *ready;
      answer.ttl = std::min(answer.ttl, *chain_ttl);
      answer.canonical = at.name.text();
      return share(std::move(answer));
    }
    if (node == nullptr || !node->alias) {
      Answer answer =
          negative(node == nullptr ? Outcome::nxdomain : Outcome::nodata, at.name.text());
      if (chain_ttl) {
        answer.ttl = std::min(answer.ttl, *chain_ttl);
        answer.canonical = at.name.text();
      }
      return share(std::move(answer));
    }
    chain_ttl = chain_ttl ? std::min(*chain_ttl, node->alias_ttl) : node->alias_ttl;
    if (!node->alias->target) return share(behind_odd_alias(node->alias->text, *chain_ttl));
    at.name = *node->alias->target;
  }
  return share(error_answer("cname loop"));
}

}  // namespace sekisho::dns
