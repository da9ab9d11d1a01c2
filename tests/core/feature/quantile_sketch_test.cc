#include "core/feature/quantile_sketch.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace freshet {
namespace {

std::vector<std::byte> StateOf(const QuantileSketch& sketch) {
  StateWriter writer;
  sketch.SaveState(writer);
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

// The largest difference between a bound's rank and its ideal rank, as a share of the stream.
double WorstRank(std::vector<float> values, size_t bins) {
  QuantileSketch sketch;
  for (const float value : values) sketch.Add(value);
  std::vector<float> bounds(bins - 1);
  sketch.FindQuantiles(bounds);
  EXPECT_TRUE(std::is_sorted(bounds.begin(), bounds.end()));
  std::sort(values.begin(), values.end());
  double worst = 0;
  for (size_t i = 0; i < bounds.size(); ++i) {
    const auto size = static_cast<double>(values.size());
    const double wanted = static_cast<double>(i + 1) / static_cast<double>(bins) * size;
    const auto below = static_cast<double>(
        std::lower_bound(values.begin(), values.end(), bounds[i]) - values.begin());
    const auto not_above = static_cast<double>(
        std::upper_bound(values.begin(), values.end(), bounds[i]) - values.begin());
    const double error = wanted < below ? below - wanted : std::max(0.0, wanted - not_above);
    worst = std::max(worst, error / size);
  }
  return worst;
}

TEST(QuantileSketchTest, IsExactOverItsFirstNumbers) {
  QuantileSketch sketch;
  for (const float value : {3.0f, 1.0f, 4.0f, 2.0f}) sketch.Add(value);
  std::vector<float> bounds(3);
  sketch.FindQuantiles(bounds);
  EXPECT_EQ(bounds, (std::vector<float>{1, 2, 3}));
}

TEST(QuantileSketchTest, CutsStreamsOfAnyOrderIntoPartsOfAboutTheSameSize) {
  constexpr size_t kCount = 300'000;
  std::vector<float> rising(kCount);
  for (size_t i = 0; i < kCount; ++i) rising[i] = static_cast<float>(i);
  std::vector<float> falling(rising.rbegin(), rising.rend());
  std::vector<float> saw(kCount);
  for (size_t i = 0; i < kCount; ++i) saw[i] = static_cast<float>(i * 7919 % 10007);
  std::mt19937 random(1);
  std::vector<float> skewed(kCount);
  for (float& value : skewed) value = std::exp(static_cast<float>(random() % 1000) / 50.0f);
  std::vector<float> shuffled = rising;
  std::shuffle(shuffled.begin(), shuffled.end(), random);
  for (const auto& values : {rising, falling, saw, skewed, shuffled}) {
    EXPECT_LT(WorstRank(values, 16), 0.01);
    EXPECT_LT(WorstRank(values, 256), 0.01);
  }
}

TEST(QuantileSketchTest, KeepsLittle) {
  QuantileSketch sketch;
  for (int i = 0; i < 1'000'000; ++i) sketch.Add(static_cast<float>(i));
  EXPECT_EQ(sketch.count(), 1'000'000u);
  EXPECT_LT(StateOf(sketch).size(), 16'000u);
}

TEST(QuantileSketchTest, GoesOnExactlyWhereItWasSaved) {
  QuantileSketch sketch;
  for (int i = 0; i < 5000; ++i) sketch.Add(static_cast<float>(i * 31 % 977));
  const std::vector<std::byte> state = StateOf(sketch);
  QuantileSketch loaded;
  StateReader reader(state);
  ASSERT_TRUE(loaded.LoadState(reader).ok());
  EXPECT_EQ(reader.remaining_bytes(), 0u);
  EXPECT_EQ(loaded.count(), sketch.count());
  for (int i = 0; i < 5000; ++i) {
    sketch.Add(static_cast<float>(i));
    loaded.Add(static_cast<float>(i));
  }
  EXPECT_EQ(StateOf(loaded), StateOf(sketch));
}

}  // namespace
}  // namespace freshet
