// Deletions that wait, and deletions that the disk refuses.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/server/model/served_model_peer.h"
#include "tests/server/registry/registry_test.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class ModelDeletionTest : public RegistryTest {
 protected:
  std::vector<DirEntry> Folders() { return ListModelEntries(files_, "/data").value(); }

  // Deletes once no other deletion is under way any more.
  absl::Status DeleteInTheEnd(const std::string& id) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    absl::Status status = Delete(id);
    while (absl::IsUnavailable(status) && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(1));
      status = Delete(id);
    }
    return status;
  }
};

TEST_F(ModelDeletionTest, WaitsForWorkOnTheFilesAndKeepsNobodyElseWaiting) {
  const auto model = Create("a");
  std::optional<FileGate::Pass> pass(std::move(FilesOf(*model).gate().Enter()).value());
  absl::Notification deleted;
  registry_.Delete("a", [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    deleted.Notify();
  });
  EXPECT_TRUE(absl::IsUnavailable(FilesOf(*model).gate().Enter().status()));
  EXPECT_TRUE(registry_.Find("a").ok()) << "it goes on to predict";
  EXPECT_TRUE(absl::IsUnavailable(registry_.CheckVacant("a")));
  EXPECT_TRUE(absl::IsUnavailable(Delete("a")));
  Create("b");
  EXPECT_TRUE(Delete("b").ok());
  EXPECT_FALSE(deleted.HasBeenNotified());
  EXPECT_EQ(Folders().size(), 1U);
  pass.reset();
  deleted.WaitForNotification();
  EXPECT_TRUE(absl::IsNotFound(registry_.Find("a").status()));
  EXPECT_TRUE(absl::IsNotFound(PipelineOf(*model).closed()));
  EXPECT_TRUE(Folders().empty());
  EXPECT_NE(Create("a")->spec().uid(), model->spec().uid());
}

// The rename, and then the sync of the folder.
TEST_F(ModelDeletionTest, LeavesTheModelAsItWasWhicheverCallFails) {
  const auto model = Create("a");
  for (const uint64_t call : {0, 1}) {
    files_.FailCall(call, EIO);
    const absl::Status status = Delete("a");
    EXPECT_THAT(std::string(status.message()), HasSubstr("models/a was not deleted")) << call;
    EXPECT_EQ(registry_.Find("a").value(), model);
    EXPECT_TRUE(FilesOf(*model).gate().Enter().ok());
    EXPECT_EQ(Folders().size(), 1U);
  }
  EXPECT_TRUE(Delete("a").ok());
}

TEST_F(ModelDeletionTest, PutsTheFilesBackOnceTheDiskWorksAgain) {
  const auto model = Create("a");
  files_.FailFrom(1, EIO);
  EXPECT_FALSE(Delete("a").ok());
  EXPECT_EQ(registry_.Find("a").value(), model);
  EXPECT_TRUE(absl::IsUnavailable(FilesOf(*model).gate().Enter().status()));
  files_.Heal();
  EXPECT_TRUE(DeleteInTheEnd("a").ok());
  EXPECT_TRUE(Folders().empty());
}

}  // namespace
}  // namespace freshet
