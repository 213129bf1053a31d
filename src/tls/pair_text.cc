#include "tls/pair_text.h"

#include <cstddef>

namespace sekisho::tls {

namespace {

constexpr std::size_t max_pem = std::size_t{1024} * 1024;

Expected<PemFile, PairFault> read_pem(const std::string& path) {
  auto text = read_file(path, max_pem);
  if (text) return PemFile{path, std::move(*text)};
  return tl::unexpected(PairFault{text.error().code, path + ": " + text.error().what});
}

}  // namespace

Expected<PairText, PairFault> read_pair(const KeyPair& files) {
  auto certificate = read_pem(files.certificate);
  if (!certificate) return tl::unexpected(std::move(certificate.error()));
  auto key = read_pem(files.key);
  if (!key) return tl::unexpected(std::move(key.error()));
  return PairText{std::move(*certificate), std::move(*key)};
}

}  // namespace sekisho::tls
