#include "base/read_file.h"

#include <array>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_handle.h"
#include "support/temporary_folder.h"

namespace sekisho {
namespace {

using Code = FileError::Code;

class ReadFile : public ::testing::Test {
 protected:
  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_.file(name), std::ios::binary) << text;
    return folder_.file(name);
  }
  static void expect_error(const Expected<std::string, FileError>& read, Code code,
                           const std::string& what) {
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, code);
    EXPECT_EQ(read.error().what, what);
  }

  test::TemporaryFolder folder_;
};

TEST_F(ReadFile, allOfIt) {
  const std::string long_text(200'000, 'x');
  EXPECT_EQ(read_file(write("empty", ""), 0), "");
  EXPECT_EQ(read_file(write("lines", std::string("a\r\n\0b", 5)), 100), std::string("a\r\n\0b", 5));
  EXPECT_EQ(read_file(write("long", long_text), long_text.size()), long_text);
}

TEST_F(ReadFile, oneOctetOverTheLimitIsTooLarge) {
  expect_error(read_file(write("four", "1234"), 3), Code::too_large, "larger than 3 octets");
  expect_error(read_file(write("mega", std::string(1024 * 1024 + 1, 'x')), 1024 * 1024),
               Code::too_large, "larger than 1 MB");
}

TEST_F(ReadFile, whatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(folder_.file("pipe").c_str(), 0600), 0);
  for (const auto& path : {folder_.file("pipe"), folder_.file(""), std::string("/dev/zero")})
    expect_error(read_file(path, 100), Code::not_regular, "not a regular file");
}

TEST_F(ReadFile, whatIsNotThere) {
  expect_error(read_file(folder_.file("none"), 1), Code::absent, "No such file or directory");
  expect_error(read_file(write("file", "") + "/below", 1), Code::absent, "Not a directory");
}

TEST_F(ReadFile, whatTheSystemRefuses) {
  const auto loop = folder_.file("loop");
  ASSERT_EQ(::symlink(loop.c_str(), loop.c_str()), 0);
  expect_error(read_file(loop, 1), Code::failed, "Too many levels of symbolic links");
  expect_error(read_to_end(-1, 1), Code::failed, "Bad file descriptor");
}

TEST(ReadToEnd, aPipeUntilItIsClosed) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const UniqueFd out(ends[0]);
  UniqueFd in(ends[1]);
  ASSERT_EQ(::write(in.get(), "text", 4), 4);
  in.reset();
  EXPECT_EQ(read_to_end(out.get(), 4), "text");
}

}  // namespace
}  // namespace sekisho
