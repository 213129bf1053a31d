// accounts/make_authenticator.h: the source of logins that [users] names.
// Errors: a sentence for the admin. Thread: any.
#pragma once

#include <memory>
#include <string>

#include "accounts/authenticator.h"
#include "accounts/options.h"
#include "base/result.h"

namespace sekisho::accounts {

// nullptr: nobody can log in. A source that does not answer now is none of its errors.
Expected<std::shared_ptr<Authenticator>, std::string> make_authenticator(
    const UserOptions& options);

}  // namespace sekisho::accounts
