#include "server/file/open_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "core/base/str_cat.h"
#include "server/file/posix_file.h"
#include "server/file/small_file.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

size_t DescriptorsOfProcess() {
  return static_cast<size_t>(
      std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

class OpenFilesTest : public testing::Test {
 protected:
  std::string Path(size_t i) const { return StrCat(folder_.path(), "/", i); }

  std::unique_ptr<PosixAppendFile> Create(size_t i) {
    const int fd = open(Path(i).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    EXPECT_GE(fd, 0);
    return std::make_unique<PosixAppendFile>(files_, Path(i), FileDescriptor(fd), 0);
  }

  void CreateAll(size_t count) {
    for (size_t i = 0; i < count; ++i) appended_.push_back(Create(i));
  }

  static absl::Status Append(AppendFile& file, std::string_view text) {
    const std::array<ByteSpan, 1> pieces = {std::as_bytes(std::span(text))};
    return file.Append(pieces);
  }

  static absl::Status AppendAndSync(AppendFile& file, std::string_view text) {
    absl::Status status = Append(file, text);
    return status.ok() ? file.Sync() : status;
  }

  std::string Content(size_t i) const { return *ReadSmallFile(PosixFileSystem(), Path(i)); }

  const TemporaryFolder folder_;
  OpenFiles::Limits limits_{.kept = 4, .unsynced = 8};
  OpenFiles files_{[this] { return limits_; }};
  std::vector<std::unique_ptr<PosixAppendFile>> appended_;
};

TEST_F(OpenFilesTest, ManyFilesAreWrittenWithFewDescriptors) {
  constexpr size_t kFiles = 200;
  const size_t before = DescriptorsOfProcess();
  CreateAll(kFiles);
  std::string expected;
  for (int round = 0; round < 3; ++round) {
    for (const auto& file : appended_) {
      const absl::Status status = AppendAndSync(*file, StrCat("round ", round, "\n"));
      ASSERT_TRUE(status.ok()) << status;
    }
    EXPECT_LE(files_.open_count(), limits_.kept + 1);
    EXPECT_LE(DescriptorsOfProcess(), before + limits_.kept + 1);
    expected += StrCat("round ", round, "\n");
  }
  for (size_t i = 0; i < kFiles; ++i) EXPECT_EQ(Content(i), expected);
  ASSERT_TRUE(appended_[0]->Truncate(8).ok());
  ASSERT_TRUE(appended_[1]->Preallocate(1 << 20).ok());
  ASSERT_TRUE(AppendAndSync(*appended_[0], "end").ok());
  EXPECT_EQ(Content(0), "round 0\nend");
  appended_.clear();
  EXPECT_EQ(files_.open_count(), 0U);
  EXPECT_EQ(DescriptorsOfProcess(), before);
}

TEST_F(OpenFilesTest, WhatIsNotOnDiskStaysOpenUpToALimit) {
  CreateAll(12);
  for (const auto& file : appended_) ASSERT_TRUE(Append(*file, "a").ok());
  EXPECT_EQ(files_.open_count(), 12U);
  for (size_t i = 12; i < 100; ++i) {
    appended_.push_back(Create(i));
    ASSERT_TRUE(Append(*appended_.back(), "a").ok());
    EXPECT_LE(files_.open_count(), 13U);
  }
  for (const auto& file : appended_) {
    ASSERT_TRUE(AppendAndSync(*file, "b").ok());
  }
  for (size_t i = 0; i < appended_.size(); ++i) EXPECT_EQ(Content(i), "ab");
}

TEST_F(OpenFilesTest, ThoseThatAreUsedStayOpen) {
  CreateAll(20);
  for (const auto& file : appended_) ASSERT_TRUE(AppendAndSync(*file, "a").ok());
  // If they had been closed, they could not be opened again.
  for (size_t i = 16; i < 20; ++i) std::filesystem::remove(Path(i));
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 16; i < 20; ++i) EXPECT_TRUE(AppendAndSync(*appended_[i], "a").ok());
  }
}

TEST_F(OpenFilesTest, AFileThatCannotBeOpenedAgainIsAnErrorAndGoesOnWhenItCan) {
  CreateAll(20);
  for (const auto& file : appended_) ASSERT_TRUE(AppendAndSync(*file, "a").ok());
  std::filesystem::rename(Path(0), Path(100));
  const absl::Status missing = Append(*appended_[0], "b");
  EXPECT_TRUE(absl::IsNotFound(missing)) << missing;
  EXPECT_EQ(appended_[0]->size_bytes(), 1U);
  EXPECT_TRUE(appended_[0]->Sync().ok());  // All its bytes are on disk.
  std::filesystem::rename(Path(100), Path(0));

  rlimit limit = {};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const absl::Status too_many = Append(*appended_[0], "b");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_TRUE(absl::IsResourceExhausted(too_many)) << too_many;

  ASSERT_TRUE(AppendAndSync(*appended_[0], "c").ok());
  EXPECT_EQ(Content(0), "ac");
}

TEST_F(OpenFilesTest, NothingIsWrittenToWhatSomebodyElseHasChanged) {
  CreateAll(20);
  for (const auto& file : appended_) ASSERT_TRUE(AppendAndSync(*file, "a").ok());
  std::filesystem::resize_file(Path(0), 0);
  std::filesystem::rename(Path(1), Path(100));
  ASSERT_TRUE(WriteFileAtomically(PosixFileSystem(), Path(1), "a").ok());
  for (const size_t i : {0, 1}) {
    const absl::Status status = Append(*appended_[i], "b");
    EXPECT_TRUE(absl::IsInternal(status)) << status;
    EXPECT_THAT(status.message(), HasSubstr(Path(i) + ": another program"));
  }
  EXPECT_EQ(Content(0), "");
  EXPECT_EQ(Content(1), "a");
}

// Each file is written by one thread and synced by others, and every thread makes OpenFiles close
// files of the others.
TEST_F(OpenFilesTest, ManyThreadsShareFewDescriptors) {
  constexpr size_t kFiles = 24;
  constexpr int kRounds = 100;
  limits_ = {.kept = 2, .unsynced = 2};
  CreateAll(kFiles);
  std::vector<std::thread> threads;
  for (size_t first = 0; first < 4; ++first) {
    threads.emplace_back([&, first] {
      for (int round = 0; round < kRounds; ++round) {
        for (size_t i = first; i < kFiles; i += 4) {
          EXPECT_TRUE(Append(*appended_[i], "a").ok());
          EXPECT_TRUE(round % 3 != 0 || appended_[i]->Sync().ok());
        }
      }
    });
  }
  threads.emplace_back([&] {
    for (int round = 0; round < kRounds; ++round) {
      for (const auto& file : appended_) EXPECT_TRUE(file->Sync().ok());
    }
  });
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < kFiles; ++i) EXPECT_EQ(Content(i), std::string(kRounds, 'a'));
}

}  // namespace
}  // namespace freshet
