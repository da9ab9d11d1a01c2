#include "client/generate/click_generator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/generate/random.h"
#include "core/feature/hash.h"
#include "tests/core/format/rows.h"

namespace freshet {
namespace {

std::string Lines(const ClickGeneratorOptions& options, int count) {
  ClickGenerator generator(options);
  std::string lines;
  for (int i = 0; i < count; ++i) AppendVwLine(generator.Next(), lines);
  return lines;
}

TEST(ClickGeneratorTest, RepeatsItselfForASeed) {
  EXPECT_EQ(Lines({.seed = 5, .drift_rows = 100}, 1000),
            Lines({.seed = 5, .drift_rows = 100}, 1000));
  EXPECT_NE(Lines({.seed = 5}, 10), Lines({.seed = 6}, 10));
}

// A model that has learned one stream could not be asked about another one of the same kind.
TEST(ClickGeneratorTest, StreamsOfOneWorldDifferAndHaveTheSameHiddenModel) {
  EXPECT_EQ(Lines({.seed = 5, .world_seed = 5}, 100), Lines({.seed = 5}, 100));
  EXPECT_NE(Lines({.seed = 6, .world_seed = 5}, 100), Lines({.seed = 6}, 100));
  const auto segments = [](uint64_t seed, std::optional<uint64_t> world_seed) {
    ClickGenerator generator({.seed = seed, .world_seed = world_seed});
    std::map<uint32_t, uint32_t> found;  // The segments of users.
    for (int i = 0; i < 1000; ++i) {
      const ClickEvent event = generator.Next();
      found[event.user] = event.segment;
    }
    return found;
  };
  const auto common = [](const auto& a, const auto& b) {  // Users of both, and those that agree.
    std::pair<int, int> counts;
    for (const auto& [user, segment] : a) {
      const auto other = b.find(user);
      if (other == b.end()) continue;
      ++counts.first;
      counts.second += other->second == segment ? 1 : 0;
    }
    return counts;
  };
  const auto same = common(segments(5, std::nullopt), segments(6, 5));
  EXPECT_GT(same.first, 50);
  EXPECT_EQ(same.first, same.second);
  const auto apart = common(segments(5, std::nullopt), segments(6, std::nullopt));
  EXPECT_LT(apart.second, apart.first / 2);
}

// Every machine must generate these numbers.
TEST(ClickGeneratorTest, IsTheSameOnEveryMachine) {
  EXPECT_EQ(Lines({.seed = 1}, 2),
            "-1 |user id=33 segment=7 age:0.36 |item id=943 category=4 price:0.12 "
            "|context site=45 device=0 position=1 weekday=5 hour=21 "
            "|pair segment_category=7_4 device_position=0_1\n"
            "-1 |user id=62626 segment=10 age:0.76 |item id=4939 category=18 price:0.67 "
            "|context site=176 device=1 position=0 weekday=2 hour=21 "
            "|pair segment_category=10_18 device_position=1_0\n");
  EXPECT_EQ(MurmurHash3(Lines({.seed = 1}, 10000), 0), 4038617715u);
  EXPECT_EQ(MurmurHash3(Lines({.seed = 2, .drift_rows = 500}, 10000), 0), 3056870708u);
}

TEST(ClickGeneratorTest, ClicksAsOftenAsItsModelSays) {
  ClickGenerator generator({.seed = 3});
  constexpr int kCount = 200'000;
  double clicks = 0;
  double expected = 0;
  double variance = 0;
  for (int i = 0; i < kCount; ++i) {
    const ClickEvent event = generator.Next();
    clicks += event.clicked ? 1 : 0;
    expected += event.probability;
    variance += event.probability * (1 - event.probability);
  }
  EXPECT_NEAR(clicks / kCount, 0.15, 0.015);
  EXPECT_LT(std::abs(clicks - expected), 4 * std::sqrt(variance));
}

TEST(ClickGeneratorTest, HasAModelThatIsWorthLearning) {
  ClickGenerator generator({.seed = 4});
  double loss = 0;
  double clicks = 0;
  constexpr int kCount = 100'000;
  for (int i = 0; i < kCount; ++i) {
    const ClickEvent event = generator.Next();
    loss -= std::log(event.clicked ? event.probability : 1 - event.probability);
    clicks += event.clicked ? 1 : 0;
  }
  const double rate = clicks / kCount;
  const double base_rate_loss = -rate * std::log(rate) - (1 - rate) * std::log(1 - rate);
  EXPECT_LT(loss / kCount, 0.85 * base_rate_loss);
}

TEST(ClickGeneratorTest, WritesEachEventAsARow) {
  ClickGenerator generator({.seed = 5});
  FormatTester tester("vw", {});
  for (int i = 0; i < 100; ++i) {
    const ClickEvent event = generator.Next();
    std::string line;
    AppendVwLine(event, line);
    ASSERT_EQ(line.back(), '\n');
    line.pop_back();
    const PlainRow row = tester.RowOf(line);
    EXPECT_EQ(row.label, event.clicked ? 1 : -1);
    std::vector<PlainFeature> expected = {
        Named("user", "id=" + std::to_string(event.user)),
        Named("user", "segment=" + std::to_string(event.segment)),
        Named("user", "age", event.age),
        Named("item", "id=" + std::to_string(event.item)),
        Named("item", "category=" + std::to_string(event.category)),
        Named("item", "price", event.price),
        Named("context", "site=" + std::to_string(event.site)),
        Named("context", "device=" + std::to_string(event.device)),
        Named("context", "position=" + std::to_string(event.position)),
        Named("context", "weekday=" + std::to_string(event.weekday)),
        Named("context", "hour=" + std::to_string(event.hour)),
        Named("pair", "segment_category=" + std::to_string(event.segment) + "_" +
                          std::to_string(event.category)),
        Named("pair", "device_position=" + std::to_string(event.device) + "_" +
                          std::to_string(event.position))};
    std::erase_if(expected, [](const PlainFeature& feature) { return feature.value == 0; });
    EXPECT_EQ(row.features, expected);
  }
}

TEST(ClickGeneratorTest, DriftsWhenTold) {
  ClickGenerator still({.seed = 7});
  ClickGenerator drifting({.seed = 7, .drift_rows = 1000});
  int same = 0;
  for (int i = 0; i < 2000; ++i) {
    const ClickEvent a = still.Next();
    const ClickEvent b = drifting.Next();
    EXPECT_EQ(a.user, b.user);
    if (i < 1000) {
      EXPECT_EQ(a.probability, b.probability);
    } else {
      same += a.probability == b.probability ? 1 : 0;
    }
  }
  EXPECT_LT(same, 50);
}

TEST(ClickGeneratorTest, KeepsItsClickRateWhenItDrifts) {
  ClickGenerator generator({.seed = 8, .drift_rows = 5000});
  double expected = 0;
  for (int i = 0; i < 100'000; ++i) expected += generator.Next().probability;
  EXPECT_NEAR(expected / 100'000, 0.15, 0.02);
}

TEST(RandomTest, SigmoidIsThatOfTheLibrary) {
  for (int i = -100; i <= 100; ++i) {
    const double x = 0.37 * i;
    const double expected = 1 / (1 + std::exp(-x));
    EXPECT_NEAR(PortableSigmoid(x) / expected, 1, 1e-12) << x;
  }
  EXPECT_EQ(PortableSigmoid(1e9), 1);
  EXPECT_GE(PortableSigmoid(-1e9), 0);
  EXPECT_LT(PortableSigmoid(-1e9), 1e-300);
}

TEST(RandomTest, ZipfDrawsByRank) {
  constexpr uint32_t kRanks = 50;
  constexpr int kDraws = 500'000;
  const ZipfSampler sampler(kRanks, 2);
  Random random(1);
  std::vector<int> counts(kRanks);
  for (int i = 0; i < kDraws; ++i) ++counts[sampler.Draw(random)];
  double total = 0;
  for (uint32_t k = 0; k < kRanks; ++k) total += 1.0 / (k + 2);
  for (uint32_t k = 0; k < kRanks; ++k) {
    const double expected = 1.0 * kDraws / (k + 2) / total;
    EXPECT_NEAR(counts[k], expected, 5 * std::sqrt(expected)) << k;
  }
  EXPECT_EQ(ZipfSampler(1, 1).Draw(random), 0u);
}

}  // namespace
}  // namespace freshet
