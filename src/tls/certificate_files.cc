#include "tls/certificate_files.h"

#include <algorithm>

namespace sekisho::tls {

namespace {

std::string why_unreadable(const PairFault& fault) {
  if (fault.code != FileError::Code::failed) return fault.what;
  return fault.what +
         "; if only root may read it, `sekisho certificates copy` gives the daemon a copy, as the "
         "drop-in smtp.conf of its unit does (sekishod(8))";
}

}  // namespace

CertificateFiles::CertificateFiles(Options options, Read read) : read_(std::move(read)) {
  configure(std::move(options));
}

std::vector<CertificateFiles::Pair> CertificateFiles::pairs_for(const Options& options,
                                                                const std::vector<Pair>& before) {
  std::vector<KeyPair> wanted;
  if (!options.main.certificate.empty()) wanted.push_back(options.main);
  wanted.insert(wanted.end(), options.names.begin(), options.names.end());
  std::vector<Pair> pairs;
  for (const auto& files : wanted) {
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const Pair& pair) { return pair.files == files; });
    pairs.push_back(same == before.end() ? Pair{.files = files} : *same);
  }
  return pairs;
}

void CertificateFiles::configure(Options options) {
  state_.with([&](State& state) {
    state.pairs = pairs_for(options, state.pairs);
    state.options = std::move(options);
    state.contexts.clear();
  });
}

bool CertificateFiles::look_at(Pair& pair) const {
  auto text = read_(pair.files);
  if (!text) {
    pair.fault = why_unreadable(text.error());
    return false;
  }
  const std::string& certificate = text->certificate.text;
  const std::string& key = text->key.text;
  if (pair.certificate && certificate == pair.certificate_text && key == pair.key_text) {
    pair.fault.clear();
    return false;
  }
  auto parsed = Certificate::parse(text->certificate, text->key);
  if (!parsed) {
    pair.fault = std::move(parsed.error());
    return false;
  }
  pair = {pair.files, certificate, key, std::move(*parsed), {}};
  return true;
}

bool CertificateFiles::look() {
  // The files are read without the lock.
  auto pairs = state_.with([](const State& state) { return state.pairs; });
  bool replaced = false;
  for (auto& pair : pairs) replaced = look_at(pair) || replaced;
  state_.with([&](State& state) {
    // After another configure() meanwhile, what was read is taken over by name.
    state.pairs = pairs_for(state.options, pairs);
    if (replaced) state.contexts.clear();
  });
  return replaced;
}

std::vector<CertificateFiles::Report> CertificateFiles::reports() const {
  return state_.with([](const State& state) {
    std::vector<Report> reports;
    for (const auto& pair : state.pairs) {
      Report report{.files = pair.files, .names = {}, .fault = pair.fault};
      if (pair.certificate) {
        report.present = true;
        report.names = pair.certificate->names();
        report.expires = pair.certificate->expires();
      }
      reports.push_back(std::move(report));
    }
    return reports;
  });
}

std::shared_ptr<const ServerContext> CertificateFiles::make_context(const State& state,
                                                                    const std::string& resumption) {
  std::vector<std::shared_ptr<const Certificate>> certificates;
  for (const auto& pair : state.pairs) {
    if (pair.certificate) certificates.push_back(pair.certificate);
  }
  if (certificates.empty()) return nullptr;
  // A pair that parses can be used: Certificate::parse has tried it.
  auto made = ServerContext::make(std::move(certificates), {state.options.min_version, resumption});
  return made ? *made : nullptr;
}

std::shared_ptr<const ServerContext> CertificateFiles::context(
    const std::string& resumption) const {
  return state_.with([&](State& state) {
    auto& context = state.contexts[resumption];
    if (!context) context = make_context(state, resumption);
    return context;
  });
}

}  // namespace sekisho::tls
