// Compares progressive losses on a real stream with those of a public learner with the same
// options.
//
// The stream is not part of the project: set FRESHET_DATA to the folder that has it, or this test
// is skipped.

#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/feature/hash.h"
#include "core/loss/logistic.h"
#include "core/loss/squared.h"
#include "core/model/spec.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"

namespace freshet {
namespace {

constexpr uint32_t kConstantFeature = 11650396;  // The reference's intercept is a feature.

// Lines of "LABEL |f INDEX:VALUE ...".
std::vector<StreamExample> ReadStream(const std::string& path) {
  std::vector<StreamExample> examples;
  gzFile file = gzopen(path.c_str(), "rb");
  EXPECT_NE(file, nullptr) << path;
  if (file == nullptr) return examples;
  const uint32_t hash = HashNamespace("f");
  std::string line(1 << 20, '\0');
  while (gzgets(file, line.data(), static_cast<int>(line.size())) != nullptr) {
    StreamExample example;
    char* cursor = line.data();
    example.label = std::strtof(cursor, &cursor);
    while (*cursor != '|') ++cursor;
    cursor += 2;
    while (*cursor == ' ') {
      const char* const name = ++cursor;
      while (*cursor != ':' && *cursor != ' ' && *cursor != '\n') ++cursor;
      if (cursor == name) break;
      const uint32_t id = HashFeature({name, static_cast<size_t>(cursor - name)}, hash);
      const float value = *cursor == ':' ? std::strtof(cursor + 1, &cursor) : 1.0f;
      example.features.push_back({id, value});
    }
    example.features.push_back({kConstantFeature, 1});
    examples.push_back(example);
  }
  gzclose(file);
  return examples;
}

class KnownStreamsTest : public testing::Test {
 protected:
  void SetUp() override {
    const char* const folder = std::getenv("FRESHET_DATA");
    const auto path = std::filesystem::path(folder == nullptr ? "" : folder) / "rcv1_small.dat.gz";
    if (folder == nullptr || !std::filesystem::exists(path)) {
      GTEST_SKIP() << "set FRESHET_DATA to the folder that has rcv1_small.dat.gz to run this test";
    }
    examples_ = ReadStream(path);
    ASSERT_EQ(examples_.size(), 1000u);
  }

  // No intercept, because the constant feature takes its place.
  template <typename Loss>
  double ProgressiveLoss(const OptimizerOptions& optimizer, double rate,
                         const ScheduleOptions& schedule = ConstantSchedule{}, double l1 = 0,
                         double l2 = 0) const {
    LearnerSpec spec;
    spec.loss = Loss::kKind;
    spec.optimizer = optimizer;
    spec.schedule = schedule;
    spec.linear = {.learning_rate = rate, .l1 = l1, .l2 = l2, .intercept = false, .bits = 18};
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    const std::vector<float> scores = Learn(*learner, examples_);
    double sum = 0;
    for (size_t i = 0; i < examples_.size(); ++i) {
      sum += Loss::Value(scores[i], examples_[i].label);
    }
    return sum / static_cast<double>(examples_.size());
  }

  std::vector<StreamExample> examples_;
};

TEST_F(KnownStreamsTest, PlainSgdGivesTheKnownLosses) {
  const Sgd::Options sgd;
  // The reference's rates are rate * t^-0.5 with t = 2 at the first example, where ours must
  // therefore be rate / sqrt(2).
  const InversePowerSchedule root = {.t0 = 2, .power = 0.5};
  const double scale = std::sqrt(0.5);
  EXPECT_NEAR(ProgressiveLoss<LogisticLoss>(sgd, 10 * scale, root), 0.554529, 1e-4);
  EXPECT_NEAR(ProgressiveLoss<LogisticLoss>(sgd, 0.5 * scale, root), 0.676867, 1e-4);
  EXPECT_NEAR(ProgressiveLoss<LogisticLoss>(sgd, 0.5), 0.593618, 1e-4);
  EXPECT_NEAR(ProgressiveLoss<SquaredLoss>(sgd, 0.1 * scale, root), 0.952742, 1e-4);
}

TEST_F(KnownStreamsTest, FtrlGivesTheKnownLosses) {
  const Ftrl::Options plain = {.beta = 1};
  EXPECT_NEAR(ProgressiveLoss<LogisticLoss>(plain, 0.5), 0.586666, 1e-4);
  EXPECT_NEAR(ProgressiveLoss<SquaredLoss>(plain, 0.1), 0.768073, 1e-4);
  EXPECT_NEAR(ProgressiveLoss<LogisticLoss>(plain, 0.1, ConstantSchedule{}, 0.01, 0.1), 0.665051,
              1e-4);
}

TEST_F(KnownStreamsTest, NormalisedAdaptiveUpdatesGiveTheKnownLosses) {
  const NagOptions all;
  EXPECT_NEAR(ProgressiveLoss<LogisticLoss>(all, 0.5), 0.429393, 1e-4);
  const NagOptions adaptive = {.normalized = false, .invariant = false};
  EXPECT_NEAR(ProgressiveLoss<LogisticLoss>(adaptive, 0.5), 0.366225, 1e-4);
  const NagOptions adaptive_invariant = {.normalized = false};
  EXPECT_NEAR(ProgressiveLoss<LogisticLoss>(adaptive_invariant, 0.5), 0.403100, 1e-4);
  for (StreamExample& example : examples_) example.features.pop_back();  // The constant.
  EXPECT_NEAR(ProgressiveLoss<LogisticLoss>(all, 0.5), 0.428884, 1e-4);
}

TEST_F(KnownStreamsTest, CoinBettingGivesTheKnownLoss) {
  EXPECT_NEAR(ProgressiveLoss<LogisticLoss>(Coin::Options{}, 0.5), 0.448101, 1e-4);
}

}  // namespace
}  // namespace freshet
