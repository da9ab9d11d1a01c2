#include "server/service/client_limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/manual_clock.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

class ClientLimitsTest : public testing::Test {
 protected:
  ClientLimits Limits(ClientLimits::Options options) { return ClientLimits(options, clock_); }

  ManualClock clock_;
};

TEST_F(ClientLimitsTest, WithoutLimitsEverythingIsAllowed) {
  ClientLimits limits = Limits({});
  for (int i = 0; i < 1000; ++i) {
    EXPECT_TRUE(limits.TakeRequest("a").ok());
    EXPECT_TRUE(limits.TakeExamples("a", 1'000'000).ok());
    EXPECT_TRUE(limits.TakeStream("a").ok());
  }
}

TEST_F(ClientLimitsTest, ABurstOfTwoSecondsPassesAndThenTheRate) {
  ClientLimits limits = Limits({.requests_per_second = 10});
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(limits.TakeRequest("a").ok()) << i;
  const absl::Status refused = limits.TakeRequest("a");
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_EQ(refused.message(),
            "a makes more than 10 calls a second (client_limits.requests_per_second); try again in "
            "500 ms");
  EXPECT_EQ(RetryAfter(refused), absl::Milliseconds(500));
  EXPECT_TRUE(limits.TakeRequest("b").ok());  // Each client has its own limit.
  clock_.Advance(RetryAfter(refused));
  int passed = 0;
  while (limits.TakeRequest("a").ok()) ++passed;
  EXPECT_EQ(passed, 5);
  clock_.Advance(absl::Seconds(100));
  passed = 0;
  while (limits.TakeRequest("a").ok()) ++passed;
  EXPECT_EQ(passed, 20);
}

TEST_F(ClientLimitsTest, OverTimeTheRateOfExamplesHoldsWhateverTheBatches) {
  for (const uint64_t batch : {1, 64, 5000}) {
    ClientLimits limits = Limits({.examples_per_second = 1000});
    const SteadyTime end = clock_.After(absl::Seconds(100));
    uint64_t taken = 0;
    while (clock_.Now() < end) {
      const absl::Status status = limits.TakeExamples("a", batch);
      if (status.ok()) {
        taken += batch;
      } else {
        EXPECT_GT(RetryAfter(status), absl::ZeroDuration());
        clock_.Advance(RetryAfter(status));
      }
    }
    EXPECT_GE(taken, 99'000U) << batch;
    EXPECT_LE(taken, 102'000U + 2 * batch) << batch;
  }
}

TEST_F(ClientLimitsTest, StreamsAreCountedUntilTheyAreGivenBack) {
  ClientLimits limits = Limits({.max_streams = 2});
  EXPECT_TRUE(limits.TakeStream("a").ok());
  EXPECT_TRUE(limits.TakeStream("a").ok());
  const absl::Status third = limits.TakeStream("a");
  EXPECT_TRUE(absl::IsResourceExhausted(third));
  EXPECT_THAT(std::string(third.message()), HasSubstr("client_limits.max_streams"));
  EXPECT_TRUE(limits.TakeStream("b").ok());
  limits.GiveStreamBack("a");
  EXPECT_TRUE(limits.TakeStream("a").ok());
}

TEST_F(ClientLimitsTest, NewLimitsHoldFromThenOn) {
  ClientLimits limits = Limits({.requests_per_second = 1});
  EXPECT_TRUE(limits.TakeRequest("a").ok());
  EXPECT_TRUE(limits.TakeRequest("a").ok());
  EXPECT_FALSE(limits.TakeRequest("a").ok());
  limits.SetOptions({});
  EXPECT_TRUE(limits.TakeRequest("a").ok());
}

TEST_F(ClientLimitsTest, ClientsWithoutNumberTakeNoMemoryWithoutEnd) {
  ClientLimits limits = Limits({.requests_per_second = 1});
  for (int i = 0; i < 50'000; ++i) {
    clock_.Advance(absl::Milliseconds(1));
    EXPECT_TRUE(limits.TakeRequest(std::to_string(i)).ok());
  }
  // One that is still known is still held to its rate.
  EXPECT_TRUE(limits.TakeRequest("49999").ok());
  EXPECT_FALSE(limits.TakeRequest("49999").ok());
}

// Who took far more than the rate in one batch waits for it, however many other clients come.
TEST_F(ClientLimitsTest, ManyClientsDoNotForgiveOneItsDebt) {
  ClientLimits limits = Limits({.examples_per_second = 10});
  EXPECT_TRUE(limits.TakeExamples("greedy", 10'000).ok());
  for (int i = 0; i < 50'000; ++i) {
    clock_.Advance(absl::Milliseconds(1));
    EXPECT_TRUE(limits.TakeExamples(std::to_string(i), 1).ok());
  }
  EXPECT_FALSE(limits.TakeExamples("greedy", 1).ok());
}

TEST(RetryAfterTest, OtherStatusesCarryNothing) {
  EXPECT_EQ(RetryAfter(absl::OkStatus()), absl::ZeroDuration());
  EXPECT_EQ(RetryAfter(absl::ResourceExhaustedError("full")), absl::ZeroDuration());
}

}  // namespace
}  // namespace freshet
