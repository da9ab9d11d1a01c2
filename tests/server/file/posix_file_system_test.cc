#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/base/byte_text.h"
#include "core/base/str_cat.h"
#include "server/file/file_system.h"
#include "server/file/small_file.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

class PosixFileSystemTest : public testing::Test {
 protected:
  std::string Path(std::string_view name) const { return StrCat(dir_, "/", name); }

  FileSystem& files_ = PosixFileSystem();
  const TemporaryFolder folder_;
  const std::string& dir_ = folder_.path();
};

TEST_F(PosixFileSystemTest, AppendsManyPiecesInOrder) {
  const auto file = files_.OpenAppend(Path("a"), AppendMode::kCreate);
  ASSERT_TRUE(file.ok()) << file.status();
  std::vector<std::string> texts(300);
  for (size_t i = 0; i < texts.size(); ++i) {
    texts[i].assign(i % 7, static_cast<char>('a' + i % 26));
  }
  std::vector<ByteSpan> pieces;
  pieces.reserve(texts.size());
  std::string expected;
  for (const std::string& text : texts) {
    pieces.push_back(BytesOfText(text));
    expected += text;
  }
  ASSERT_TRUE((*file)->Append(pieces).ok());
  ASSERT_TRUE((*file)->Append({}).ok());
  EXPECT_EQ((*file)->size_bytes(), expected.size());
  ASSERT_TRUE((*file)->Preallocate(1 << 20).ok());
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_EQ(*ReadSmallFile(files_, Path("a")), expected);
  EXPECT_EQ(*files_.FileSize(Path("a")), expected.size());
}

TEST_F(PosixFileSystemTest, TruncateGivesBackThePreallocatedSpace) {
  const auto file = files_.OpenAppend(Path("a"), AppendMode::kCreate);
  const std::array<ByteSpan, 1> pieces = {BytesOfText("hello")};
  ASSERT_TRUE((*file)->Append(pieces).ok());
  ASSERT_TRUE((*file)->Preallocate(8 << 20).ok());
  ASSERT_TRUE((*file)->Truncate(5).ok());
  struct stat info {};
  ASSERT_EQ(stat(Path("a").c_str(), &info), 0);
  EXPECT_LT(info.st_blocks * 512, 1 << 20);
}

TEST_F(PosixFileSystemTest, TruncatesAndGoesOn) {
  ASSERT_TRUE(WriteFileAtomically(files_, Path("a"), "0123456789").ok());
  const auto file = files_.OpenAppend(Path("a"), AppendMode::kExisting);
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->size_bytes(), 10U);
  ASSERT_TRUE((*file)->Truncate(6).ok());
  const std::array<ByteSpan, 1> pieces = {BytesOfText("end")};
  ASSERT_TRUE((*file)->Append(pieces).ok());
  EXPECT_EQ(*ReadSmallFile(files_, Path("a")), "012345end");
}

// Whole blocks bypass the page cache; the rest goes through it.
TEST_F(PosixFileSystemTest, AppendsTheSameDirectlyAsThroughMemory) {
  const auto file = files_.OpenAppend(Path("a"), AppendMode::kCreate);
  ASSERT_TRUE(file.ok()) << file.status();
  std::string content(3'000'001, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * i / 7);
  std::string expected;
  for (const size_t size : {1, 300'000, 4095, 262'144, 100, 2'500'000, 262'143, 3'000'001}) {
    const ByteSpan bytes = BytesOfText(std::string_view(content).substr(0, size));
    const std::array<ByteSpan, 4> pieces = {bytes.first(size / 3), ByteSpan(),
                                            bytes.subspan(size / 3), ByteSpan()};
    ASSERT_TRUE((*file)->AppendDirect(pieces).ok());
    expected += content.substr(0, size);
    EXPECT_EQ((*file)->size_bytes(), expected.size());
    EXPECT_EQ(*files_.FileSize(Path("a")), expected.size());
  }
  ASSERT_TRUE((*file)->Sync().ok());
  EXPECT_TRUE(*ReadSmallFile(files_, Path("a")) == expected);
}

// The file is read in whole blocks, wherever the reads begin and end.
TEST_F(PosixFileSystemTest, ReadsTheSameFromTheDiskAsFromMemory) {
  std::string content(3'000'001, '\0');
  for (size_t i = 0; i < content.size(); ++i) content[i] = static_cast<char>(i * i / 7);
  ASSERT_TRUE(WriteFileAtomically(files_, Path("a"), content).ok());
  const auto file = files_.OpenReadFromDisk(Path("a"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ((*file)->SizeBytes().value_or(0), content.size());
  for (const size_t position : {0, 1, 4095, 4096, 5000, 1 << 20, 2'999'000, 3'000'001, 4'000'000}) {
    for (const size_t size : {0, 1, 100, 4096, 4097, 1 << 20, 2'500'000}) {
      std::string read(size, '\0');
      const auto count = (*file)->ReadAt(position, std::as_writable_bytes(std::span(read)));
      ASSERT_TRUE(count.ok()) << count.status();
      const std::string expected =
          position < content.size() ? content.substr(position, size) : std::string();
      EXPECT_TRUE(read.substr(0, *count) == expected) << position << " " << size;
    }
  }
  EXPECT_TRUE(absl::IsNotFound(files_.OpenReadFromDisk(Path("none")).status()));
}

TEST_F(PosixFileSystemTest, ErrorsNameThePathTheOperationAndTheReason) {
  const absl::Status missing = files_.OpenRead(Path("none")).status();
  EXPECT_TRUE(absl::IsNotFound(missing));
  EXPECT_EQ(std::string(missing.message()),
            Path("none") + ": cannot open: No such file or directory");
  EXPECT_TRUE(absl::IsNotFound(files_.OpenAppend(Path("none"), AppendMode::kExisting).status()));
  ASSERT_TRUE(WriteFileAtomically(files_, Path("a"), "x").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(files_.OpenAppend(Path("a"), AppendMode::kCreate).status()));
  EXPECT_TRUE(absl::IsAlreadyExists(files_.CreateDir(Path("a"))));
}

TEST_F(PosixFileSystemTest, AFullDiskIsResourceExhausted) {
  const auto file = files_.OpenAppend("/dev/full", AppendMode::kExisting);
  if (!file.ok()) GTEST_SKIP() << file.status();
  const std::array<ByteSpan, 1> pieces = {BytesOfText("x")};
  EXPECT_TRUE(absl::IsResourceExhausted((*file)->Append(pieces)));
}

TEST_F(PosixFileSystemTest, ListsFilesAndFoldersByName) {
  ASSERT_TRUE(files_.CreateDir(Path("b")).ok());
  ASSERT_TRUE(WriteFileAtomically(files_, Path("c"), "x").ok());
  ASSERT_TRUE(WriteFileAtomically(files_, Path("a"), "x").ok());
  const std::vector<DirEntry> entries = files_.ListDir(dir_).value();
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[1].name, "b");
  EXPECT_TRUE(entries[1].is_directory);
  EXPECT_FALSE(entries[2].is_directory);
  struct stat info {};
  ASSERT_EQ(stat(Path("b").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
  EXPECT_TRUE(files_.RemoveDir(Path("b")).ok());
  EXPECT_TRUE(files_.Unlink(Path("a")).ok());
  EXPECT_TRUE(files_.SyncDir(dir_).ok());
}

TEST_F(PosixFileSystemTest, ALockIsHeldOnceAndNamesItsHolder) {
  auto first = files_.LockFile(Path("LOCK"));
  ASSERT_TRUE(first.ok()) << first.status();
  const absl::Status second = files_.LockFile(Path("LOCK")).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second));
  EXPECT_EQ(std::string(second.message()), StrCat(Path("LOCK"), " is held by process ", getpid()));
  *first = nullptr;
  EXPECT_TRUE(files_.LockFile(Path("LOCK")).ok());
}

TEST_F(PosixFileSystemTest, RefusesToReadALongFileAsASmallOne) {
  ASSERT_TRUE(WriteFileAtomically(files_, Path("a"), "123456").ok());
  EXPECT_TRUE(absl::IsResourceExhausted(ReadSmallFile(files_, Path("a"), 5).status()));
}

}  // namespace
}  // namespace freshet
