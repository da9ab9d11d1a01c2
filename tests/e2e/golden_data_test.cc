// A data folder that an earlier version left behind while it was learning: every later version must
// recover it bit for bit. See tests/data/golden/README.md.

#include <gtest/gtest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/pusher.h"
#include "tests/e2e/all_learners.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

// A file beside the folder `data`, with a line for each model: its id, offset, examples and digest.
constexpr const char* kDigests = "/DIGESTS";

// One model for each of the first learners of AllLearners().
constexpr int kModels = 9;

// The golden files of one version of the data folder format (see server/file/data_dir.h).
std::string GoldenDir(const std::string& name) {
  return std::string(FRESHET_GOLDEN_DIR) + "/" + name;
}

constexpr const char* kNewest = "data_v3";

struct GoldenFolder {
  const char* name;
  int models;
};

class GoldenDataVersionTest : public testing::TestWithParam<GoldenFolder> {};

TEST_P(GoldenDataVersionTest, RecoversToTheBit) {
  const std::string golden = GoldenDir(GetParam().name);
  const TemporaryFolder folder;
  std::filesystem::copy(golden + "/data", folder.path(), std::filesystem::copy_options::recursive);
  auto server = ServerProcess::Start(folder.path());
  ASSERT_TRUE(server.ok()) << server.status();
  auto client = Client::Connect({.server = (*server)->address()});
  ASSERT_TRUE(client.ok()) << client.status();
  std::ifstream digests(golden + kDigests);
  std::string model;
  std::string digest;
  uint64_t offset = 0;
  uint64_t examples = 0;
  int models = 0;
  for (; digests >> model >> offset >> examples >> digest; ++models) {
    const absl::StatusOr<Digest> found = (*client)->ComputeDigest(model);
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_EQ(found->offset, offset) << model;
    EXPECT_EQ(found->example_count, examples) << model;
    EXPECT_EQ(found->digest, digest) << model;
  }
  EXPECT_EQ(models, GetParam().models);
}

INSTANTIATE_TEST_SUITE_P(Versions, GoldenDataVersionTest,
                         testing::Values(GoldenFolder{"data_v1", kModels},
                                         GoldenFolder{"data_v2", kModels},
                                         GoldenFolder{"data_v2_envelopes", kModels},
                                         GoldenFolder{kNewest, kModels},
                                         // Models of `auto` under its first rules.
                                         GoldenFolder{"data_v3_auto", 3}));

// Pushes the same examples repeatedly.
void Push(const Client& client, const std::string& model, int batches) {
  auto pusher = Pusher::Start(client, model, {});
  ASSERT_TRUE(pusher.ok()) << pusher.status();
  RandomExamples random(5);
  for (int i = 0; i < batches; ++i) {
    ExampleBatchBuilder batch;
    random.Append(20, batch);
    ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
  }
  ASSERT_TRUE((*pusher)->Close().ok());
}

TEST(GoldenDataTest, DISABLED_WriteGoldenData) {
  const std::string golden = GoldenDir(kNewest);
  ASSERT_TRUE(std::filesystem::create_directory(golden));
  auto server = ServerProcess::Start(golden + "/data");
  ASSERT_TRUE(server.ok()) << server.status();
  auto client = Client::Connect({.server = (*server)->address()});
  ASSERT_TRUE(client.ok()) << client.status();
  std::ofstream digests(golden + kDigests);
  int number = 0;
  std::vector<v1::LearnerSpec> learners = AllLearners();
  learners.resize(kModels);
  for (v1::LearnerSpec learner : learners) {
    const std::string model = "m" + std::to_string(number++);
    learner.set_bits(10);
    ASSERT_TRUE((*client)->CreateModel(model, learner).ok());
    ASSERT_NO_FATAL_FAILURE(Push(**client, model, 12));
    ASSERT_TRUE((*client)->CreateSnapshot(model, "half").ok());
    ASSERT_NO_FATAL_FAILURE(Push(**client, model, 6));
    if (number % 3 == 0) {
      ASSERT_TRUE((*client)->RestoreSnapshot(model, "half").ok());
      ASSERT_TRUE((*client)->DeleteSnapshot(model, "s000001").ok());
      ASSERT_NO_FATAL_FAILURE(Push(**client, model, 3));
    }
    const Digest digest = (*client)->ComputeDigest(model).value();
    digests << model << " " << digest.offset << " " << digest.example_count << " " << digest.digest
            << "\n";
  }
  (*server)->Kill();
  std::filesystem::remove(golden + "/data/LOCK");
}

}  // namespace
}  // namespace freshet
