#include "server/stats/latency_histogram.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

TEST(LatencyHistogramTest, QuantilesAreWithinTheWidthOfABucket) {
  LatencyHistogram histogram;
  for (int ms = 1; ms <= 1000; ++ms) histogram.Record(absl::Milliseconds(ms));
  const LatencyHistogram::Counts counts = histogram.Read();
  EXPECT_EQ(counts.count, 1000U);
  EXPECT_NEAR(counts.sum_seconds, 500.5, 1e-6);
  for (const double quantile : {0.1, 0.5, 0.9, 0.99}) {
    const double truth_ms = quantile * 1000;
    EXPECT_NEAR(absl::ToDoubleMilliseconds(counts.Quantile(quantile)), truth_ms, 0.3 * truth_ms);
  }
}

TEST(LatencyHistogramTest, TakesWhatIsOutOfItsRange) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.Read().Quantile(0.5), absl::ZeroDuration());
  histogram.Record(absl::ZeroDuration());
  histogram.Record(-absl::Seconds(1));  // A clock that was set back.
  histogram.Record(absl::Hours(100));
  const LatencyHistogram::Counts counts = histogram.Read();
  EXPECT_EQ(counts.buckets.front(), 2U);
  EXPECT_EQ(counts.buckets.back(), 1U);
}

TEST(LatencyHistogramTest, ADurationOfABucketsBoundBelongsToIt) {
  LatencyHistogram histogram;
  histogram.Record(absl::Microseconds(10));
  EXPECT_EQ(histogram.Read().buckets[0], 1U);
  EXPECT_EQ(LatencyHistogram::UpperBoundSeconds(LatencyHistogram::kBuckets - 2), 100);
  for (size_t i = 0; i + 1 < LatencyHistogram::kBuckets; ++i) {
    LatencyHistogram one;
    const absl::Duration bound = absl::Seconds(LatencyHistogram::UpperBoundSeconds(i));
    one.Record(bound);
    one.Record(bound + absl::Microseconds(1));
    EXPECT_EQ(one.Read().buckets[i], 1U) << bound;
    EXPECT_EQ(one.Read().buckets[i + 1], 1U) << bound;
  }
}

TEST(LatencyHistogramTest, BoundsAreRoundNumbers) {
  EXPECT_EQ(LatencyHistogram::UpperBoundSeconds(0), 1e-5);
  EXPECT_EQ(LatencyHistogram::UpperBoundSeconds(1), 1.5e-5);
  EXPECT_EQ(LatencyHistogram::UpperBoundSeconds(2), 2e-5);
  EXPECT_EQ(LatencyHistogram::UpperBoundSeconds(4), 5e-5);
  EXPECT_EQ(LatencyHistogram::UpperBoundSeconds(15), 0.003);
  EXPECT_EQ(LatencyHistogram::UpperBoundSeconds(29), 0.7);
}

}  // namespace
}  // namespace freshet
