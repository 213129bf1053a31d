#include "config/settings.h"

namespace sekisho::config {

session::Options default_session() {
  session::Options out;
  for (const char* text : {"127.0.0.0/8", "::1/128"}) {
    out.trust.networks.push_back(mail::IpPrefix::parse(text).value());
  }
  return out;
}

}  // namespace sekisho::config
