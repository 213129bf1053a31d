#include "base/host_name.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>

namespace sekisho {
namespace {

TEST(HostName, isTheKernels) {
  utsname system{};
  ASSERT_EQ(::uname(&system), 0);
  EXPECT_EQ(host_name(), system.nodename);
}

}  // namespace
}  // namespace sekisho
