#include "core/metrics/metrics_window.h"

#include <cstddef>
#include <vector>

#include "gtest/gtest.h"

namespace freshet {
namespace {

// Adds examples that all have the same score, in groups of 250.
void Add(uint64_t count, double score, double loss, MetricsWindow& window) {
  for (uint64_t i = 0; i < count; i += 250) {
    ExampleBlock block;
    block.size = 250;
    block.weights.fill(1);
    block.scores.fill(score);
    for (size_t k = 0; k < 250; ++k) block.labels[k] = k % 2 == 0 ? 1 : 0;
    window.AddScores(block);
    window.AddSums({.example_count = 250, .weight = 250, .loss = 250 * loss});
  }
}

std::vector<std::byte> StateOf(const MetricsWindow& window) {
  StateWriter writer;
  window.SaveState(writer);
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

double WeightOf(const ScoreHistogram& scores) {
  double weight = 0;
  for (const ReliabilityBin& bin : scores.ReliabilityBins()) weight += bin.weight_sum;
  return weight;
}

TEST(MetricsWindowTest, HoldsTheNewestHundredToTwoHundredThousandExamples) {
  MetricsWindow window;
  Add(99'750, 1, 3, window);
  EXPECT_EQ(window.Sums().example_count, 99'750u);
  Add(250, 1, 3, window);
  Add(99'750, 2, 1, window);
  EXPECT_EQ(window.Sums().example_count, 199'750u);
  EXPECT_EQ(window.Sums().loss, 300'000 + 99'750);
  Add(250, 2, 1, window);  // The second half is full, so the first one leaves the window.
  EXPECT_EQ(window.Sums().example_count, 100'000u);
  EXPECT_EQ(window.Sums().loss, 100'000);
  EXPECT_EQ(WeightOf(window.Scores()), 100'000);
  EXPECT_EQ(window.Scores().ReliabilityBins().size(), 1u);  // Only that of score 2.
  EXPECT_EQ(WeightOf(window.AllScores()), 200'000);
  EXPECT_EQ(window.AllScores().ReliabilityBins().size(), 2u);
}

TEST(MetricsWindowTest, GoesOnExactlyAndRefusesWhatItCannotBe) {
  MetricsWindow window;
  Add(250'000, 1, 3, window);
  const std::vector<std::byte> state = StateOf(window);
  StateReader reader(state);
  MetricsWindow loaded;
  ASSERT_TRUE(loaded.LoadState(reader).ok());
  EXPECT_EQ(reader.remaining_bytes(), 0u);
  Add(60'000, -1, 2, window);
  Add(60'000, -1, 2, loaded);
  EXPECT_EQ(StateOf(loaded), StateOf(window));
  std::vector<std::byte> damaged = state;
  damaged[4 + 2048 * 16] ^= std::byte{1};  // The older half's count.
  StateReader bad(damaged);
  EXPECT_EQ(MetricsWindow().LoadState(bad).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace freshet
