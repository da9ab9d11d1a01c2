#include "core/optimizer/schedule.h"

#include <cmath>
#include <limits>
#include <vector>

#include "core/base/state.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(ScheduleTest, ConstantStays) {
  EXPECT_EQ(Schedule(ConstantSchedule{}).Share(0), 1);
  EXPECT_EQ(Schedule(ConstantSchedule{}).Share(1'000'000'000'000), 1);
}

TEST(ScheduleTest, InversePowerFallsFromTheSecondStepOn) {
  const Schedule schedule(InversePowerSchedule{.t0 = 4, .power = 0.75});
  EXPECT_EQ(schedule.Share(0), 1);
  EXPECT_NEAR(schedule.Share(1), std::pow(4.0 / 5, 0.75), 1e-12);
  EXPECT_NEAR(schedule.Share(1'000'000), std::pow(4.0 / 1'000'004, 0.75), 1e-12);
}

TEST(ScheduleTest, ExponentialFallsSmoothly) {
  const Schedule schedule(ExponentialSchedule{.decay = 0.3, .decay_steps = 10});
  EXPECT_EQ(schedule.Share(0), 1);
  EXPECT_NEAR(schedule.Share(5), std::sqrt(0.3), 1e-12);
  EXPECT_NEAR(schedule.Share(20), 0.09, 1e-12);
}

TEST(ScheduleTest, StepFallsInStairs) {
  const Schedule schedule(StepSchedule{.decay = 0.3, .decay_steps = 10});
  EXPECT_EQ(schedule.Share(9), 1);
  EXPECT_NEAR(schedule.Share(10), 0.3, 1e-12);
  EXPECT_NEAR(schedule.Share(19), 0.3, 1e-12);
  EXPECT_NEAR(schedule.Share(20), 0.09, 1e-12);
}

TEST(ScheduleTest, SharesStayFiniteForEver) {
  constexpr double kSmallest = std::numeric_limits<double>::denorm_min();
  for (const ScheduleOptions& options :
       {ScheduleOptions(InversePowerSchedule{.t0 = 1e-6, .power = 10}),
        ScheduleOptions(ExponentialSchedule{.decay = kSmallest, .decay_steps = 1}),
        ScheduleOptions(StepSchedule{.decay = kSmallest, .decay_steps = 1})}) {
    const Schedule schedule(options);
    for (uint64_t t = 1; t < uint64_t{1} << 62; t *= 7) {
      EXPECT_GE(schedule.Share(t), 0);
      EXPECT_LE(schedule.Share(t), 1);
    }
  }
}

constexpr PlateauSchedule kPlateau = {
    .factor = 0.5, .patience = 2, .window = 3, .threshold = 0.1, .min_share = 0.2};

void ObserveWindow(Schedule& schedule, double loss) {
  for (int i = 0; i < 3; ++i) schedule.Observe(loss, 1);
}

TEST(PlateauScheduleTest, CutsAfterPatienceWindowsWithoutImprovement) {
  Schedule schedule(kPlateau);
  ASSERT_TRUE(schedule.observes_loss());
  ObserveWindow(schedule, 1.0);   // The first window is the best so far.
  ObserveWindow(schedule, 0.95);  // Not below 0.9.
  EXPECT_EQ(schedule.Share(0), 1);
  ObserveWindow(schedule, 0.91);
  EXPECT_EQ(schedule.Share(0), 0.5);
  ObserveWindow(schedule, 0.91);  // The count has restarted.
  EXPECT_EQ(schedule.Share(0), 0.5);
  ObserveWindow(schedule, 0.91);
  EXPECT_EQ(schedule.Share(0), 0.25);
}

TEST(PlateauScheduleTest, AnImprovementStartsTheCountAgain) {
  Schedule schedule(kPlateau);
  ObserveWindow(schedule, 1.0);
  ObserveWindow(schedule, 1.0);
  ObserveWindow(schedule, 0.8);
  ObserveWindow(schedule, 0.8);
  EXPECT_EQ(schedule.Share(0), 1);
  ObserveWindow(schedule, 0.8);
  EXPECT_EQ(schedule.Share(0), 0.5);
}

TEST(PlateauScheduleTest, NeverFallsBelowTheMinimum) {
  Schedule schedule(kPlateau);
  for (int i = 0; i < 100; ++i) ObserveWindow(schedule, 1.0);
  EXPECT_EQ(schedule.Share(0), 0.2);
}

TEST(PlateauScheduleTest, LossesAreWeighted) {
  Schedule schedule(kPlateau);
  ObserveWindow(schedule, 1.0);
  for (int i = 0; i < 2; ++i) {  // The weighted mean is 0.89, the plain one above 1.
    schedule.Observe(0.8, 8.2);
    schedule.Observe(1.3, 0.9);
    schedule.Observe(1.3, 0.9);
  }
  EXPECT_EQ(schedule.Share(0), 1);
}

TEST(PlateauScheduleTest, GoesOnFromASavedState) {
  Schedule schedule(kPlateau);
  for (int i = 0; i < 8; ++i) schedule.Observe(1.0, 1);  // One example before the rate is reduced.
  StateWriter writer;
  schedule.SaveState(writer);
  const auto chunk = writer.Chunks().front();

  Schedule restored(kPlateau);
  StateReader reader(chunk);
  ASSERT_TRUE(restored.LoadState(reader).ok());
  EXPECT_EQ(restored.Share(0), 1);
  restored.Observe(1.0, 1);
  EXPECT_EQ(restored.Share(0), 0.5);
}

TEST(PlateauScheduleTest, RefusesAnImpossibleState) {
  Schedule schedule(kPlateau);
  StateWriter writer;
  schedule.SaveState(writer);
  const auto chunk = writer.Chunks().front();
  for (size_t i = 0; i + 8 <= 32; i += 8) {
    std::vector<std::byte> damaged(chunk.begin(), chunk.end());
    for (size_t j = i; j < i + 8; ++j) damaged[j] = std::byte{0xff};  // NaN.
    StateReader reader(damaged);
    EXPECT_EQ(Schedule(kPlateau).LoadState(reader).code(), absl::StatusCode::kDataLoss) << i;
  }
}

}  // namespace
}  // namespace freshet
