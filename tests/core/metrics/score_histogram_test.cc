#include "core/metrics/score_histogram.h"

#include <cmath>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace freshet {
namespace {

void Add(double score, double label, double weight, ScoreHistogram& histogram) {
  ExampleBlock block;
  block.size = 1;
  block.scores[0] = score;
  block.labels[0] = label;
  block.weights[0] = weight;
  histogram.Add(block);
}

double Probability(double score) { return 1 / (1 + std::exp(-score)); }

TEST(ScoreHistogramTest, ReliabilityIsThatOfTheExamplesInEachBin) {
  ScoreHistogram histogram;
  struct Example {
    double score;
    double label;
    double weight;
  };
  std::vector<Example> examples;
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    const double score = static_cast<double>(random() % 2000) / 100 - 12;
    const double label = static_cast<double>(random() % 1000) / 1000 < Probability(score) ? 1 : 0;
    examples.push_back({score, label, 0.5 + random() % 3});
    Add(score, label, examples.back().weight, histogram);
  }
  const std::vector<ReliabilityBin> bins = histogram.ReliabilityBins();
  ASSERT_EQ(bins.size(), 19u);
  EXPECT_EQ(bins.front().from, 0);
  EXPECT_EQ(bins.back().to, 1);
  for (size_t i = 0; i < bins.size(); ++i) {
    const ReliabilityBin& bin = bins[i];
    if (i > 0) {
      EXPECT_EQ(bin.from, bins[i - 1].to);
    }
    double weight = 0, prediction = 0, label = 0;
    for (const Example& example : examples) {
      const double p = Probability(example.score);
      if (p < bin.from || p >= bin.to) continue;
      weight += example.weight;
      prediction += example.weight * p;
      label += example.weight * example.label;
    }
    EXPECT_EQ(bin.weight_sum, weight) << bin.from;
    EXPECT_NEAR(bin.prediction_mean, prediction / weight, 0.01 * bin.prediction_mean) << bin.from;
    EXPECT_NEAR(bin.label_mean, label / weight, 1e-12) << bin.from;
  }
  EXPECT_NEAR(bins[6].from, 0.05, 0.0005);  // Edges are near round probabilities.
}

TEST(ScoreHistogramTest, LeavesOutEmptyBins) {
  ScoreHistogram histogram;
  EXPECT_TRUE(histogram.ReliabilityBins().empty());
  Add(-1000, 0, 1, histogram);
  Add(0.01, 1, 2, histogram);
  const std::vector<ReliabilityBin> bins = histogram.ReliabilityBins();
  ASSERT_EQ(bins.size(), 2u);
  EXPECT_EQ(bins[0].from, 0);
  EXPECT_LT(bins[0].prediction_mean, 1e-6);
  EXPECT_EQ(bins[1].from, 0.5);
  EXPECT_EQ(bins[1].weight_sum, 2);
}

TEST(ScoreHistogramTest, SumsAreTheSameInPiecesAndOverAStop) {
  ScoreHistogram first, second, whole;
  for (int i = 0; i < 100; ++i) {
    Add(i / 10.0 - 5, i % 3 == 0, 1, i < 40 ? first : second);
    Add(i / 10.0 - 5, i % 3 == 0, 1, whole);
  }
  StateWriter writer;
  first.SaveState(writer);
  StateReader reader(writer.Chunks().front());
  ScoreHistogram loaded;
  ASSERT_TRUE(loaded.LoadState(reader).ok());
  loaded.Add(second);
  loaded.Add(ScoreHistogram());
  EXPECT_EQ(loaded.Auc(), whole.Auc());
  EXPECT_TRUE(whole.Auc().has_value());
}

TEST(ScoreHistogramTest, AnEmptyOneIsShortAndRefusesAState) {
  StateWriter writer;
  ScoreHistogram().SaveState(writer);
  EXPECT_EQ(writer.size_bytes(), 4u);
  StateWriter full;
  ScoreHistogram().SaveBuckets(full);
  EXPECT_EQ(full.size_bytes(), 2048u * 16);
  // Buckets that are all zero should have been left out, so this is not canonical.
  StateWriter bad;
  bad.WriteValue(uint32_t{1});
  for (const auto chunk : full.Chunks()) bad.Write(chunk);
  StateReader reader(bad.Chunks().front());
  EXPECT_EQ(ScoreHistogram().LoadState(reader).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace freshet
