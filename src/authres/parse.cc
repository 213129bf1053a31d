#include <algorithm>
#include <array>
#include <optional>

#include "authres/authentication_results.h"
#include "authres/syntax.h"
#include "base/ascii.h"

namespace sekisho::authres {

namespace {

// The results that a method may have (IANA, "Email Authentication Result Names"). Any result is
// allowed for other methods.
struct KnownMethod {
  std::string_view name;
  std::string_view results;
};
constexpr std::array<KnownMethod, 6> known_methods{{
    {"auth", " none pass fail temperror permerror "},
    {"dkim", " none pass fail policy neutral temperror permerror "},
    {"dmarc", " none pass fail temperror permerror "},
    {"iprev", " pass fail temperror permerror "},
    {"spf", " none pass fail softfail policy neutral temperror permerror "},
    {"arc", " none pass fail "},
}};

bool is_registered(const std::string& method, const std::string& result) {
  const auto known = std::find_if(known_methods.begin(), known_methods.end(),
                                  [&](const KnownMethod& each) { return each.name == method; });
  return known == known_methods.end() ||
         known->results.find(" " + result + " ") != std::string_view::npos;
}

//   authres-payload = [CFWS] authserv-id [ CFWS authres-version ] ( no-result / 1*resinfo ) [CFWS]
//   no-result   = [CFWS] ";" [CFWS] "none"
//   resinfo     = [CFWS] ";" methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ]
//   methodspec  = [CFWS] method [CFWS] "=" [CFWS] result
//   reasonspec  = "reason" [CFWS] "=" [CFWS] value
//   propspec    = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue
//   method      = Keyword [ [CFWS] "/" [CFWS] method-version ]
//   pvalue      = [CFWS] ( ( value / [ [ local-part ] "@" ] domain-name ) [CFWS] )
class Parser {
 public:
  Parser(std::string_view text, Syntax syntax)
      : lexer_(text), lenient_(syntax == Syntax::lenient) {}

  Expected<AuthenticationResults> parse() {
    if (auto failure = read_head()) return *failure;
    bool said_none = false;
    while (true) {
      if (!lexer_.skip_cfws()) return broken_comment();
      if (lexer_.at_end()) break;
      // Without an authserv-id the first result has no semicolon before it.
      if (!lexer_.take(';') && !headless_) return failed("a semicolon is missing");
      headless_ = false;
      if (!lexer_.skip_cfws()) return broken_comment();
      if (lenient_ && (lexer_.at_end() || lexer_.next_is(';'))) continue;
      if (said_none && !lenient_) return failed("a result beside `none`");
      if (auto failure = read_result(said_none)) return *failure;
    }
    if (!lenient_ && field_.results.empty() && !said_none) return failed("no result");
    return std::move(field_);
  }

 private:
  using Failure = std::optional<tl::unexpected<ParseError>>;

  tl::unexpected<ParseError> failed(std::string what) const {
    return parse_error(std::move(what), lexer_.position());
  }
  tl::unexpected<ParseError> broken_comment() const { return failed("a comment is broken"); }

  Failure read_head() {
    if (!lexer_.skip_cfws()) return broken_comment();
    if (lenient_ && starts_with_result()) {
      headless_ = true;
      return std::nullopt;
    }
    if (lexer_.next_is('"')) {
      auto quoted = lexer_.take_quoted();
      if (!quoted) return failed("the quoted authserv-id is broken");
      field_.authserv_id = std::move(*quoted);
    } else {
      const std::string_view id = lexer_.take_run();
      if (id.empty() || !(lenient_ || is_token(id))) return failed("the authserv-id is no value");
      field_.authserv_id = cleaned(id, id.size());
    }
    if (!lexer_.skip_cfws()) return broken_comment();
    if (lexer_.at_end() || lexer_.next_is(';')) return std::nullopt;
    return read_version(field_.version);
  }

  // `spf=pass …`: some senders leave the authserv-id out.
  bool starts_with_result() {
    const std::size_t start = lexer_.position();
    const bool keyword = is_keyword(lexer_.take_word(true));
    const bool found = keyword && lexer_.skip_cfws() && lexer_.next_is('=');
    lexer_.back_to(start);
    return found;
  }

  Failure read_version(unsigned& version) {
    const std::string_view digits = lexer_.take_word(true);
    if (digits.empty() || digits.size() > 9 ||
        !std::all_of(digits.begin(), digits.end(), ascii::is_digit)) {
      return failed("the version is no number");
    }
    version = 0;
    for (const char digit : digits) version = version * 10 + static_cast<unsigned>(digit - '0');
    return std::nullopt;
  }

  // Reads the text behind a semicolon. Lenient: unreadable text is skipped up to the next
  // semicolon.
  Failure read_result(bool& said_none) {
    MethodResult result;
    Failure failure = read_method(result, said_none);
    if (!failure && !result.method.empty()) {
      failure = read_properties(result);
      if (!failure) field_.results.push_back(std::move(result));
    }
    if (failure && lenient_) {
      lexer_.skip_to_semicolon();
      return std::nullopt;
    }
    return failure;
  }

  // Leaves the method empty for `none`.
  Failure read_method(MethodResult& result, bool& said_none) {
    const std::string method = ascii::lower(lexer_.take_word(true));
    if (!is_keyword(method) && !(lenient_ && is_token(method))) return failed("no method");
    if (!lexer_.skip_cfws()) return broken_comment();
    if (method == "none" && (lexer_.at_end() || lexer_.next_is(';'))) {
      if (!field_.results.empty() && !lenient_) return failed("`none` beside a result");
      said_none = true;
      return std::nullopt;
    }
    if (lexer_.take('/')) {
      if (!lexer_.skip_cfws()) return broken_comment();
      if (auto failure = read_version(result.version)) return failure;
      if (!lexer_.skip_cfws()) return broken_comment();
    }
    if (!lexer_.take('=')) return failed("the method has no result");
    if (!lexer_.skip_cfws()) return broken_comment();
    result.result = ascii::lower(lexer_.take_word(true));
    if (!is_keyword(result.result)) return failed("the result is no keyword");
    if (!lenient_ && !is_registered(method, result.result)) {
      return failed(method + " has no result " + result.result);
    }
    result.method = method;
    return std::nullopt;
  }

  // [ CFWS reasonspec ] [ CFWS 1*propspec ]
  Failure read_properties(MethodResult& result) {
    while (true) {
      if (!lexer_.skip_cfws()) return broken_comment();
      if (lexer_.at_end() || lexer_.next_is(';')) return std::nullopt;
      const std::size_t start = lexer_.position();
      Failure failure = read_property(result);
      if (!failure) continue;
      if (!lenient_) return failure;
      lexer_.back_to(start);
      lexer_.skip_past_word();
    }
  }

  Failure read_property(MethodResult& result) {
    Property property;
    property.type = ascii::lower(lexer_.take_word(false));
    if (!is_keyword(property.type)) return failed("no property type");
    if (!lexer_.skip_cfws()) return broken_comment();
    const bool dotted = lexer_.take('.');
    if (dotted) {
      if (!lexer_.skip_cfws()) return broken_comment();
      property.name = ascii::lower(lexer_.take_word(true));
      if (!is_keyword(property.name)) return failed("no property");
      if (!lexer_.skip_cfws()) return broken_comment();
    } else if (property.type != "reason" && !lenient_) {
      return failed("the property has no type");
    }
    if (!lexer_.take('=')) return failed("the property has no value");
    if (!lexer_.skip_cfws()) return broken_comment();
    if (auto failure = read_value(property.value)) return failure;
    if (dotted) {
      result.properties.push_back(std::move(property));
    } else if (property.type == "reason") {
      if (!lenient_ && (!result.reason.empty() || !result.properties.empty())) {
        return failed("the reason is out of place");
      }
      result.reason = std::move(property.value);
    }
    return std::nullopt;
  }

  Failure read_value(std::string& value) {
    if (lexer_.next_is('"')) {
      auto quoted = lexer_.take_quoted();
      if (!quoted) return failed("a quoted string is broken");
      value = std::move(*quoted);
      if (!lexer_.next_is('@')) return std::nullopt;
      // "a b"@example.com: a quoted local part.
      const std::string_view domain = lexer_.take_run();
      if (!is_address_or_domain(domain)) return failed("the value is no address");
      value += domain;
      return std::nullopt;
    }
    const std::string_view run = lexer_.take_run();
    const bool fits = lenient_ ? !run.empty() : is_token(run) || is_address_or_domain(run);
    if (!fits) return failed("the value must be quoted");
    value = cleaned(run, run.size());
    return std::nullopt;
  }

  Lexer lexer_;
  bool lenient_;
  bool headless_ = false;
  AuthenticationResults field_;
};

}  // namespace

Expected<AuthenticationResults> parse(std::string_view value, Syntax syntax) {
  return Parser(value, syntax).parse();
}

}  // namespace sekisho::authres
