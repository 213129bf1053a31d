// tls/certificate_files.h: the certificates of [tls] as their files are now. A pair is replaced
// only by one that is complete and fits: while files are copied, and after a mistake, the old one
// stays, and its fault is told.
//   files.look();  // every minute, and at a reload
//   auto context = files.context("submission");
// Errors: Report::fault, for the admin. Thread: any, internally locked; look() waits for the disk.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/result.h"
#include "tls/certificate.h"
#include "tls/options.h"
#include "tls/pair_text.h"
#include "tls/server_context.h"

namespace sekisho::tls {

class CertificateFiles {
 public:
  // Others than read_pair() may know where a key is that we may not read: CertificateCopies.
  using Read = std::function<Expected<PairText, PairFault>(const KeyPair& files)>;

  // One pair of the configuration.
  struct Report {
    KeyPair files;
    bool present = false;            // a pair is in use, perhaps an older one
    std::vector<std::string> names;  // of the one in use
    WallTime expires{};
    std::string fault;  // why the files are not used; empty: they are
  };

  explicit CertificateFiles(Options options, Read read = read_pair);
  // A reload: pairs that are named as before keep what they have.
  void configure(Options options);
  // Reads all files. Whether a pair was replaced.
  bool look();
  std::vector<Report> reports() const;

  // The context with the pairs of now, the same one until a pair changes. nullptr: no pair can be
  // used.
  std::shared_ptr<const ServerContext> context(const std::string& resumption) const;

 private:
  struct Pair {
    KeyPair files;
    std::string certificate_text{};  // of what is in use, to see a change
    std::string key_text{};
    std::shared_ptr<const Certificate> certificate{};
    std::string fault{};
  };
  struct State {
    Options options;
    std::vector<Pair> pairs;                                               // main first
    std::map<std::string, std::shared_ptr<const ServerContext>> contexts;  // by their resumption
  };
  static std::vector<Pair> pairs_for(const Options& options, const std::vector<Pair>& before);
  bool look_at(Pair& pair) const;
  static std::shared_ptr<const ServerContext> make_context(const State& state,
                                                           const std::string& resumption);

  const Read read_;
  mutable Guarded<State> state_;
};

}  // namespace sekisho::tls
