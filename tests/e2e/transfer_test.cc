// Snapshots that are exported to files, imported into another server, and used to begin models.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "client/client.h"
#include "tests/e2e/transfer_site.h"
#include "tests/support/model_dir.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(TransferTest, AnExportedSnapshotIsRestoredOnAnotherServer) {
  const std::string file = here_.Export("ctr", "kept");
  const v1::Snapshot kept = here_.client().GetSnapshot("ctr", "kept").value();
  EXPECT_EQ(file.size(), kept.size_bytes());

  Site there;
  ASSERT_NO_FATAL_FAILURE(there.Start());
  ASSERT_TRUE(there.client().CreateModel("other", Site::Learner()).ok());
  ASSERT_NO_FATAL_FAILURE(there.Push("other", 7, 100));
  const std::string before = there.DigestOf("other");
  const v1::Snapshot imported = there.Import("other", file, {.snapshot = "theirs"}).value();
  EXPECT_EQ(imported.name(), "models/other/snapshots/theirs");
  EXPECT_EQ(imported.trigger(), v1::SNAPSHOT_TRIGGER_IMPORT);
  EXPECT_EQ(imported.offset(), kept.offset());
  EXPECT_EQ(imported.example_count(), 500U);
  EXPECT_EQ(imported.create_time().nanos(), kept.create_time().nanos());
  EXPECT_EQ(there.Import("other", file).value().name(), "models/other/snapshots/kept");
  EXPECT_TRUE(absl::IsAlreadyExists(there.Import("other", file).status()));
  EXPECT_EQ(there.DigestOf("other"), before);

  // Recovery does not start from the imported snapshot.
  ASSERT_NO_FATAL_FAILURE(there.KillAndStart());
  EXPECT_EQ(there.DigestOf("other"), before);
  const v1::Model restored = there.client().RestoreSnapshot("other", "theirs").value();
  EXPECT_EQ(restored.example_count(), 500U);
  EXPECT_EQ(restored.offset(), 3U);  // Two batches and the restore.
  EXPECT_EQ(there.DigestOf("other"), kept_digest_);
  EXPECT_TRUE(absl::IsFailedPrecondition(there.client().DeleteSnapshot("other", "theirs")));
  EXPECT_TRUE(there.client().DeleteSnapshot("other", "kept").ok());

  ASSERT_NO_FATAL_FAILURE(there.KillAndStart());
  EXPECT_EQ(there.DigestOf("other"), kept_digest_);
  ASSERT_NO_FATAL_FAILURE(here_.Push("ctr", 500, 300));
  ASSERT_NO_FATAL_FAILURE(there.Push("other", 500, 300));
  EXPECT_EQ(there.DigestOf("other"), here_.DigestOf("ctr"));
  EXPECT_THAT(there.Uploads(), IsEmpty());
}

TEST_F(TransferTest, AModelBegunFromASnapshotGoesOnThroughACrash) {
  const std::string file = here_.Export("ctr", "kept");
  std::vector<std::string> models;
  for (const v1::Durability durability : {v1::DURABILITY_FSYNC, v1::DURABILITY_NONE}) {
    const std::string suffix = durability == v1::DURABILITY_NONE ? "-none" : "-fsync";
    NewModelOptions options{.durability = durability};
    options.log_retention.set_max_age_s(77);
    const v1::Model made =
        here_.client()
            .CreateModelFromSnapshot("made" + suffix, "models/ctr/snapshots/kept", options)
            .value();
    EXPECT_EQ(made.offset(), 1U);
    EXPECT_EQ(made.example_count(), 500U);
    EXPECT_EQ(made.durability(), durability);
    EXPECT_EQ(made.log_retention().max_age_s(), 77U);
    EXPECT_EQ(made.variants(0).name(), "models/made" + suffix + "/variants/main");
    EXPECT_EQ(made.variants(0).learner().bits(), 12U);
    const v1::Snapshot origin = here_.Import("sent" + suffix, file, {.new_model = options}).value();
    EXPECT_EQ(origin.name(), "models/sent" + suffix + "/snapshots/origin");
    EXPECT_EQ(origin.trigger(), v1::SNAPSHOT_TRIGGER_IMPORT);
    models.push_back("made" + suffix);
    models.push_back("sent" + suffix);
  }
  for (const std::string& model : models) EXPECT_EQ(here_.DigestOf(model), kept_digest_) << model;
  EXPECT_THAT(here_.Uploads(), IsEmpty());

  ASSERT_NO_FATAL_FAILURE(here_.KillAndStart());
  ASSERT_NO_FATAL_FAILURE(here_.Push("ctr", 500, 300));
  for (const std::string& model : models) {
    EXPECT_EQ(here_.DigestOf(model), kept_digest_) << model;
    const absl::Status deleted = here_.client().DeleteSnapshot(model, "origin");
    // A model without a log does not need its origin: its own first snapshot holds the same state.
    EXPECT_EQ(absl::IsFailedPrecondition(deleted), model.ends_with("-fsync")) << deleted;
    ASSERT_NO_FATAL_FAILURE(here_.Push(model, 500, 300));
    EXPECT_EQ(here_.DigestOf(model), here_.DigestOf("ctr")) << model;
    EXPECT_EQ(here_.client().GetModel(model)->offset(), 7U);
  }
  ASSERT_NO_FATAL_FAILURE(here_.KillAndStart());
  for (const std::string& model : models) {
    const std::string kept = model.ends_with("-fsync") ? here_.DigestOf("ctr") : kept_digest_;
    EXPECT_EQ(here_.DigestOf(model), kept) << model;
  }
  EXPECT_EQ(here_.server().Stop().code, 0);
  const CommandResult check = RunCommand({BinaryDir() + "/freshetd", "check", here_.path()});
  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_THAT(check.out, HasSubstr("2 good snapshots (1 imported); recovery begins from the "
                                   "snapshot at offset 7\n"));
}

TEST_F(TransferTest, CheckTellsAnImportedSnapshotFromOneThatRecoveryBeginsFrom) {
  ASSERT_TRUE(here_.client().CreateModelFromSnapshot("made", "models/ctr/snapshots/kept").ok());
  here_.server().Kill();
  const std::string made = ModelDirOf(here_.path(), "made");
  const CommandResult good = RunCommand({BinaryDir() + "/freshetd", "check", made});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("log of offsets 0 to 1,"));
  EXPECT_THAT(good.out, HasSubstr("1 good snapshot (1 imported); recovery begins from the empty "
                                  "state\n"));
  const CommandResult cut =
      RunCommand({BinaryDir() + "/freshetd", "repair", made, "--truncate-at", "0"});
  EXPECT_EQ(cut.code, 78) << cut.err;
  EXPECT_THAT(cut.err, HasSubstr("can be recovered as it is"));
}

TEST_F(TransferTest, WhatIsNotWholeIsRefusedAndLeavesNothing) {
  const std::string file = here_.Export("ctr", "kept");
  const std::string before = here_.DigestOf("ctr");
  std::vector<std::string> bad = {file.substr(0, file.size() - 1), file.substr(0, file.size() / 2),
                                  file.substr(0, 10), file + "x", "not a snapshot at all"};
  for (size_t at = 0; at < file.size(); at += file.size() / 7) {
    bad.push_back(file);
    bad.back()[at] = static_cast<char>(bad.back()[at] ^ 0x10);
  }
  for (const std::string& damaged : bad) {
    const absl::Status refused = here_.Import("ctr", damaged, {.snapshot = "bad"}).status();
    EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()),
                HasSubstr("the file that was sent: the snapshot is damaged"));
    EXPECT_TRUE(
        absl::IsDataLoss(here_.Import("new", damaged, {.new_model = NewModelOptions()}).status()));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(here_.Import("ctr", "", {.snapshot = "bad"}).status()));
  EXPECT_THAT(here_.Uploads(), IsEmpty());
  EXPECT_THAT(here_.ModelFolders(), testing::ElementsAre("ctr"));
  EXPECT_EQ(here_.client().ListSnapshots("ctr")->size(), 1U);
  EXPECT_EQ(here_.DigestOf("ctr"), before);
}

TEST_F(TransferTest, ASnapshotOfAnotherLearnerIsRefusedAndSaysHowItDiffers) {
  ASSERT_TRUE(here_.client().CreateModel("wide", Site::Learner(13)).ok());
  const absl::Status refused = here_.Import("wide", here_.Export("ctr", "kept")).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("bits: 12 -> 13"));
  EXPECT_THAT(*here_.client().ListSnapshots("wide"), IsEmpty());
  EXPECT_THAT(here_.Uploads(), IsEmpty());
}

TEST_F(TransferTest, ADamagedSnapshotIsNeitherExportedNorBegunFrom) {
  const std::string path = ModelDirOf(here_.path(), "ctr") + "/snapshots/kept.snapshot";
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
  file.write("\x5a\xa5\x5a", 3);
  file.close();
  std::ostringstream out;
  EXPECT_TRUE(absl::IsDataLoss(here_.client().ExportSnapshot("ctr", "kept", out).status()));
  EXPECT_EQ(out.str(), "");
  EXPECT_TRUE(absl::IsDataLoss(
      here_.client().CreateModelFromSnapshot("new", "models/ctr/snapshots/kept").status()));
  EXPECT_THAT(here_.ModelFolders(), testing::ElementsAre("ctr"));
}

TEST_F(TransferTest, WhatIsNotThereOrIsTakenIsNamed) {
  std::ostringstream out;
  EXPECT_TRUE(absl::IsNotFound(here_.client().ExportSnapshot("ctr", "none", out).status()));
  EXPECT_TRUE(absl::IsNotFound(here_.client().ExportSnapshot("none", "kept", out).status()));
  const std::string file = here_.Export("ctr", "kept");
  EXPECT_TRUE(absl::IsNotFound(here_.Import("none", file).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(here_.Import("ctr", file, {.snapshot = "No"}).status()));
  EXPECT_TRUE(
      absl::IsAlreadyExists(here_.Import("ctr", file, {.new_model = NewModelOptions()}).status()));
  EXPECT_TRUE(absl::IsNotFound(
      here_.client().CreateModelFromSnapshot("new", "models/ctr/snapshots/none").status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(here_.client().CreateModelFromSnapshot("new", "ctr/kept").status()));
  EXPECT_TRUE(absl::IsAlreadyExists(
      here_.client().CreateModelFromSnapshot("ctr", "models/ctr/snapshots/kept").status()));
}

}  // namespace
}  // namespace freshet
