// mail/html_text.h: the text of an HTML document as plain text: without tags, with entities
// resolved, and with the target of each link behind it. Nothing is fetched, run or laid out; it is
// for reading, not for judging what a browser shows.
// Errors: nothing; never throws but for memory. Linear, without recursion. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::mail {

// `html` in UTF-8.
std::string html_text(std::string_view html);

}  // namespace sekisho::mail
