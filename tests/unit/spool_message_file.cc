// Message files: what is written is read, what is spoiled is recognised, and nobody else's file is
// touched.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool/checksum.h"
#include "spool/message_file.h"
#include "spool/record.h"
#include "support/temporary_folder.h"

namespace sekisho::spool {
namespace {

using test::TemporaryFolder;
namespace fs = std::filesystem;

class SpoolMessageFile : public testing::Test {
 protected:
  std::shared_ptr<const Folder> open_folder() {
    auto folder = Folder::open(place_.file("store"), true);
    EXPECT_TRUE(folder.has_value());
    return *folder;
  }
  void write(const std::string& key, const std::string& message, const std::string& record) {
    Draft draft(folder_);
    draft.append(message);
    ASSERT_TRUE(draft.finish(record).has_value());
    ASSERT_TRUE(draft.publish(key).has_value());
  }
  std::string path(const std::string& name) const { return place_.file("store/" + name); }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(place_.file("store")), fs::directory_iterator()));
  }

  TemporaryFolder place_;
  std::shared_ptr<const Folder> folder_ = open_folder();
};

TEST(SpoolChecksum, IsThatOfTheStandard) {
  const std::string nine = "123456789";
  for (std::size_t cut = 0; cut <= nine.size(); ++cut) {
    Crc32 checksum;
    checksum.update(nine.substr(0, cut));
    checksum.update(nine.substr(cut));
    EXPECT_EQ(checksum.value(), 0xCBF43926U) << cut;
  }
  Crc32 long_text;
  long_text.update(std::string(1000, 'a'));
  EXPECT_EQ(long_text.value(), 0x9A38DA03U);
}

TEST(SpoolRecord, GivesBackWhatItWasGiven) {
  Record record;
  const std::string odd("\0\n\xFFname 3\nabc\n", 14);
  record.add("one", "1").add("odd", odd).add("to", "a").add("to", "b").add("empty", "");
  const auto read = Record::parse(record.octets());
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(*read, record);
  EXPECT_EQ(read->get("odd"), odd);
  EXPECT_EQ(read->all("to"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read->get("missing"), "");
}

TEST(SpoolRecord, RefusesEverythingElse) {
  for (const char* text : {"x", "x 1", "x 1\n", "x 1\na", "x 2\na\n", "x 0\na\n", "X 1\na\n",
                           " 1\na\n", "x -1\na\n", "x 01\na\n", "x 1\nab",
                           "x 99999999999999999999\na\n", "x 18446744073709551615\na\n", "\n"}) {
    EXPECT_FALSE(Record::parse(text).has_value()) << text;
  }
  EXPECT_TRUE(Record::parse("").has_value());
}

TEST(SpoolTrailer, OneWayToWriteIt) {
  const Trailer trailer{0x51e2, 0xa31, 0x7f3c09d2};
  EXPECT_EQ(trailer.text(), "sekisho-spool 1 00000000000051e2 00000a31 7f3c09d2\n");
  EXPECT_EQ(Trailer::parse(trailer.text()), trailer);
  for (const char* text : {"sekisho-spool 3 00000000000051e2 00000a31 7f3c09d2\n",
                           "sekisho-spool 0 00000000000051e2 00000a31 7f3c09d2\n",
                           "sekisho-spool 1 00000000000051E2 00000a31 7f3c09d2\n",
                           "sekisho-spool 1 00000000000051e2 00000a31 7f3c09d2 ",
                           "sekisho-spool 1 000000000000-1e2 00000a31 7f3c09d2\n",
                           "sekisho-spool 1 00000000000051e2 00000a31 7f3c09d\n",
                           "sekisho-spool 1 00000000000051e200000a31  7f3c09d2\n"}) {
    EXPECT_FALSE(Trailer::parse(text).has_value()) << text;
  }
}

TEST_F(SpoolMessageFile, ReadsWhatWasWritten) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, Draft::memory_octets,
                                 Draft::memory_octets + 1, 3 * Draft::memory_octets + 77}) {
    std::string message;
    for (std::size_t i = 0; i < size; ++i) message += static_cast<char>(i * 7);
    const std::string key = "KEY-" + std::to_string(size);
    write(key, message, "the record");
    const auto file = MessageFile::open(*folder_, key);
    ASSERT_TRUE(file.has_value()) << size;
    EXPECT_EQ(file->size(), size);
    EXPECT_EQ(file->record(), (FileRecord{1, "the record"}));
    EXPECT_EQ(*file->read_all(), message);
    EXPECT_TRUE(file->verify().has_value());
    EXPECT_EQ(file->read(size / 2, 10)->size(), std::min<std::size_t>(10, size - size / 2));
    EXPECT_EQ(*file->read(size, 10), "");
  }
}

// However large they are, and however many: what they have in memory stays within the limit and a
// little for each.
TEST_F(SpoolMessageFile, MessagesThatArriveAtOnceShareTheirMemory) {
  constexpr std::size_t most = 4 * Draft::memory_octets;
  const auto memory = std::make_shared<DraftMemory>(most);
  const std::string piece(64 * 1024, 'x');
  std::vector<Draft> drafts;
  for (int i = 0; i < 40; ++i) drafts.emplace_back(folder_, memory);
  std::size_t highest = 0;
  for (int piece_number = 0; piece_number < 16; ++piece_number) {
    for (auto& draft : drafts) {
      draft.append(piece);
      highest = std::max(highest, memory->octets());
    }
  }
  EXPECT_GT(highest, most / 2);
  EXPECT_LT(highest, most + 2 * (Draft::memory_octets + piece.size()));
  EXPECT_EQ(files(), 40U);
  // Small ones wait in memory still, up to their share.
  Draft small(folder_, memory);
  small.append(std::string(1000, 'y'));
  EXPECT_EQ(files(), 40U);
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(drafts[static_cast<std::size_t>(i)].finish("record").has_value());
    ASSERT_TRUE(drafts[static_cast<std::size_t>(i)].publish("KEY-" + std::to_string(i)));
  }
  const auto file = MessageFile::open(*folder_, "KEY-39");
  ASSERT_TRUE(file.has_value());
  EXPECT_EQ(file->size(), 16 * piece.size());
  EXPECT_TRUE(file->verify().has_value());
  drafts.clear();
  EXPECT_LE(memory->octets(), 2000U);
  {
    const Draft moved = std::move(small);
    EXPECT_GT(memory->octets(), 0U);
  }
  EXPECT_EQ(memory->octets(), 0U);
}

TEST_F(SpoolMessageFile, ALargeMessageWaitsInAFileAndIsDroppedWithoutATrace) {
  {
    Draft draft(folder_);
    for (int i = 0; i < 100; ++i) draft.append(std::string(10'000, 'x'));
    EXPECT_EQ(draft.size(), 1'000'000U);
    EXPECT_EQ(files(), 1U);
    Draft moved = std::move(draft);
    EXPECT_EQ(files(), 1U);
  }
  EXPECT_EQ(files(), 0U);
  {
    Draft finished(folder_);
    finished.append("x");
    ASSERT_TRUE(finished.finish("r").has_value());
    EXPECT_EQ(files(), 1U);
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(SpoolMessageFile, EveryCutAndEveryFlippedBitIsRecognised) {
  write("WHOLE", "Subject: x\r\n\r\nbody\r\n", "record");
  std::ifstream in(path("WHOLE"), std::ios::binary);
  const std::string octets{std::istreambuf_iterator<char>(in), {}};
  const auto accepted = [&](const std::string& spoiled) {
    std::ofstream(path("SPOILED"), std::ios::binary) << spoiled;
    const auto file = MessageFile::open(*folder_, "SPOILED");
    return file && file->verify().has_value();
  };
  ASSERT_TRUE(accepted(octets));
  for (std::size_t cut = 0; cut < octets.size(); ++cut)
    EXPECT_FALSE(accepted(octets.substr(0, cut))) << cut;
  for (std::size_t at = 0; at < octets.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string spoiled = octets;
      spoiled[at] = static_cast<char>(spoiled[at] ^ (1 << bit));
      EXPECT_FALSE(accepted(spoiled)) << at << "." << bit;
    }
  }
  EXPECT_FALSE(accepted(octets + "x"));
}

TEST_F(SpoolMessageFile, FilesAreForTheOwnerAndHisGroup) {
  write("KEY", "m", "r");
  struct stat status {};
  ASSERT_EQ(::stat(path("KEY").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640U);
}

TEST_F(SpoolMessageFile, WhatRootWritesBelongsToTheFoldersOwner) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root gives files away";
  ASSERT_EQ(::chown(place_.file("store").c_str(), 12345, 54321), 0);
  folder_ = open_folder();
  write("KEY", "m", "r");
  struct stat status {};
  ASSERT_EQ(::stat(path("KEY").c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, 12345U);
  EXPECT_EQ(status.st_gid, 54321U);
}

TEST_F(SpoolMessageFile, ANameIsTakenOnce) {
  write("KEY", "first", "r");
  Draft second(folder_);
  second.append("second");
  ASSERT_TRUE(second.finish("r").has_value());
  const auto published = second.publish("KEY");
  ASSERT_FALSE(published.has_value());
  EXPECT_EQ(published.error().kind, Failure::Kind::exists);
  EXPECT_EQ(*MessageFile::open(*folder_, "KEY")->read_all(), "first");
}

TEST_F(SpoolMessageFile, OnlyKeysTouchAPath) {
  for (const char* key : {"", ".", "..", "../../etc/shadow", "/etc/shadow", "-RF", "K*", "k7q2",
                          "A/B", "A\nB", "K7Q2-4DMX.tmp"}) {
    EXPECT_FALSE(is_key(key)) << key;
    EXPECT_FALSE(folder_->open_message(key).has_value()) << key;
    EXPECT_FALSE(folder_->has_message(key)) << key;
    EXPECT_FALSE(folder_->remove_message(key)) << key;
    Draft draft(folder_);
    ASSERT_TRUE(draft.finish("r").has_value());
    EXPECT_FALSE(draft.publish(key).has_value()) << key;
  }
  EXPECT_FALSE(is_key(std::string("A\0B", 3)));
  EXPECT_FALSE(is_key(std::string(65, 'A')));
  EXPECT_TRUE(is_key(std::string(64, 'A')));
}

TEST_F(SpoolMessageFile, SymbolicLinksAndOtherThingsAreNotRead) {
  write("KEY", "m", "r");
  fs::create_symlink("KEY", path("LINK"));
  EXPECT_FALSE(MessageFile::open(*folder_, "LINK").has_value());
  fs::create_directory(path("FOLDER"));
  EXPECT_FALSE(MessageFile::open(*folder_, "FOLDER").has_value());
  ASSERT_EQ(::mkfifo(path("PIPE").c_str(), 0600), 0);
  EXPECT_FALSE(MessageFile::open(*folder_, "PIPE").has_value());  // and does not wait for a writer
}

TEST_F(SpoolMessageFile, AFolderThatOthersWriteToIsRefused) {
  for (const mode_t mode : {0770U, 0702U, 0777U}) {
    ASSERT_EQ(::chmod(place_.file("store").c_str(), mode), 0);
    EXPECT_FALSE(Folder::open(place_.file("store"), false).has_value()) << mode;
  }
  ASSERT_EQ(::chmod(place_.file("store").c_str(), 0755), 0);
  EXPECT_TRUE(Folder::open(place_.file("store"), false).has_value());
  fs::create_directory_symlink(place_.file("store"), place_.file("link"));
  EXPECT_FALSE(Folder::open(place_.file("link"), true).has_value());
}

TEST_F(SpoolMessageFile, OldTemporaryFilesAreRemovedAndYoungOnesAreNot) {
  std::string old_name;
  std::string young_name;
  ASSERT_TRUE(folder_->make_temporary(old_name).has_value());
  ASSERT_TRUE(folder_->make_temporary(young_name).has_value());
  write("KEY", "m", "r");
  const timespec two_hours_ago[2] = {{::time(nullptr) - 7200, 0}, {::time(nullptr) - 7200, 0}};
  for (const auto& name : {old_name, std::string("KEY")})
    ASSERT_EQ(::utimensat(AT_FDCWD, path(name).c_str(), two_hours_ago, 0), 0);
  EXPECT_EQ(folder_->remove_temporaries(wall_now() - std::chrono::hours(1)), 1U);
  EXPECT_FALSE(fs::exists(path(old_name)));
  EXPECT_TRUE(fs::exists(path(young_name)));
  EXPECT_TRUE(fs::exists(path("KEY")));
}

}  // namespace
}  // namespace sekisho::spool
