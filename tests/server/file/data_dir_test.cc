#include "server/file/data_dir.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "server/file/small_file.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

using testing::Test;

constexpr const char* kPath = "/srv/freshet";

std::unique_ptr<DataDir> OpenDataDir(FaultFileSystem& files) {
  absl::StatusOr<std::unique_ptr<DataDir>> data_dir = DataDir::Open(files, kPath);
  EXPECT_TRUE(data_dir.ok()) << data_dir.status();
  return data_dir.ok() ? *std::move(data_dir) : nullptr;
}

absl::StatusOr<std::string> ReadManifest(FaultFileSystem& files, const DataDir& data_dir,
                                         const std::string& model) {
  return ReadSmallFile(files, data_dir.ModelDir(model) + "/MODEL");
}

std::vector<std::string> ListModels(FaultFileSystem& files) {
  std::vector<std::string> names;
  const std::vector<DirEntry> entries = ListModelEntries(files, kPath).value();
  names.reserve(entries.size());
  for (const DirEntry& entry : entries) names.push_back(entry.name);
  return names;
}

class DataDirTest : public Test {
 protected:
  FaultFileSystem files_;
};

TEST_F(DataDirTest, CreatesTheFolderWithItsParentsAndKeepsModels) {
  {
    const auto data_dir = OpenDataDir(files_);
    EXPECT_TRUE(ListModels(files_).empty());
    ASSERT_TRUE(data_dir->CreateModel("b", "two").ok());
    ASSERT_TRUE(data_dir->CreateModel("a", "one").ok());
    EXPECT_TRUE(absl::IsAlreadyExists(data_dir->CreateModel("a", "x")));
    ASSERT_TRUE(data_dir->WriteManifest("a", "1").ok());
  }
  EXPECT_EQ(files_.ReadAll("/srv/freshet/VERSION"), "3\n");
  const auto data_dir = OpenDataDir(files_);
  EXPECT_EQ(ListModels(files_), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(files_.ReadAll(data_dir->ModelDir("a") + "/MODEL"), "1");
  EXPECT_TRUE(files_.ListDir(data_dir->LogDir("b")).ok());
  EXPECT_TRUE(files_.ListDir(data_dir->SnapshotDir("b")).ok());
}

TEST_F(DataDirTest, RefusesASecondServerAndNamesTheFirst) {
  auto first = OpenDataDir(files_);
  const absl::Status second = DataDir::Open(files_, kPath).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(second));
  EXPECT_NE(second.message().find(kPath), absl::string_view::npos);
  EXPECT_NE(second.message().find("process 1"), absl::string_view::npos) << second;
  first.reset();
  EXPECT_NE(OpenDataDir(files_), nullptr);
}

TEST_F(DataDirTest, RefusesAFolderOfANewerVersionAndADamagedVersion) {
  OpenDataDir(files_);
  files_.WriteAll("/srv/freshet/VERSION", "4\n");
  EXPECT_TRUE(absl::IsFailedPrecondition(DataDir::Open(files_, kPath).status()));
  for (const char* bad : {"", "1", "0\n", "-1\n", "one\n", "1 \n", "99999999999\n"}) {
    files_.WriteAll("/srv/freshet/VERSION", bad);
    EXPECT_TRUE(absl::IsDataLoss(DataDir::Open(files_, kPath).status())) << bad;
  }
  files_.WriteAll("/srv/freshet/VERSION", "1\n");
  EXPECT_NE(OpenDataDir(files_), nullptr);
}

TEST_F(DataDirTest, AnOlderFolderBecomesANewerOneWhenItIsOpened) {
  OpenDataDir(files_)->CreateModel("old", "x").IgnoreError();
  for (const char* older : {"1\n", "2\n"}) {
    files_.WriteAll("/srv/freshet/VERSION", older);
    EXPECT_NE(OpenDataDir(files_), nullptr);
    EXPECT_EQ(ListModels(files_), std::vector<std::string>{"old"});
    EXPECT_EQ(files_.ReadAll("/srv/freshet/VERSION"), "3\n");
  }
}

TEST_F(DataDirTest, SaysWhyAFolderCannotBeWritten) {
  OpenDataDir(files_);
  files_.FailFrom(0, EACCES);
  const absl::Status status = DataDir::Open(files_, kPath).status();
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_NE(status.message().find("Permission denied"), absl::string_view::npos);
}

TEST_F(DataDirTest, DeletesAModelWithAllThatItHolds) {
  const auto data_dir = OpenDataDir(files_);
  ASSERT_TRUE(data_dir->CreateModel("a", "x").ok());
  files_.WriteAll("/srv/freshet/models/a/log/00000000000000000000.log", "x");
  ASSERT_TRUE(data_dir->DeleteModel("a").ok());
  EXPECT_TRUE(ListModels(files_).empty());
  ASSERT_TRUE(data_dir->RemoveDeleted("a").ok());
  EXPECT_TRUE(absl::IsNotFound(data_dir->DeleteModel("a")));
  EXPECT_TRUE(files_.ListDir("/srv/freshet/models")->empty());
  EXPECT_TRUE(data_dir->CreateModel("a", "x").ok());
}

TEST_F(DataDirTest, RemovesUploadsThatWereCutOff) {
  std::string path;
  {
    const auto data_dir = OpenDataDir(files_);
    path = data_dir->NewUploadPath();
    EXPECT_NE(data_dir->NewUploadPath(), path);
    files_.WriteAll(path, "half");
    EXPECT_EQ(files_.ListDir("/srv/freshet/uploads")->size(), 1U);
  }
  const auto data_dir = OpenDataDir(files_);
  EXPECT_TRUE(files_.ListDir("/srv/freshet/uploads")->empty());
  EXPECT_EQ(data_dir->NewUploadPath(), path) << "free again";
}

TEST_F(DataDirTest, AModelIsThereOnceItsFoldersAreFilled) {
  const auto data_dir = OpenDataDir(files_);
  const absl::Status failed = data_dir->CreateModel(
      "a", "x", [&](const std::string& log_dir, const std::string& snapshot_dir) {
        files_.WriteAll(log_dir + "/log", "half");
        files_.WriteAll(snapshot_dir + "/snapshot", "half");
        EXPECT_TRUE(ListModels(files_).empty());
        return absl::ResourceExhaustedError("full");
      });
  EXPECT_TRUE(absl::IsResourceExhausted(failed));
  EXPECT_TRUE(files_.ListDir("/srv/freshet/models")->empty());
  ASSERT_TRUE(data_dir
                  ->CreateModel("a", "x",
                                [&](const std::string& log_dir, const std::string&) {
                                  files_.WriteAll(log_dir + "/log", "whole");
                                  return absl::OkStatus();
                                })
                  .ok());
  EXPECT_EQ(files_.ReadAll(data_dir->LogDir("a") + "/log"), "whole");
}

// Creates, changes and deletes models with every call failing once or for good, then loses power.
TEST(DataDirFaultTest, AcknowledgedChangesSurviveAnyFailedCallAndAnyPowerLoss) {
  std::mt19937_64 random(1);
  bool ran_to_the_end = false;
  for (uint64_t call = 0; !ran_to_the_end; ++call) {
    ASSERT_LT(call, 1000U);
    for (const bool stays_broken : {false, true}) {
      for (const Survival survival : {Survival::kNothing, Survival::kPrefix}) {
        FaultFileSystem files;
        stays_broken ? files.FailFrom(call, EIO) : files.FailCall(call, ENOSPC);
        absl::Status created_a = absl::UnknownError("");
        absl::Status created_b = created_a;
        absl::Status changed_a = created_a;
        absl::Status deleted_b = created_a;
        if (auto data_dir = DataDir::Open(files, kPath); data_dir.ok()) {
          created_a = (*data_dir)->CreateModel("a", "old");
          created_b = (*data_dir)->CreateModel("b", "old");
          if (created_a.ok()) changed_a = (*data_dir)->WriteManifest("a", "new");
          if (created_b.ok()) deleted_b = (*data_dir)->DeleteModel("b");
        }
        ran_to_the_end = files.calls() <= call;
        files.Heal();
        files.PowerLoss(survival, random);
        const auto data_dir = OpenDataDir(files);
        const absl::StatusOr<std::string> a = ReadManifest(files, *data_dir, "a");
        const absl::StatusOr<std::string> b = ReadManifest(files, *data_dir, "b");
        EXPECT_TRUE(a.ok() || !created_a.ok()) << call << a.status();
        EXPECT_TRUE(a.value_or("") == "new" || !changed_a.ok()) << call;
        EXPECT_TRUE(absl::IsNotFound(b.status()) || !deleted_b.ok()) << call;
        const std::vector<std::string> models = ListModels(files);
        for (const std::string& model : models) {
          EXPECT_TRUE(ReadManifest(files, *data_dir, model).ok()) << call << " " << model;
        }
      }
    }
  }
}

}  // namespace
}  // namespace freshet
