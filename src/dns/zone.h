// dns/zone.h: answers from the text of a zone alone, like those of a resolver that knows nothing
// else: wildcards, empty non-terminals, CNAME chains, and the same limits. For laboratories,
// demonstrations and replay. RFC 1034 §4.3.2, RFC 4592, RFC 2308.
// Errors: ParseError whose `what` begins "FILE:LINE: ". Thread: immutable once read.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "dns/answers.h"
#include "dns/master_file.h"

namespace sekisho::dns {

class Zone {
 public:
  // `file_name` is for the errors. What may be written: master_file.h.
  static Expected<Zone> parse(std::string_view text, std::string_view file_name = "zone");
  static Expected<Zone> load(const std::string& path);

  AnswerPtr answer(const Question& question) const;
  std::size_t records() const { return records_; }

 private:
  struct Node {
    AnswerPtr find(Type type) const;

    std::map<Type, std::shared_ptr<Answer>> answers;
    std::optional<AliasData> alias;
    std::chrono::seconds alias_ttl{0};
    std::optional<std::chrono::seconds> negative_ttl;  // where a SOA stands
  };

  Expected<void> add(MasterRecord record, const MasterFile& file);
  // False when something else stands there.
  static bool add_alias(Node& node, AliasData alias, std::chrono::seconds ttl);
  Node& make_node(const std::string& name);
  // The node that answers for the name: its own, or a wildcard's.
  const Node* find_node(std::string_view name) const;
  const Answer* find_failure(const Question& question) const;
  Answer negative(Outcome outcome, std::string_view name) const;
  Answer behind_odd_alias(const std::string& target, std::chrono::seconds ttl) const;

  std::unordered_map<std::string, Node> nodes_;  // empty non-terminals too
  std::unordered_map<std::string, std::map<std::optional<Type>, Answer>> failures_;
  std::optional<std::chrono::seconds> root_ttl_;  // of negative answers, by a SOA of the root
  std::size_t records_ = 0;
};

}  // namespace sekisho::dns
