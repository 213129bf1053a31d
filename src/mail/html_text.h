// mail/html_text.h: what an HTML text says, as plain text: tags gone, entities resolved, where
// links really lead written behind them. Nothing is fetched, run or laid out; it is for reading,
// not for judging what a browser shows.
// Errors: nothing; never throws but for memory. Linear, without recursion. Thread: any.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::mail {

// `html` in UTF-8.
std::string html_text(std::string_view html);

}  // namespace sekisho::mail
