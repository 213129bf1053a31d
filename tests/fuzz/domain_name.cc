// Any octets as a domain, in ASCII and through libidn2. What is accepted is a name that the DNS can
// be asked for, is its own spelling, and keeps its meaning in capitals, with a final dot, and as
// the U-labels that a reader would show.
#include <algorithm>
#include <string>

#include <idn2.h>

#include "base/unique_handle.h"
#include "dns/name.h"
#include "fuzz/require.h"
#include "mail/domain_name.h"

namespace {

using namespace sekisho;
using fuzz::require;
using mail::DomainName;

bool reads_as(std::string_view text, const DomainName& name) {
  const auto again = DomainName::parse(text);
  return again && *again == name;
}

bool is_name_octet(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

void check_spelling(const DomainName& name) {
  require(!name.text().empty() && name.text().size() <= 253);
  std::string joined;
  for (const std::string_view label : name.labels()) {
    require(!label.empty() && label.size() <= 63);
    require(std::all_of(label.begin(), label.end(), is_name_octet));
    if (!joined.empty()) joined += '.';
    joined += label;
  }
  require(joined == name.text() && name.labels().size() == name.label_count());
  require(reads_as(name.text(), name) && reads_as(name.text() + ".", name));
  std::string capitals = name.text();
  for (char& c : capitals) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  require(reads_as(capitals, name));
  const auto asked = dns::Name::from(name.text());
  require(asked && asked->text() == name.text());
}

void check_suffixes(const DomainName& name) {
  for (std::size_t count = 1; count <= name.label_count(); ++count) {
    const DomainName parent = name.suffix(count);
    require(parent.label_count() == count && name.is_or_is_below(parent));
    require(parent.is_or_is_below(name) == (count == name.label_count()));
  }
  require(name.suffix(0) == name.suffix(1) && name.suffix(1000) == name);
  // Text that ends alike is not below.
  if (const auto other = DomainName::parse("x" + name.text()))
    require(!other->is_or_is_below(name));
}

// What a reader shows of it leads back to it.
void check_unicode(const DomainName& name) {
  char* shown = nullptr;
  if (idn2_to_unicode_8z8z(name.text().c_str(), &shown, IDN2_NONTRANSITIONAL) != IDN2_OK) return;
  const UniqueHandle<char, idn2_free> owned(shown);
  require(reads_as(shown, name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = fuzz::text_of(data, size);
  const auto name = DomainName::parse(text);
  if (!name) {
    require(!name.error().what.empty() && name.error().at <= text.size());
    return 0;
  }
  check_spelling(*name);
  check_suffixes(*name);
  const bool ascii = std::all_of(text.begin(), text.end(),
                                 [](char c) { return static_cast<unsigned char>(c) < 0x80; });
  // An A-label that came as such is taken as the DNS has it, whether IDNA knows it or not.
  if (!ascii) check_unicode(*name);
  return 0;
}
