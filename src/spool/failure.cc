#include "spool/failure.h"

#include <cerrno>
#include <cstring>

namespace sekisho::spool {

namespace {

Failure::Kind kind_of_errno(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Failure::Kind::no_space;
    case EROFS:
    case EACCES:
    case EPERM:
      return Failure::Kind::read_only;
    case EEXIST:
      return Failure::Kind::exists;
    case ENOENT:
      return Failure::Kind::not_found;
    case ELOOP:
      return Failure::Kind::refused;
    default:
      return Failure::Kind::io;
  }
}

}  // namespace

Failure failure_of_errno(int error, std::string_view doing) {
  return {kind_of_errno(error), "cannot " + std::string(doing) + ": " + std::strerror(error)};
}

}  // namespace sekisho::spool
