// dmarc/tree_walk.h: the DNS Tree Walk, and the Organizational Domain that it finds. RFC 9989
// §4.10, §4.10.2. Pure: reads the answers known so far. At most 8 names, all asked together and
// consulted in order: answers beyond the record that ends the walk are ignored, even failures.
// Errors: are states; never throws. Thread: any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dmarc/record.h"
#include "dns/answers.h"
#include "mail/domain_name.h"

namespace sekisho::dmarc {

// The records at `_dmarc.` of one domain.
struct Lookup {
  enum class State {
    open,     // not known yet
    failed,   // the DNS did not answer
    absent,   // no DMARC record
    several,  // more than one: all are discarded (RFC 9989 §4.10 step 2)
    found,
  };
  State state = State::absent;
  std::optional<Record> record;  // when found
  std::string failure;           // when failed, for people
};

// nullopt if the name with `_dmarc.` is too long to exist.
std::optional<dns::Question> record_question(const mail::DomainName& domain);
Lookup look_up(const mail::DomainName& domain, const dns::Answers& answers);

struct Finding {
  mail::DomainName domain;
  Record record;
};

// What a walk does at a name that does not answer: it stops, or it goes on as if the name had no
// record.
enum class OnFailure { stop, pass_over };

struct Walk {
  enum class State {
    open,      // `open` must be answered first
    failed,    // a name that had to be consulted did not answer; `findings` holds what stood before
               // it, or with OnFailure::pass_over what the others hold
    complete,  // a record with psd=y or psd=n ended it, or no labels were left
  };
  State state = State::complete;
  std::vector<Finding> findings;       // longest name first
  std::vector<std::string> consulted;  // "_dmarc.example.com", in order
  std::vector<dns::Question> open;     // all of the walk's that are not answered yet
  std::string failure;
  std::vector<mail::DomainName> failed;  // the names that did not answer, longest first
};

// The domains that a walk from `start` consults, `start` first.
std::vector<mail::DomainName> walk_targets(const mail::DomainName& start);
Walk walk(const mail::DomainName& start, const dns::Answers& answers,
          OnFailure on_failure = OnFailure::stop);

// RFC 9989 §4.10.2, from the findings of a walk from `start`; `start` itself if there are none.
mail::DomainName organizational_domain(const mail::DomainName& start,
                                       const std::vector<Finding>& findings);

}  // namespace sekisho::dmarc
