#include "server/recovery/model_recovery.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "core/feature/example_batch.h"
#include "tests/server/model/model_fixture.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

using ::testing::ElementsAreArray;
using ::testing::IsEmpty;

constexpr uint64_t kSnapshotAt = 20;
constexpr uint64_t kBatches = 60;

struct Scored {
  uint64_t offset = 0;
  float score = 0;
};

Scored ScoreOf(const VariantView& view) {
  ExampleBatchBuilder batch;
  batch.BeginRow(0, 1);
  const size_t name_space = batch.Namespace("");
  for (uint32_t id = 0; id < 64; ++id) batch.AddFeature(name_space, id, 1);
  batch.EndRow();
  Scored scored;
  float prediction = 0;
  view.variant->Predict(batch.View(), {&scored.score, 1}, {&prediction, 1});
  scored.offset = view.offset;
  return scored;
}

// Learns a stream, with a snapshot on the way where `with_snapshot`, and dies. Returns the score of
// one example at each offset.
std::map<uint64_t, float> LearnAndDie(FileSystem& files, bool with_snapshot) {
  Served served(files);
  served.Create(v1::DURABILITY_FSYNC);
  std::map<uint64_t, float> scores;
  for (uint64_t sequence = 1; sequence <= kBatches; ++sequence) {
    EXPECT_TRUE(served.Push(sequence).status.ok());
    const Scored scored = ScoreOf(served.model().Champion());
    scores[scored.offset] = scored.score;
    if (with_snapshot && sequence == kSnapshotAt) {
      EXPECT_TRUE(served.TakeSnapshot().ok());
    }
  }
  return scores;
}

// Recovers it, and predicts before each record that is replayed, where it may.
std::vector<Scored> PredictWhileRecovering(FileSystem& files, bool allowed) {
  Served served(files);
  std::vector<Scored> seen;
  RecoveryProgress progress;
  served.environment().predict_while_recovering = allowed;
  served.environment().clock = [&] {  // Is asked before each record.
    if (const auto predictor = progress.predictor.Load()) seen.push_back(ScoreOf(predictor->Now()));
    return absl::UnixEpoch();
  };
  const absl::Status status = served.TryRecover(progress);
  served.environment().clock = [] { return absl::UnixEpoch(); };
  EXPECT_TRUE(status.ok()) << status;
  return seen;
}

TEST(ModelRecoveryTest, PredictsMeanwhileWhatItPredictedAtThatOffset) {
  FaultFileSystem files;
  const std::map<uint64_t, float> expected = LearnAndDie(files, /*with_snapshot=*/true);
  std::vector<uint64_t> offsets;
  for (const Scored& scored : PredictWhileRecovering(files, /*allowed=*/true)) {
    EXPECT_EQ(scored.score, expected.at(scored.offset)) << scored.offset;
    offsets.push_back(scored.offset);
  }
  offsets.erase(std::unique(offsets.begin(), offsets.end()), offsets.end());
  std::vector<uint64_t> replayed;
  for (uint64_t offset = kSnapshotAt; offset <= kBatches; ++offset) replayed.push_back(offset);
  EXPECT_THAT(offsets, ElementsAreArray(replayed));
}

TEST(ModelRecoveryTest, PredictsNothingMeanwhileUnlessToldSoOrWithoutASnapshot) {
  FaultFileSystem files;
  LearnAndDie(files, /*with_snapshot=*/true);
  EXPECT_THAT(PredictWhileRecovering(files, /*allowed=*/false), IsEmpty());
  FaultFileSystem other_files;
  LearnAndDie(other_files, /*with_snapshot=*/false);
  EXPECT_THAT(PredictWhileRecovering(other_files, /*allowed=*/true), IsEmpty());
}

}  // namespace
}  // namespace freshet
