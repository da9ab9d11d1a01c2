#include "core/metrics/drift_detector.h"

#include <cmath>
#include <cstddef>
#include <memory>
#include <random>
#include <span>
#include <vector>

#include "core/loss/logistic.h"
#include "core/metrics/progressive_metrics.h"
#include "core/model/spec.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"

namespace freshet {
namespace {

constexpr uint64_t kGroup = 250;

std::vector<std::byte> StateOf(const DriftDetector& detector) {
  StateWriter writer;
  detector.SaveState(writer);
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

// Observes the means of groups of labels that are 1 with the probability `rate`, from example
// `*example` on. Returns the number of groups until the next alarm, or 0 if there was none.
uint64_t GroupsToAlarm(DriftDetector& detector, double rate, uint64_t groups, std::mt19937& random,
                       uint64_t* example) {
  std::binomial_distribution<int> positives(kGroup, rate);
  const uint64_t before = detector.Figures().count;
  for (uint64_t i = 1; i <= groups; ++i) {
    *example += kGroup;
    detector.Observe(positives(random) / static_cast<double>(kGroup), *example);
    if (detector.Figures().count != before) return i;
  }
  return 0;
}

TEST(DriftDetectorTest, AConstantRateRaisesNoAlarmInAMillionExamples) {
  for (const double rate : {0.0, 0.0001, 0.001, 0.01, 0.2, 0.5, 1.0}) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
      DriftDetector detector;
      std::mt19937 random(seed);
      uint64_t example = 0;
      EXPECT_EQ(GroupsToAlarm(detector, rate, 4000, random, &example), 0u) << rate << " " << seed;
    }
  }
}

TEST(DriftDetectorTest, AJumpEitherWayRaisesAnAlarmWithinThousandsOfExamples) {
  struct Jump {
    double from;
    double to;
    uint64_t groups;
  };
  for (const Jump& jump : {Jump{0.5, 0.6, 20}, Jump{0.5, 0.9, 6}, Jump{0.2, 0.1, 25},
                           Jump{0.01, 0.02, 40}, Jump{0.001, 0.05, 6}, Jump{0.0, 1.0, 6}}) {
    for (unsigned seed = 1; seed <= 5; ++seed) {
      DriftDetector detector;
      std::mt19937 random(seed);
      uint64_t example = 0;
      ASSERT_EQ(GroupsToAlarm(detector, jump.from, 2000, random, &example), 0u);
      const uint64_t groups = GroupsToAlarm(detector, jump.to, 2000, random, &example);
      EXPECT_GT(groups, 1u) << jump.from << " to " << jump.to;
      EXPECT_LE(groups, jump.groups) << jump.from << " to " << jump.to;
      EXPECT_EQ(detector.Figures().last_example, example);
      // After the alarm, the new rate is the baseline.
      EXPECT_EQ(GroupsToAlarm(detector, jump.to, 2000, random, &example), 0u);
      EXPECT_EQ(detector.Figures().count, 1u);
    }
  }
}

TEST(DriftDetectorTest, OneGroupOutOfLineIsNoDrift) {
  DriftDetector detector;
  for (uint64_t i = 1; i <= 3000; ++i) {
    detector.Observe(i % 1000 == 500 ? 1e30 : 1 + 0.1 * std::sin(1.0 * static_cast<double>(i)), i);
  }
  EXPECT_EQ(detector.Figures().count, 0u);
}

TEST(DriftDetectorTest, TheLevelSaysHowNearTheAlarmIs) {
  DriftDetector detector;
  std::mt19937 random(3);
  uint64_t example = 0;
  GroupsToAlarm(detector, 0.5, 400, random, &example);
  const double before = detector.Figures().level;
  EXPECT_LT(before, 0.5);
  detector.Observe(1, example += kGroup);
  EXPECT_GT(detector.Figures().level, before);
  EXPECT_LT(detector.Figures().level, 1);
}

TEST(DriftDetectorTest, ASlowFallIsLetPassWhereItIsToldTo) {
  DriftDetector strict;
  DriftDetector lenient(DriftDetector::kLearningTolerance);
  std::mt19937 random(4);
  std::normal_distribution<double> noise(0, 0.02);
  for (uint64_t i = 1; i <= 4000; ++i) {
    const double mean = 0.4 + 2 / std::sqrt(static_cast<double>(i)) + noise(random);
    strict.Observe(mean, i);
    lenient.Observe(mean, i);
  }
  EXPECT_GT(strict.Figures().count, 0u);
  EXPECT_EQ(lenient.Figures().count, 0u);
}

TEST(DriftDetectorTest, GoesOnExactlyAndRefusesWhatItCannotBe) {
  DriftDetector whole;
  DriftDetector cut;
  std::mt19937 random(5);
  for (uint64_t i = 1; i <= 1500; ++i) {
    const double mean = static_cast<double>(random() % 100) + (i > 700 ? 60 : 0);
    whole.Observe(mean, i);
    cut.Observe(mean, i);
    const std::vector<std::byte> state = StateOf(cut);
    StateReader reader(state);
    cut = DriftDetector();
    ASSERT_TRUE(cut.LoadState(reader).ok());
  }
  EXPECT_EQ(whole.Figures().count, 1u);
  EXPECT_EQ(StateOf(cut), StateOf(whole));
  for (const size_t field : {3u, 4u, 5u, 6u}) {  // Mean, variance, up, down.
    std::vector<std::byte> damaged = StateOf(whole);
    for (size_t i = 8 * field; i < 8 * field + 8; ++i) damaged[i] = std::byte{0xff};  // NaN.
    StateReader reader(damaged);
    EXPECT_EQ(cut.LoadState(reader).code(), absl::StatusCode::kDataLoss) << field;
  }
}

// A learner's loss falls while it learns, which must not look like drift, but a new world must.
TEST(DriftDetectorTest, AMillionLearnedExamplesRaiseNoAlarmAndANewWorldOneAtOnce) {
  LearnerSpec spec;
  spec.linear.bits = 12;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  ProgressiveMetrics metrics({});
  std::mt19937 random(6);
  std::normal_distribution<float> normal;
  std::vector<float> weights(4000);
  const auto learn = [&](int batches) {
    for (int i = 0; i < batches; ++i) {
      std::vector<StreamExample> examples(1000);
      for (StreamExample& example : examples) {
        float score = 0;
        for (uint32_t field = 0; field < 4; ++field) {
          const uint32_t id =
              field * 1000 + static_cast<uint32_t>(random() % (field == 0 ? 1000 : 50));
          example.features.push_back({id, 1});
          score += weights[id];
        }
        const double uniform = static_cast<double>(random()) / 4294967296.0;
        example.label = uniform < LogisticLoss::Link(score) ? 1.0f : -1.0f;
      }
      const ExampleBatchBuilder batch = BatchOf(examples);
      std::vector<float> scores(examples.size());
      learner->LearnBatch(batch.View(), scores);
      metrics.Update(scores, batch.View().labels, {});
    }
  };
  for (float& weight : weights) weight = normal(random);
  learn(1000);
  EXPECT_EQ(metrics.Figures().loss_drift.count, 0u);
  EXPECT_EQ(metrics.Figures().label_drift.count, 0u);
  for (float& weight : weights) weight = normal(random);
  learn(3);
  EXPECT_EQ(metrics.Figures().loss_drift.count, 1u);
  EXPECT_GT(metrics.Figures().loss_drift.last_example, 1'000'000u);
}

}  // namespace
}  // namespace freshet
