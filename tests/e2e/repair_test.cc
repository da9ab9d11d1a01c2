// A log that is damaged in the middle: the server refuses to start and says what to do, and
// following this advice works.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/pusher.h"
#include "tests/support/model_dir.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"
#include "tests/support/terminal.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kRecords = 20;
constexpr int kRepairBatchExamples = 50;

class RepairTest : public ServerFixture {
 protected:
  // Pushes the first `records` batches of a stream.
  void Push(const std::string& model, int records) {
    RandomExamples random(1);
    auto pusher = Pusher::Start(*client_, model, {});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    for (int i = 0; i < records; ++i) {
      ExampleBatchBuilder batch;
      random.Append(kRepairBatchExamples, batch);
      ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
    }
    ASSERT_TRUE((*pusher)->Close().ok());
  }

  std::string ModelDir() const { return ModelDirOf(data_dir_, "ctr"); }
  std::string Segment() const { return ModelDir() + "/log/00000000000000000000.log"; }

  // Flips a bit in the middle of the log.
  void Damage() const {
    std::fstream file(Segment(), std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(Segment()) / 2);
    file.seekg(middle);
    const int byte = file.get();
    file.seekp(middle);
    file.put(static_cast<char>(byte ^ 0x40));
  }

  // Makes a damaged log of kRecords records; with a snapshot, it comes after all of them.
  void MakeDamaged(bool with_snapshot) {
    ASSERT_NO_FATAL_FAILURE(Start());
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
    ASSERT_NO_FATAL_FAILURE(Push("ctr", kRecords));
    if (with_snapshot) {
      ASSERT_TRUE(client_->CreateSnapshot("ctr").ok());
    }
    server_->Kill();
    // A crash leaves preallocated space at the end of the log; another start cuts it off.
    ASSERT_NO_FATAL_FAILURE(Start());
    server_->Kill();
    Damage();
  }

  static CommandResult Freshetd(const std::string& arguments) {
    std::vector<std::string> words = {BinaryDir() + "/freshetd"};
    std::istringstream split(arguments);
    for (std::string word; split >> word;) words.push_back(word);
    return RunCommand(words);
  }

  static CommandResult FreshetdOnTerminal(std::vector<std::string> words,
                                          const std::string& answer) {
    words.insert(words.begin(), BinaryDir() + "/freshetd");
    return RunOnTerminal(std::move(words), "go on? [y/N] ", answer);
  }

  // The command in quotes after 'freshetd in `message`.
  static std::string CommandIn(const std::string& message, const std::string& command) {
    std::smatch match;
    const std::regex quoted("'freshetd (" + command + "[^']*)'");
    return std::regex_search(message, match, quoted) ? match[1].str() : "";
  }
};

TEST_F(RepairTest, TheServerNamesTheDamageAndTheCommandsThatMendIt) {
  ASSERT_NO_FATAL_FAILURE(MakeDamaged(/*with_snapshot=*/false));
  const auto refused = ServerProcess::Start(data_dir_, {"--strict"});
  ASSERT_FALSE(refused.ok());
  const std::string message(refused.status().message());
  EXPECT_THAT(message, HasSubstr(Segment()));

  const std::string check = CommandIn(message, "check");
  const std::string repair = CommandIn(message, "repair");
  ASSERT_FALSE(check.empty()) << message;
  ASSERT_FALSE(repair.empty()) << message;
  const CommandResult checked = Freshetd(check);
  EXPECT_EQ(checked.code, 65) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr(Segment()));
  EXPECT_EQ(CommandIn(checked.out, "repair"), repair) << checked.out;

  const CommandResult repaired = Freshetd(repair);
  EXPECT_EQ(repaired.code, 0) << repaired.err;
  EXPECT_THAT(repaired.out, HasSubstr("/removed/"));
  EXPECT_EQ(Freshetd("check " + data_dir_).code, 0);
  ASSERT_NO_FATAL_FAILURE(Start());
  const Digest digest = client_->ComputeDigest("ctr").value();
  EXPECT_GT(digest.offset, 0U);
  EXPECT_LT(digest.offset, static_cast<uint64_t>(kRecords));
  EXPECT_EQ(digest.example_count, digest.offset * kRepairBatchExamples);
  ASSERT_NO_FATAL_FAILURE(CreateModel("reference"));
  ASSERT_NO_FATAL_FAILURE(Push("reference", static_cast<int>(digest.offset)));
  EXPECT_EQ(client_->ComputeDigest("reference")->digest, digest.digest);
  ASSERT_NO_FATAL_FAILURE(Push("ctr", kRecords));
  EXPECT_EQ(client_->ComputeDigest("ctr")->offset, digest.offset + kRecords);
}

TEST_F(RepairTest, OnATerminalItAsksFirstAndOnlyYesChangesAnything) {
  ASSERT_NO_FATAL_FAILURE(MakeDamaged(/*with_snapshot=*/false));
  for (const std::string answer :
       {"n\n", "\n", "Y\n", "yes please\n", "\x04"}) {  // The last one ends the input.
    const CommandResult refused = FreshetdOnTerminal({"repair", ModelDir()}, answer);
    EXPECT_EQ(refused.code, 69) << answer << refused.out;
    EXPECT_THAT(refused.out, HasSubstr("this repair will")) << answer;
    EXPECT_THAT(refused.out, HasSubstr("freshetd: nothing was changed")) << answer;
    EXPECT_EQ(Freshetd("check " + data_dir_).code, 65) << answer;
    EXPECT_FALSE(std::filesystem::exists(ModelDir() + "/removed")) << answer;
  }
  const CommandResult agreed = FreshetdOnTerminal({"repair", ModelDir()}, "y\n");
  EXPECT_EQ(agreed.code, 0) << agreed.out;
  EXPECT_THAT(agreed.out, HasSubstr("what was removed is kept in "));
  EXPECT_EQ(Freshetd("check " + data_dir_).code, 0);
  // No question if there is nothing to do.
  const CommandResult again = FreshetdOnTerminal({"repair", ModelDir()}, "n\n");
  EXPECT_EQ(again.code, 0) << again.out;
  EXPECT_THAT(again.out, HasSubstr("there is nothing to repair"));
  EXPECT_THAT(again.out, Not(HasSubstr("go on?")));
}

TEST_F(RepairTest, OnATerminalItDoesNotAskWhoSaidYesBefore) {
  ASSERT_NO_FATAL_FAILURE(MakeDamaged(/*with_snapshot=*/false));
  const CommandResult repaired = FreshetdOnTerminal({"repair", ModelDir(), "--yes"}, "n\n");
  EXPECT_EQ(repaired.code, 0) << repaired.out;
  EXPECT_THAT(repaired.out, Not(HasSubstr("go on?")));
  EXPECT_EQ(Freshetd("check " + data_dir_).code, 0);
}

// The start used to refuse, and the repair that it advised dropped records that nobody needed to
// lose.
TEST_F(RepairTest, DamageBeforeTheSnapshotIsNotNeededAndNothingIsLost) {
  ASSERT_NO_FATAL_FAILURE(MakeDamaged(/*with_snapshot=*/true));
  const CommandResult checked = Freshetd("check " + data_dir_);
  EXPECT_EQ(checked.code, 65) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr(Segment()));
  EXPECT_THAT(checked.out, HasSubstr("recovery does not need it"));
  const CommandResult cut = Freshetd("repair " + ModelDir() + " --truncate-at 8");
  EXPECT_EQ(cut.code, 78) << cut.out;
  EXPECT_THAT(cut.err, HasSubstr("would only lose records"));
  ASSERT_NO_FATAL_FAILURE(Start({"--strict"}));
  EXPECT_THAT(server_->Log(), HasSubstr("event=log_damaged"));
  EXPECT_EQ(client_->GetModel("ctr")->example_count(), uint64_t{kRecords} * kRepairBatchExamples);
  ASSERT_NO_FATAL_FAILURE(Push("ctr", 3));
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start({"--strict"}));
  EXPECT_EQ(client_->GetModel("ctr")->example_count(),
            uint64_t{kRecords + 3} * kRepairBatchExamples);
}

TEST_F(RepairTest, CheckNamesASnapshotThatTheLogRestoresAndThatIsMissing) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  ASSERT_NO_FATAL_FAILURE(Push("ctr", 3));
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "kept").ok());
  ASSERT_TRUE(client_->RestoreSnapshot("ctr", "kept").ok());
  server_->Kill();
  const std::string snapshots = ModelDir() + "/snapshots/";
  std::filesystem::rename(snapshots + "kept.snapshot", folder_.path() + "/kept");
  const CommandResult spared = Freshetd("check " + data_dir_);
  EXPECT_EQ(spared.code, 0) << spared.out;  // A snapshot was taken after the restore.
  EXPECT_THAT(spared.out, HasSubstr("restores the snapshot kept, which cannot be read; only"));
  std::filesystem::remove(snapshots + "s000001.snapshot");
  const CommandResult missing = Freshetd("check " + data_dir_);
  EXPECT_EQ(missing.code, 65) << missing.out;
  EXPECT_THAT(missing.out, HasSubstr("the record at offset 3 restores the snapshot kept, which "
                                     "cannot be read: put the file back from a copy"));
  ASSERT_FALSE(ServerProcess::Start(data_dir_, {"--strict"}).ok());
  std::filesystem::rename(folder_.path() + "/kept", snapshots + "kept.snapshot");
  EXPECT_EQ(Freshetd("check " + data_dir_).code, 0);
  ASSERT_NO_FATAL_FAILURE(Start());
}

TEST_F(RepairTest, AGoodFolderIsGoodAndARunningServerIsLeftAlone) {
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  ASSERT_NO_FATAL_FAILURE(Push("ctr", 3));
  const CommandResult busy = Freshetd("check " + data_dir_);
  EXPECT_EQ(busy.code, 69);
  EXPECT_THAT(busy.err, HasSubstr("stop that server first"));
  ASSERT_EQ(server_->Stop().code, 0);
  const CommandResult good = Freshetd("check " + data_dir_);
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("log of offsets 0 to 3, 1 segment,"));
  EXPECT_EQ(Freshetd("check /nowhere").code, 78);
  const CommandResult idle = Freshetd("repair " + ModelDir());
  EXPECT_EQ(idle.code, 0) << idle.err;
  EXPECT_THAT(idle.out, HasSubstr("there is nothing to repair"));
  const CommandResult beyond = Freshetd("repair " + ModelDir() + " --truncate-at 4");
  EXPECT_EQ(beyond.code, 78);
  EXPECT_THAT(beyond.err, HasSubstr("ends at offset 3"));
}

// What a start finds, `freshetd check` finds too, and the repair that it names brings the model
// back complete.
class RepairedTest : public RepairTest {
 protected:
  using Path = std::filesystem::path;

  // Makes two models; tests damage the first.
  void MakeModels() {
    ASSERT_NO_FATAL_FAILURE(Start());
    for (const char* id : {"ctr", "other"}) {
      ASSERT_NO_FATAL_FAILURE(CreateModel(id));
      ASSERT_NO_FATAL_FAILURE(Push(id, 3));
      ASSERT_TRUE(client_->CreateSnapshot(id, "kept").ok());
      ASSERT_NO_FATAL_FAILURE(Push(id, 2));
    }
    digest_ = client_->ComputeDigest("ctr")->digest;
    server_->Kill();
    // Another start tidies up after the kill.
    ASSERT_NO_FATAL_FAILURE(Start());
    server_->Kill();
  }

  // Call after the damage. Expects that the check names `found`, that the start does too if the
  // model is down, and that the repair works.
  void ExpectFoundAndMended(const std::string& found) {
    const CommandResult checked = Freshetd("check " + data_dir_);
    EXPECT_EQ(checked.code, 65) << checked.out << checked.err;
    EXPECT_THAT(checked.out, HasSubstr(found));
    const absl::Status strict = ServerProcess::Start(data_dir_, {"--strict"}).status();
    if (!strict.ok()) {
      EXPECT_THAT(std::string(strict.message()), HasSubstr(found));
    }
    const std::string repair = CommandIn(checked.out, "repair");
    ASSERT_FALSE(repair.empty()) << checked.out;
    const CommandResult repaired = Freshetd(repair);
    EXPECT_EQ(repaired.code, 0) << repaired.out << repaired.err;
    ASSERT_NO_FATAL_FAILURE(Start({"--strict"}));
    EXPECT_EQ(Freshetd("check " + data_dir_).code, 69) << "a server runs";
    EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest_);
    server_->Kill();
    const CommandResult again = Freshetd("check " + data_dir_);
    EXPECT_EQ(again.code, 0) << again.out << again.err;
  }

  static void FlipIn(const std::string& path, std::streamoff at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const int byte = file.get();
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x02));
  }

  std::string digest_;
};

TEST_F(RepairedTest, AManifestThatIsDamagedOrMissing) {
  ASSERT_NO_FATAL_FAILURE(MakeModels());
  for (std::streamoff at = 5; at < 400; at += 61) {
    FlipIn(ModelDir() + "/MODEL", at);
    ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended(ModelDir() + "/MODEL"));
  }
  std::filesystem::remove(ModelDir() + "/MODEL");
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended(ModelDir() + "/MODEL"));
  std::filesystem::remove(ModelDir() + "/MODEL");
  std::filesystem::create_directory(ModelDir() + "/MODEL");
  std::filesystem::remove(ModelDir() + "/MODEL.copy");
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended(ModelDir() + "/MODEL"));
}

TEST_F(RepairedTest, ADamagedVersion) {
  ASSERT_NO_FATAL_FAILURE(MakeModels());
  std::ofstream(data_dir_ + "/VERSION") << "x\n";
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended(data_dir_ + "/VERSION"));
  std::filesystem::remove(data_dir_ + "/VERSION");
  std::filesystem::create_directory(data_dir_ + "/VERSION");
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended(data_dir_ + "/VERSION"));
}

TEST_F(RepairedTest, ASnapshotThatWasRenamedOrIsOfAnotherModel) {
  ASSERT_NO_FATAL_FAILURE(MakeModels());
  const std::string snapshots = ModelDir() + "/snapshots/";
  std::filesystem::rename(snapshots + "kept.snapshot", snapshots + "other.snapshot");
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended("other.snapshot"));
  EXPECT_TRUE(std::filesystem::exists(snapshots + "kept.snapshot"));
  std::filesystem::copy(ModelDirOf(data_dir_, "other") + "/snapshots/kept.snapshot",
                        snapshots + "foreign.snapshot");
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended("foreign.snapshot"));
}

TEST_F(RepairedTest, AFolderThatWasRenamedCopiedOrLinked) {
  ASSERT_NO_FATAL_FAILURE(MakeModels());
  const Path dir = ModelDir();
  const Path copy = dir.parent_path() / "copy";
  std::filesystem::rename(dir, copy);
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended(copy));
  EXPECT_TRUE(std::filesystem::exists(dir));
  std::filesystem::copy(dir, copy, std::filesystem::copy_options::recursive);
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended(copy));
  const Path unaddressable = dir.parent_path() / "Not A Model";
  std::filesystem::create_directory(unaddressable);
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended(unaddressable));
  std::filesystem::create_directory_symlink(dir, copy);
  ASSERT_NO_FATAL_FAILURE(ExpectFoundAndMended(copy));
  EXPECT_TRUE(std::filesystem::exists(dir)) << "only the link was moved";
}

// Operators put a log on another disk in this way. The server follows such links, but the check
// called them files, and the repair that it advised moved them away.
TEST_F(RepairedTest, FoldersOfFixedNameMayBeLinks) {
  ASSERT_NO_FATAL_FAILURE(MakeModels());
  for (const std::string& folder :
       {ModelDir() + "/log", ModelDir() + "/snapshots", data_dir_ + "/models"}) {
    SCOPED_TRACE(folder);
    const std::string elsewhere = folder_.path() + "/elsewhere";
    std::filesystem::rename(folder, elsewhere);
    std::filesystem::create_directory_symlink(elsewhere, folder);
    const CommandResult checked = Freshetd("check " + data_dir_);
    EXPECT_EQ(checked.code, 0) << checked.out << checked.err;
    ASSERT_NO_FATAL_FAILURE(Start({"--strict"}));
    EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest_);
    server_->Kill();
    std::filesystem::remove(folder);
    std::filesystem::rename(elsewhere, folder);
  }
}

TEST_F(RepairedTest, ALogThatIsGoneIsFoundAndItsLossIsSaid) {
  ASSERT_NO_FATAL_FAILURE(MakeModels());
  const std::string log = ModelDir() + "/log";
  std::filesystem::rename(log, folder_.path() + "/kept");
  const CommandResult checked = Freshetd("check " + data_dir_);
  EXPECT_EQ(checked.code, 65) << checked.out;
  EXPECT_THAT(checked.out, HasSubstr(log + ": the folder of the log is missing"));
  const absl::Status refused = ServerProcess::Start(data_dir_, {"--strict"}).status();
  EXPECT_THAT(std::string(refused.message()), HasSubstr(log));
  // Putting the folder back is the cheapest repair.
  std::filesystem::rename(folder_.path() + "/kept", log);
  EXPECT_EQ(Freshetd("check " + data_dir_).code, 0);
  std::filesystem::remove_all(log);
  const CommandResult again = Freshetd("check " + data_dir_);
  EXPECT_EQ(Freshetd(CommandIn(again.out, "repair")).code, 0);
  ASSERT_NO_FATAL_FAILURE(Start({"--strict"}));
  EXPECT_EQ(client_->ComputeDigest("ctr")->offset, 3U) << "that of the snapshot";
}

}  // namespace
}  // namespace freshet
