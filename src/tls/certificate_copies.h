// tls/certificate_copies.h: copies of the pairs whose files only root may read, in the folder
// `certificates` beside the daemon's control socket. Root writes them, when the daemon starts, is
// reloaded, and after a renewal; the daemon reads what it may not read elsewhere.
//   CertificateCopies copies("/run/sekisho");
//   auto written = copies.write(pair, reader);             // as root
//   CertificateFiles files(options, copies.reader());      // in the daemon
// A copy is one file with both parts, so it is replaced in one step. The folder above belongs to
// the daemon: nothing below it is believed or followed unless it is ours.
// Errors: a sentence for the admin. Thread: any; waits for the disk.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "tls/certificate_files.h"
#include "tls/options.h"
#include "tls/pair_text.h"

namespace sekisho::tls {

class CertificateCopies {
 public:
  // `parent`: the folder in which ours is.
  explicit CertificateCopies(std::string parent) : parent_(std::move(parent)) {}

  // Copies the pair if it parses and fits; else the copy of before stays. The file is for `reader`
  // alone. Whether it has changed.
  Expected<bool, std::string> write(const KeyPair& files, uid_t reader) const;
  // Removes the copies of all other pairs.
  Expected<void, std::string> keep_only(const std::vector<KeyPair>& pairs) const;

  // Whether the folder was ever made.
  bool exist() const;
  Expected<PairText, std::string> read(const KeyPair& files) const;
  // Reads the files themselves, and a copy where that is not allowed.
  CertificateFiles::Read reader() const;

 private:
  std::string parent_;
};

}  // namespace sekisho::tls
