#include "client/generate/conversion_generator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "client/generate/random.h"
#include "core/feature/hash.h"

namespace freshet {
namespace {

constexpr double kHourMs = 3600e3;
constexpr double kDayMs = 24 * kHourMs;

std::vector<Conversion> Draw(const ConversionGeneratorOptions& options, int count) {
  ConversionGenerator generator(options);
  std::vector<Conversion> drawn;
  drawn.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) drawn.push_back(generator.Next());
  return drawn;
}

std::string ConversionLines(const ConversionGeneratorOptions& options, int count) {
  std::string lines;
  for (const Conversion& conversion : Draw(options, count)) AppendJsonLine(conversion, lines);
  return lines;
}

// Every machine must generate these numbers.
TEST(ConversionGeneratorTest, IsTheSameOnEveryMachine) {
  EXPECT_EQ(
      ConversionLines({.seed = 1}, 1),
      R"({"id": "e0", "time": 1699833602715, "user": {"id": "33", "segment": "7", "age": 0.36}, "item": {"id": "943", "category": "4", "price": 0.12}, "context": {"site": "45", "device": "0", "position": "1", "weekday": "0", "hour": "0"}, "pair": {"segment_category": "7_4", "device_position": "0_1"}}
)");
  EXPECT_EQ(MurmurHash3(ConversionLines({.seed = 1}, 10000), 0), 2997861303u);
  EXPECT_EQ(MurmurHash3(ConversionLines({.seed = 2, .campaign_ms = kHourMs}, 10000), 0),
            4022842529u);
  uint64_t delay_sum = 0;
  for (const Conversion& drawn : Draw({.seed = 3}, 10000)) delay_sum += drawn.delay_ms.value_or(0);
  EXPECT_EQ(delay_sum, 44847307545u);
}

TEST(ConversionGeneratorTest, ConvertsAsOftenAsItsModelSays) {
  for (const double share : {0.22, 0.01}) {
    constexpr int kCount = 200'000;
    double positives = 0;
    double expected = 0;
    double variance = 0;
    for (const Conversion& drawn : Draw({.seed = 3, .positive_share = share}, kCount)) {
      EXPECT_EQ(drawn.event.clicked, drawn.delay_ms.has_value());
      positives += drawn.event.clicked ? 1 : 0;
      expected += drawn.event.probability;
      variance += drawn.event.probability * (1 - drawn.event.probability);
    }
    EXPECT_NEAR(expected / kCount, share, 0.1 * share);
    EXPECT_LT(std::abs(positives - expected), 4 * std::sqrt(variance));
  }
}

TEST(ConversionGeneratorTest, DelaysAreDistributedAsItSays) {
  const ConversionGeneratorOptions options = {
      .positive_share = 0.5, .mean_delay_ms = 6 * kHourMs, .window_ms = 12 * kHourMs};
  double count = 0;
  double early = 0;
  for (const Conversion& drawn : Draw(options, 100'000)) {
    if (!drawn.delay_ms.has_value()) continue;
    const auto delay_ms = static_cast<double>(*drawn.delay_ms);
    EXPECT_LT(delay_ms, options.window_ms);
    ++count;
    early += delay_ms <= 3 * kHourMs ? 1 : 0;
  }
  const double share = (1 - std::exp(-0.5)) / (1 - std::exp(-2.0));
  EXPECT_NEAR(DelayShare(options, 3 * kHourMs), share, 1e-12);
  EXPECT_NEAR(early / count, share, 4 * std::sqrt(share * (1 - share) / count));
  EXPECT_EQ(DelayShare(options, 12 * kHourMs), 1);
  EXPECT_EQ(DelayShare(options, 20 * kHourMs), 1);
}

TEST(ConversionGeneratorTest, TimesGoOnEvenlyAndMakeTheHour) {
  const std::vector<Conversion> drawn = Draw({.events_per_hour = 100}, 1000);
  for (size_t i = 1; i < drawn.size(); ++i) {
    ASSERT_GE(drawn[i].time_ms, drawn[i - 1].time_ms);
    const auto hours = static_cast<uint32_t>(i / 100);
    EXPECT_EQ(drawn[i].event.hour, hours % 24);
    EXPECT_EQ(drawn[i].event.weekday, hours / 24);
  }
}

TEST(ConversionGeneratorTest, CampaignsBeginInMidStream) {
  std::set<uint32_t> seen;
  for (const Conversion& drawn :
       Draw({.events_per_hour = 100, .campaign_ms = kDayMs}, 100 * 24 * 3)) {
    ASSERT_TRUE(drawn.campaign.has_value());
    EXPECT_LE(*drawn.campaign, drawn.number / (uint64_t{100} * 24));
    seen.insert(*drawn.campaign);
  }
  EXPECT_EQ(seen, (std::set<uint32_t>{0, 1, 2}));
  EXPECT_FALSE(Draw({}, 1)[0].campaign.has_value());
}

TEST(RandomTest, ExponentialDrawsHaveTheirMeanAndTail) {
  Random random(4);
  constexpr int kDraws = 200'000;
  double sum = 0;
  double beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double drawn = DrawExponential(random);
    sum += drawn;
    beyond_two += drawn > 2 ? 1 : 0;
  }
  EXPECT_NEAR(sum / kDraws, 1, 0.01);
  EXPECT_NEAR(beyond_two / kDraws, std::exp(-2.0), 0.003);
}

}  // namespace
}  // namespace freshet
