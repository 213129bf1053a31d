// cli/user.h: `sekisho user`: the logins of the users' file, where users.source is "file:PATH".
// Errors: exit codes and sentences on stderr; then nothing has changed. Thread: the main one.
#pragma once

#include <string>

namespace sekisho::cli {

struct UserRequest {
  std::string login;
  std::string file;    // empty: that of the configuration
  std::string config;  // empty: the system's
  bool from_stdin = false;
  bool scram = false;  // also keys for SCRAM-SHA-256
  bool json = false;
};

int user_add(const UserRequest& request);
int user_passwd(const UserRequest& request);
int user_delete(const UserRequest& request);
int user_list(const UserRequest& request);

}  // namespace sekisho::cli
