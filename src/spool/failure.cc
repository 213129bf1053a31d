#include "spool/failure.h"

#include <cerrno>
#include <cstring>

namespace sekisho::spool {

std::string_view to_string(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::no_space:
      return "no space";
    case Failure::Kind::limit:
      return "limit reached";
    case Failure::Kind::locked:
      return "locked";
    case Failure::Kind::damaged:
      return "damaged";
    case Failure::Kind::io:
      return "I/O error";
    case Failure::Kind::not_synced:
      return "fsync failed";
    case Failure::Kind::read_only:
      return "not writable";
    case Failure::Kind::exists:
      return "exists already";
    case Failure::Kind::not_found:
      return "not found";
    case Failure::Kind::refused:
      return "refused";
    case Failure::Kind::unavailable:
      return "unavailable";
  }
  return "";
}

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
