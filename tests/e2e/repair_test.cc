// A log that is damaged in its middle: the server refuses to start and says what to do, and what it
// says works.

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

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr int kRecords = 20;
constexpr int kBatchExamples = 50;

class RepairTest : public ServerFixture {
 protected:
  // Pushes the first `records` batches of a stream.
  void Push(const std::string& model, int records) {
    RandomExamples random(1);
    auto pusher = Pusher::Start(*client_, model, {});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    for (int i = 0; i < records; ++i) {
      ExampleBatchBuilder batch;
      random.Append(kBatchExamples, batch);
      ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
    }
    ASSERT_TRUE((*pusher)->Close().ok());
  }

  std::string ModelDir() const { return ModelDirOf(data_dir_, "ctr"); }
  std::string Segment() const { return ModelDir() + "/log/00000000000000000000.log"; }

  // Changes one byte in the middle of the log.
  void Damage() const {
    std::fstream file(Segment(), std::ios::in | std::ios::out | std::ios::binary);
    const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(Segment()) / 2);
    file.seekg(middle);
    const int byte = file.get();
    file.seekp(middle);
    file.put(static_cast<char>(byte ^ 0x40));
  }

  // A damaged log of kRecords records, and perhaps a snapshot after all of them.
  void MakeDamaged(bool with_snapshot) {
    ASSERT_NO_FATAL_FAILURE(Start());
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
    ASSERT_NO_FATAL_FAILURE(Push("ctr", kRecords));
    if (with_snapshot) {
      ASSERT_TRUE(client_->CreateSnapshot("ctr").ok());
    }
    server_->Kill();
    // A crash leaves space at the end that was asked for in advance; another start cuts it off.
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

  // What stands in quotes after 'freshetd in `message`.
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
  EXPECT_EQ(Freshetd("check " + data_dir_).code, 0);
  ASSERT_NO_FATAL_FAILURE(Start());
  const Digest digest = client_->ComputeDigest("ctr").value();
  EXPECT_GT(digest.offset, 0U);
  EXPECT_LT(digest.offset, static_cast<uint64_t>(kRecords));
  EXPECT_EQ(digest.example_count, digest.offset * kBatchExamples);
  ASSERT_NO_FATAL_FAILURE(CreateModel("reference"));
  ASSERT_NO_FATAL_FAILURE(Push("reference", static_cast<int>(digest.offset)));
  EXPECT_EQ(client_->ComputeDigest("reference")->digest, digest.digest);
  ASSERT_NO_FATAL_FAILURE(Push("ctr", kRecords));
  EXPECT_EQ(client_->ComputeDigest("ctr")->offset, digest.offset + kRecords);
}

TEST_F(RepairTest, ASnapshotBehindTheDamageKeepsEverything) {
  ASSERT_NO_FATAL_FAILURE(MakeDamaged(/*with_snapshot=*/true));
  const auto refused = ServerProcess::Start(data_dir_, {"--strict"});
  ASSERT_FALSE(refused.ok());
  const CommandResult repaired =
      Freshetd(CommandIn(std::string(refused.status().message()), "repair"));
  EXPECT_EQ(repaired.code, 0) << repaired.err;
  EXPECT_THAT(repaired.out, HasSubstr("from its newest snapshot, at offset 20"));
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->GetModel("ctr")->example_count(), uint64_t{kRecords} * kBatchExamples);
  ASSERT_NO_FATAL_FAILURE(Push("ctr", 3));
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->GetModel("ctr")->example_count(), uint64_t{kRecords + 3} * kBatchExamples);
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
                                     "cannot be read: recovery needs it"));
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
  EXPECT_EQ(Freshetd("repair " + ModelDir()).code, 64) << "where to truncate must be said";
  const CommandResult beyond = Freshetd("repair " + ModelDir() + " --truncate-at 4");
  EXPECT_EQ(beyond.code, 78);
  EXPECT_THAT(beyond.err, HasSubstr("ends at offset 3"));
}

}  // namespace
}  // namespace freshet
