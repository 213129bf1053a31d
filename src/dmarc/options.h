// dmarc/options.h: what may be configured of DMARC evaluation.
// Thread: immutable value.
#pragma once

#include <string>

#include "dmarc/result.h"

namespace sekisho::dmarc {

class PublicSuffixList;

struct Options {
  Discovery discovery = Discovery::treewalk;
  const PublicSuffixList* suffixes = nullptr;  // for Discovery::psl; must outlive the evaluation
};

}  // namespace sekisho::dmarc
