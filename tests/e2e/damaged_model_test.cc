// A model that cannot be recovered is the only one that stays down. It says why, and can be deleted
// or tried again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_join.h"
#include "client/client.h"
#include "client/pusher.h"
#include "tests/support/model_dir.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_fixture.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class DamagedModelTest : public ServerFixture {
 protected:
  // Creates three models with a few records each, then kills the server.
  void MakeThree() {
    ASSERT_NO_FATAL_FAILURE(Start());
    for (const char* id : {"a", "b", "c"}) {
      ASSERT_NO_FATAL_FAILURE(CreateModel(id));
      ASSERT_NO_FATAL_FAILURE(Push(id));
    }
    digest_ = client_->ComputeDigest("a")->digest;
    server_->Kill();
  }

  void Push(const std::string& model) const {
    auto pusher = Pusher::Start(*client_, model, {});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    RandomExamples random(1);
    for (int i = 0; i < 20; ++i) {
      ExampleBatchBuilder batch;
      random.Append(10, batch);
      ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
    }
    ASSERT_TRUE((*pusher)->Close().ok());
  }

  std::string Segment(const std::string& model) const {
    return ModelDirOf(data_dir_, model) + "/log/00000000000000000000.log";
  }

  // Flips one bit of a record in the middle of the log. A second call restores it.
  void Flip(const std::string& path) const {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(2000);
    const int byte = file.get();
    file.seekp(2000);
    file.put(static_cast<char>(byte ^ 0x40));
  }

  CommandResult Freshet(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words = {BinaryDir() + "/freshet", "--server", server_->address()};
    words.insert(words.end(), arguments.begin(), arguments.end());
    return RunCommand(words);
  }

  std::string digest_;  // The digest that each of the models has.
};

TEST_F(DamagedModelTest, StaysDownAloneAndSaysWhy) {
  ASSERT_NO_FATAL_FAILURE(MakeThree());
  const std::string path = Segment("b");
  Flip(path);
  ASSERT_NO_FATAL_FAILURE(Start());
  for (const char* id : {"a", "c"}) {
    EXPECT_EQ(client_->ComputeDigest(id)->digest, digest_);
    EXPECT_NO_FATAL_FAILURE(Push(id));
  }
  const absl::Status down = client_->ComputeDigest("b").status();
  EXPECT_TRUE(absl::IsFailedPrecondition(down)) << down;
  EXPECT_THAT(std::string(down.message()), AllOf(HasSubstr(path), HasSubstr("offset")));
  const v1::Model described = client_->GetModel("b").value();
  EXPECT_EQ(described.state(), v1::MODEL_STATE_DAMAGED);
  EXPECT_THAT(described.state_reason(), HasSubstr(path));
  EXPECT_EQ(described.variants_size(), 1) << "the manifest is good";
  EXPECT_EQ(client_->ListModels()->size(), 3U);
  EXPECT_THAT(Freshet({"models", "list"}).out, HasSubstr("damaged"));
  EXPECT_THAT(Freshet({"models", "describe", "b"}).out, HasSubstr(path));
  EXPECT_THAT(server_->Log(), AllOf(HasSubstr("event=model_damaged model=models/b"),
                                    HasSubstr("models=2 damaged=1")));
  EXPECT_TRUE(absl::IsAlreadyExists(client_->CreateModel("b", SmallLearner()).status()));

  // Once repaired, the model is back after a restart.
  server_->Kill();
  Flip(path);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("b")->digest, digest_);
}

TEST_F(DamagedModelTest, CanBeDeletedAndCreatedAgain) {
  ASSERT_NO_FATAL_FAILURE(MakeThree());
  std::ofstream(ModelDirOf(data_dir_, "b") + "/MODEL") << "nothing of the kind";
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->GetModel("b")->state(), v1::MODEL_STATE_DAMAGED);
  ASSERT_TRUE(client_->DeleteModel("b").ok());
  EXPECT_TRUE(absl::IsNotFound(client_->GetModel("b").status()));
  ASSERT_NO_FATAL_FAILURE(CreateModel("b"));
  ASSERT_NO_FATAL_FAILURE(Push("b"));
  server_->Kill();
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("b")->digest, digest_);
}

TEST_F(DamagedModelTest, StopsTheStartWhereThatIsStrict) {
  ASSERT_NO_FATAL_FAILURE(MakeThree());
  Flip(Segment("b"));
  const absl::Status refused = ServerProcess::Start(data_dir_, {"--strict"}).status();
  EXPECT_THAT(std::string(refused.message()), HasSubstr(Segment("b")));
  Flip(Segment("b"));
  std::ofstream(data_dir_ + "/models/notes.txt") << "a stray file";
  const absl::Status stray = ServerProcess::Start(data_dir_, {"--strict"}).status();
  EXPECT_THAT(std::string(stray.message()), HasSubstr("notes.txt"));
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THAT(server_->Log(), AllOf(HasSubstr("event=stray_entry"), HasSubstr("notes.txt")));
}

TEST_F(DamagedModelTest, AModelsFolderThatIsALinkIsNamedAndNotServed) {
  ASSERT_NO_FATAL_FAILURE(MakeThree());
  const std::string folder = ModelDirOf(data_dir_, "a");
  const std::string elsewhere = folder_.path() + "/elsewhere";
  std::filesystem::rename(folder, elsewhere);
  std::filesystem::create_directory_symlink(elsewhere, folder);
  const CommandResult check = RunCommand({BinaryDir() + "/freshetd", "check", data_dir_});
  EXPECT_NE(check.code, 0);
  EXPECT_THAT(check.out + check.err, AllOf(HasSubstr(folder), HasSubstr("it is a link")));
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THAT(server_->Log(),
              AllOf(HasSubstr("event=stray_entry error=\"" + folder + ": it is a link"),
                    HasSubstr("put the model's folder itself in its place")));
  EXPECT_TRUE(absl::IsNotFound(client_->GetModel("a").status()));
  EXPECT_TRUE(client_->GetModel("b").ok());
}

// A value of the log is a JSON string, so quotes and line feeds within it neither end it nor forge
// another line.
TEST_F(DamagedModelTest, NamesWithQuotesAndLineFeedsStayWithinTheirValueOfTheLog) {
  ASSERT_NO_FATAL_FAILURE(MakeThree());
  std::ofstream(data_dir_ + "/models/a \"b\"\nlevel=info event=forged") << "a stray file";
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THAT(server_->Log(),
              AllOf(HasSubstr(R"(/models/a \"b\"\u000alevel=info event=forged: it is )"),
                    Not(HasSubstr("\nlevel=info event=forged"))));
}

TEST_F(DamagedModelTest, ACopiedFolderIsNamedAndItsOriginalServed) {
  ASSERT_NO_FATAL_FAILURE(MakeThree());
  const std::string original = ModelDirOf(data_dir_, "a");
  const std::string copy = data_dir_ + "/models/d-0123456789abcdef";
  std::filesystem::copy(original, copy, std::filesystem::copy_options::recursive);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("a")->digest, digest_);
  EXPECT_TRUE(absl::IsNotFound(client_->GetModel("d").status()));
  EXPECT_THAT(server_->Log(), AllOf(HasSubstr("event=stray_entry"), HasSubstr(copy)));
  // If the folder of a model was renamed, the server does not guess: the model stays down.
  server_->Kill();
  std::filesystem::remove_all(copy);
  std::filesystem::rename(original, copy);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->GetModel("a")->state(), v1::MODEL_STATE_DAMAGED);
  EXPECT_THAT(
      client_->GetModel("a")->state_reason(),
      AllOf(HasSubstr(copy), HasSubstr(std::filesystem::path(original).filename().string())));
  EXPECT_EQ(client_->ComputeDigest("b")->digest, digest_);
}

// A backup of a deleted model was put back beside the new model of the same id.
TEST_F(DamagedModelTest, OfTwoFoldersOfOneModelNeitherIsGuessed) {
  ASSERT_NO_FATAL_FAILURE(MakeThree());
  const std::string old = ModelDirOf(data_dir_, "a");
  const std::string kept = folder_.path() + "/kept";
  std::filesystem::copy(old, kept, std::filesystem::copy_options::recursive);
  ASSERT_NO_FATAL_FAILURE(Start());
  ASSERT_TRUE(client_->DeleteModel("a").ok());
  ASSERT_NO_FATAL_FAILURE(CreateModel("a"));
  server_->Kill();
  const std::string fresh = ModelDirOf(data_dir_, "a");
  std::filesystem::copy(kept, old, std::filesystem::copy_options::recursive);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THAT(client_->GetModel("a")->state_reason(),
              HasSubstr("more than one folder holds models/a"));
  EXPECT_TRUE(absl::IsFailedPrecondition(client_->DeleteModel("a")));
  server_->Kill();
  std::filesystem::remove_all(fresh);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_EQ(client_->ComputeDigest("a")->digest, digest_);
}

// A segment and a snapshot were copied into another model's folder.
TEST_F(DamagedModelTest, FilesOfAnotherModelAreNotTakenForItsOwn) {
  ASSERT_NO_FATAL_FAILURE(MakeThree());
  std::filesystem::copy_file(Segment("a"), Segment("b"),
                             std::filesystem::copy_options::overwrite_existing);
  ASSERT_NO_FATAL_FAILURE(Start());
  EXPECT_THAT(client_->GetModel("b")->state_reason(), HasSubstr(Segment("b")));
  EXPECT_EQ(client_->ComputeDigest("a")->digest, digest_);
  EXPECT_EQ(client_->ComputeDigest("c")->digest, digest_);
}

}  // namespace
}  // namespace freshet
