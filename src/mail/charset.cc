#include "mail/charset.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <vector>

#include <iconv.h>

#include "base/ascii.h"
#include "base/utf8.h"

namespace sekisho::mail {

namespace {

struct Name {
  std::string_view in_mail;
  const char* in_libc;
};

// Where software labels text with a subset of the charset that it writes, the superset is used, as
// in browsers (WHATWG Encoding). The stateful ISO-2022-CN-EXT, whose converter has had memory
// errors (CVE-2024-2961), and UTF-7 are not here.
constexpr std::array names = {
    Name{"big5", "BIG5-HKSCS"},
    Name{"big5-hkscs", "BIG5-HKSCS"},
    Name{"cp932", "CP932"},
    Name{"euc-jp", "EUC-JP"},
    Name{"euc-kr", "CP949"},
    Name{"gb18030", "GB18030"},
    Name{"gb2312", "GB18030"},
    Name{"gbk", "GB18030"},
    Name{"iso-2022-jp", "ISO-2022-JP-2"},
    Name{"iso-2022-jp-1", "ISO-2022-JP-2"},
    Name{"iso-2022-jp-2", "ISO-2022-JP-2"},
    Name{"iso-2022-kr", "ISO-2022-KR"},
    Name{"iso-8859-1", "ISO-8859-1"},
    Name{"iso-8859-10", "ISO-8859-10"},
    Name{"iso-8859-11", "TIS-620"},
    Name{"iso-8859-13", "ISO-8859-13"},
    Name{"iso-8859-14", "ISO-8859-14"},
    Name{"iso-8859-15", "ISO-8859-15"},
    Name{"iso-8859-16", "ISO-8859-16"},
    Name{"iso-8859-2", "ISO-8859-2"},
    Name{"iso-8859-3", "ISO-8859-3"},
    Name{"iso-8859-4", "ISO-8859-4"},
    Name{"iso-8859-5", "ISO-8859-5"},
    Name{"iso-8859-6", "ISO-8859-6"},
    Name{"iso-8859-7", "ISO-8859-7"},
    Name{"iso-8859-8", "ISO-8859-8"},
    Name{"iso-8859-8-i", "ISO-8859-8"},
    Name{"iso-8859-9", "ISO-8859-9"},
    Name{"koi8-r", "KOI8-R"},
    Name{"koi8-u", "KOI8-U"},
    Name{"ks_c_5601-1987", "CP949"},
    Name{"latin1", "ISO-8859-1"},
    Name{"shift-jis", "CP932"},
    Name{"shift_jis", "CP932"},
    Name{"sjis", "CP932"},
    Name{"tis-620", "TIS-620"},
    Name{"us-ascii", "UTF-8"},
    Name{"ascii", "UTF-8"},
    Name{"utf-8", "UTF-8"},
    Name{"utf8", "UTF-8"},
    Name{"windows-1250", "CP1250"},
    Name{"windows-1251", "CP1251"},
    Name{"windows-1252", "CP1252"},
    Name{"windows-1253", "CP1253"},
    Name{"windows-1254", "CP1254"},
    Name{"windows-1255", "CP1255"},
    Name{"windows-1256", "CP1256"},
    Name{"windows-1257", "CP1257"},
    Name{"windows-1258", "CP1258"},
    Name{"windows-31j", "CP932"},
    Name{"windows-874", "CP874"},
    Name{"x-sjis", "CP932"},
};

// Every octet makes at most this many octets of UTF-8 in the charsets above (BIG5-HKSCS: two
// octets, two characters).
constexpr std::size_t growth = 4;

const char* name_in_libc(std::string_view charset) {
  std::string wanted = ascii::lower(ascii::trim(charset));
  if (wanted.starts_with("cp125")) wanted = "windows-" + wanted.substr(2);
  const auto* found = std::find_if(names.begin(), names.end(),
                                   [&](const Name& name) { return name.in_mail == wanted; });
  return found == names.end() ? nullptr : found->in_libc;
}

// Closed by the destructor. An iconv_t is not a pointer to an object: -1 means none.
class Converter {
 public:
  explicit Converter(const char* from) : handle_(::iconv_open("UTF-8", from)) {}
  Converter(const Converter&) = delete;
  Converter& operator=(const Converter&) = delete;
  ~Converter() {
    if (*this) ::iconv_close(handle_);
  }
  explicit operator bool() const {
    return handle_ != reinterpret_cast<iconv_t>(-1);  // NOLINT: what iconv_open(3) says
  }
  iconv_t get() const { return handle_; }

 private:
  iconv_t handle_;
};

}  // namespace

std::optional<std::string> to_utf8(std::string_view octets, std::string_view charset) {
  const char* from = name_in_libc(charset);
  if (from == nullptr) return std::nullopt;
  if (std::string_view(from) == "UTF-8") {
    if (!is_utf8(octets)) return std::nullopt;
    return std::string(octets);
  }
  const Converter converter(from);
  if (!converter) return std::nullopt;
  std::string in(octets);  // iconv(3) wants it writable
  std::string out(in.size() * growth + 16, '\0');
  char* read = in.data();
  char* write = out.data();
  std::size_t unread = in.size();
  std::size_t room = out.size();
  constexpr auto failed = static_cast<std::size_t>(-1);
  if (::iconv(converter.get(), &read, &unread, &write, &room) == failed) return std::nullopt;
  // Flushes the state of a stateful charset.
  if (::iconv(converter.get(), nullptr, nullptr, &write, &room) == failed) return std::nullopt;
  out.resize(out.size() - room);
  return out;
}

std::string readable(std::string_view octets, std::string_view charset) {
  if (auto text = to_utf8(octets, charset)) return std::move(*text);
  if (is_utf8(octets)) return std::string(octets);
  std::string out;
  out.reserve(octets.size());
  for (const char c : octets) {
    if (static_cast<unsigned char>(c) < 0x80) {
      out += c;
    } else {
      out += "\xef\xbf\xbd";
    }
  }
  return out;
}

}  // namespace sekisho::mail
