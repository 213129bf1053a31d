// tls/pair_text.h: a certificate and its key as two PEM files, or a copy of both, have them now.
// Errors: a sentence for the admin. Thread: any; waits for the disk.
#pragma once

#include <string>

#include "base/read_file.h"
#include "base/result.h"
#include "tls/certificate.h"
#include "tls/options.h"

namespace sekisho::tls {

// The paths are for errors: of a copy, where the original is.
struct PairText {
  PemFile certificate;
  PemFile key;
};

struct PairFault {
  // `failed` is mostly a file that we may not read.
  FileError::Code code = FileError::Code::failed;
  std::string what;
};

// Regular files of at most 1 MB each: a chain with its key has some 10 KB.
Expected<PairText, PairFault> read_pair(const KeyPair& files);

}  // namespace sekisho::tls
