// Saved states: exact, canonical, independent of batches, and checked when loaded.

#include "core/base/state.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "core/model/factory.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"
#include "tests/support/plain_path.h"

namespace freshet {
namespace {

// The positions of fields in the saved state.
constexpr size_t kExampleCountPosition = 8;
constexpr size_t kStepsPosition = 24;
constexpr size_t kInterceptPosition = 36;  // If the schedule is not a plateau schedule.

std::vector<StreamExample> StreamFor(const LearnerSpec& spec) {
  return MakeStream({.loss = spec.loss,
                     .seed = 11,
                     .example_count = 500,
                     .feature_count = 50,
                     .importance_weights = true});
}

std::vector<NamedSpec> EverySpec() {
  std::vector<NamedSpec> specs = EveryOptimizerAndSchedule();
  for (NamedSpec& named : EveryOptimizerAndLoss()) {
    named.spec.linear.l1 = 0.003;
    named.spec.linear.l2 = 0.01;
    named.spec.linear.gradient_clip = 0.5;
    specs.push_back(named);
  }
  return specs;
}

template <typename T>
void Put(std::vector<std::byte>& state, size_t position, T value) {
  ASSERT_LE(position + sizeof(T), state.size());
  std::memcpy(state.data() + position, &value, sizeof(T));
}

absl::Status Load(const LearnerSpec& spec, std::span<const std::byte> state) {
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  StateReader reader(state);
  return learner->LoadState(reader);
}

TEST(LearnerStateTest, DoesNotDependOnHowTheStreamIsCut) {
  for (const auto& [name, spec] : EverySpec()) {
    SCOPED_TRACE(name);
    const std::vector<StreamExample> examples = StreamFor(spec);
    const std::unique_ptr<Learner> whole = NewLearner(spec);
    const std::vector<float> scores = Learn(*whole, examples, examples.size());
    for (const size_t batch_size : {1, 3, 7, 64, 499}) {
      const std::unique_ptr<Learner> cut = NewLearner(spec);
      EXPECT_EQ(Learn(*cut, examples, batch_size), scores);
      EXPECT_EQ(StateOf(*cut), StateOf(*whole));
    }
  }
}

TEST(LearnerStateTest, GoesOnExactlyWhereItWasSaved) {
  for (const auto& [name, spec] : EverySpec()) {
    SCOPED_TRACE(name);
    const std::vector<StreamExample> examples = StreamFor(spec);
    const std::unique_ptr<Learner> uninterrupted = NewLearner(spec);
    const std::vector<float> scores = Learn(*uninterrupted, examples);
    // Also in the middle of mini-batches (of 7) and of the plateau schedule's windows (of 40).
    for (const size_t stop : {0, 1, 100, 103, 499}) {
      const std::unique_ptr<Learner> first = NewLearner(spec);
      Learn(*first, std::span(examples).first(stop));
      const std::unique_ptr<Learner> second = Restored(spec, StateOf(*first));
      EXPECT_EQ(StateOf(*second), StateOf(*first));
      EXPECT_EQ(second->example_count(), stop);
      const std::vector<float> rest = Learn(*second, std::span(examples).subspan(stop));
      EXPECT_TRUE(std::equal(rest.begin(), rest.end(), scores.begin() + static_cast<long>(stop)));
      EXPECT_EQ(StateOf(*second), StateOf(*uninterrupted));
    }
  }
}

TEST(LearnerStateTest, IsTheSameToTheBitWithAndWithoutWideVectors) {
  if (!ProcessorHasWidePath()) GTEST_SKIP() << "this processor has no wide vectors";
  for (const auto& [name, spec] : EverySpec()) {
    SCOPED_TRACE(name);
    for (const bool unit_values : {false, true}) {
      const std::vector<StreamExample> examples = MakeStream({.loss = spec.loss,
                                                              .seed = 12,
                                                              .example_count = 500,
                                                              .feature_count = 50,
                                                              .unit_values = unit_values,
                                                              .importance_weights = unit_values});
      const std::unique_ptr<Learner> wide = NewLearner(spec);
      const std::vector<float> scores = Learn(*wide, examples);
      const float prediction = ScoreOf(*wide, examples.front());
      const PlainPath forced;
      const std::unique_ptr<Learner> plain = NewLearner(spec);
      EXPECT_EQ(Learn(*plain, examples), scores);
      EXPECT_EQ(ScoreOf(*plain, examples.front()), prediction);
      EXPECT_EQ(StateOf(*plain), StateOf(*wide));
    }
  }
}

TEST(LearnerStateTest, LeavesOutBlocksThatWereNeverTouched) {
  LearnerSpec spec;
  spec.linear.bits = 20;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  EXPECT_LT(StateOf(*learner).size(), 100u);
  Learn(*learner, {{{.label = 1, .features = {{5, 1}, {1'000'000, 1}}}}});
  EXPECT_EQ(learner->CountUsedSlots(), 2u);
  EXPECT_LT(StateOf(*learner).size(), 2 * (512 * 8 + 4) + 100u);
  EXPECT_EQ(Restored(spec, StateOf(*learner))->CountUsedSlots(), 2u);
}

TEST(LearnerStateTest, TakesNoMoreThanItsUsedSlotsAndABitForEachOther) {
  for (const auto& [name, spec] : EveryOptimizerAndSchedule()) {
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    const size_t empty_size = StateOf(*learner).size();
    const size_t slot_bytes = learner->table_bytes() / learner->slot_count();
    StreamExample example{.label = 1, .features = {}};
    // Two blocks, from nearly empty to full.
    for (uint32_t count = 1; count <= 1024; ++count) {
      example.features.push_back({(count * 389) % 1024, 1});
      if ((count & (count - 1)) != 0 && count < 1018) continue;
      Learn(*learner, {{example}});
      const size_t used = learner->CountUsedSlots();
      ASSERT_GT(used, 0u);
      const size_t sparse = used * slot_bytes + size_t{2} * (4 + 512 / 8);
      const size_t whole = 1024 * slot_bytes + size_t{2} * 4;
      const std::vector<std::byte> state = StateOf(*learner);
      EXPECT_LE(state.size() - empty_size, std::min(sparse, whole)) << used;
      EXPECT_EQ(StateOf(*Restored(spec, state)), state) << used;
    }
  }
}

TEST(LearnerStateTest, ReadsTheFormThatDigestsAreMadeOf) {
  for (const auto& [name, spec] : EverySpec()) {
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, StreamFor(spec));
    const std::vector<std::byte> old_form = StateOf(*learner, StateForm::kDigest);
    EXPECT_GT(old_form.size(), StateOf(*learner).size());
    const std::unique_ptr<Learner> restored = Restored(spec, old_form);
    EXPECT_EQ(StateOf(*restored), StateOf(*learner));
    EXPECT_EQ(StateOf(*restored, StateForm::kDigest), old_form);
  }
}

TEST(LearnerStateTest, BlocksThatAreNotInTheirShortestFormAreRefused) {
  LearnerSpec spec;
  spec.linear.bits = 10;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, {{{.label = 1, .features = {{3, 1}}}}});
  const std::vector<std::byte> state = StateOf(*learner);
  const size_t block = kInterceptPosition + sizeof(AdaGrad::Slot);
  const size_t bits = block + sizeof(uint32_t);
  ASSERT_EQ(state.at(bits), std::byte{1 << 3});
  std::vector<std::byte> other_slot = state;
  other_slot[bits] = std::byte{1 << 4};
  EXPECT_TRUE(Load(spec, other_slot).ok());
  std::vector<std::byte> zero_slot = state;
  Put(zero_slot, bits + 64, uint64_t{0});
  EXPECT_EQ(Load(spec, zero_slot).code(), absl::StatusCode::kDataLoss);
  std::vector<std::byte> no_slot = state;
  no_slot[bits] = std::byte{0};
  const auto slot = no_slot.begin() + static_cast<std::ptrdiff_t>(bits) + 64;
  no_slot.erase(slot, slot + 8);
  EXPECT_EQ(Load(spec, no_slot).code(), absl::StatusCode::kDataLoss);
}

TEST(LearnerStateTest, OfAnotherSpecIsRefused) {
  const std::vector<NamedSpec> specs = EveryOptimizerAndLoss();
  for (const NamedSpec& saved : specs) {
    const std::vector<std::byte> state = StateOf(*NewLearner(saved.spec));
    for (const NamedSpec& loaded : specs) {
      EXPECT_EQ(Load(loaded.spec, state).ok(), saved.name == loaded.name)
          << saved.name << " loaded as " << loaded.name;
    }
    LearnerSpec more_bits = saved.spec;
    more_bits.linear.bits = 11;
    EXPECT_EQ(Load(more_bits, state).code(), absl::StatusCode::kDataLoss);
  }
}

// Some states that were cut short used to be called those of another version.
TEST(LearnerStateTest, CutShortAnywhereIsRefusedAsTooShort) {
  for (const auto& [name, spec] : EveryOptimizerAndSchedule()) {
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, StreamFor(spec));
    const std::vector<std::byte> state = StateOf(*learner);
    for (size_t size = 0; size < state.size(); size += size < 200 ? 1 : 97) {
      const absl::Status status = Load(spec, std::span(state).first(size));
      EXPECT_TRUE(absl::IsDataLoss(status)) << name << " cut at " << size;
      EXPECT_NE(status.message().find("ends too early"), absl::string_view::npos)
          << name << " cut at " << size << status;
    }
  }
}

TEST(LearnerStateTest, NonFiniteAndImpossibleNumbersAreRefused) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, StreamFor(spec));
    const std::vector<std::byte> state = StateOf(*learner);
    const size_t slot_bytes = learner->table_bytes() >> spec.linear.bits;
    const size_t first_slot = kInterceptPosition + slot_bytes + sizeof(uint32_t) + 512 / 8;
    ASSERT_TRUE(Load(spec, state).ok());
    for (const size_t position : {kInterceptPosition, first_slot, first_slot + slot_bytes}) {
      for (const float bad : {std::numeric_limits<float>::quiet_NaN(),
                              std::numeric_limits<float>::infinity(), -2e12f}) {
        std::vector<std::byte> damaged = state;
        Put(damaged, position, bad);
        EXPECT_EQ(Load(spec, damaged).code(), absl::StatusCode::kDataLoss) << position;
      }
    }
    std::vector<std::byte> damaged = state;
    Put(damaged, kStepsPosition, ~uint64_t{0});
    EXPECT_EQ(Load(spec, damaged).code(), absl::StatusCode::kDataLoss);
    damaged = state;
    Put(damaged, kExampleCountPosition, ~uint64_t{0});
    EXPECT_EQ(Load(spec, damaged).code(), absl::StatusCode::kDataLoss);
  }
}

TEST(LearnerStateTest, NegativeSumsOfSquaresAreRefused) {
  LearnerSpec spec;
  spec.linear.bits = 10;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  Learn(*learner, StreamFor(spec));
  std::vector<std::byte> state = StateOf(*learner);
  Put(state, kInterceptPosition + 4, -1.0f);
  EXPECT_EQ(Load(spec, state).code(), absl::StatusCode::kDataLoss);
}

TEST(LearnerStateTest, AnyFlippedByteIsRefusedOrHarmless) {
  for (const auto& [name, spec] : EveryOptimizerAndSchedule()) {
    const std::vector<StreamExample> examples = StreamFor(spec);
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, examples);
    const std::vector<std::byte> state = StateOf(*learner);
    for (size_t position = 0; position < state.size(); position += position < 250 ? 1 : 211) {
      std::vector<std::byte> damaged = state;
      damaged[position] ^= std::byte{0xff};
      const std::unique_ptr<Learner> loaded = NewLearner(spec);
      StateReader reader(damaged);
      if (!loaded->LoadState(reader).ok()) continue;
      for (const float score : Learn(*loaded, std::span(examples).first(20))) {
        EXPECT_TRUE(std::isfinite(score)) << name << " flipped at " << position;
      }
      EXPECT_TRUE(Load(spec, StateOf(*loaded)).ok()) << name << " flipped at " << position;
    }
  }
}

// Slots hold the low 32 bits of the step at which they were last touched.
TEST(LearnerStateTest, LearningGoesOnUndisturbedWhereTheStepCounterPasses32Bits) {
  for (const auto& [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    const std::vector<StreamExample> examples = StreamFor(spec);
    // Both learners start with nothing learned. The first passes step 2^32 in the middle of the
    // stream. The other starts after so many steps that bias corrections have no effect on it
    // either.
    const auto starting_at = [&spec = spec](uint64_t steps) {
      std::vector<std::byte> state = StateOf(*NewLearner(spec));
      Put(state, kExampleCountPosition, steps);
      Put(state, kStepsPosition, steps);
      return Restored(spec, state);
    };
    const std::unique_ptr<Learner> wrapping = starting_at((uint64_t{1} << 32) - 30);
    const std::unique_ptr<Learner> plain = starting_at((uint64_t{1} << 32) + 5000);
    const std::vector<float> expected = Learn(*plain, examples);
    const std::vector<float> scores = Learn(*wrapping, examples);
    for (size_t i = 0; i < scores.size(); ++i) {
      // At step 2^32 all slots are caught up at once, which may round differently.
      ASSERT_NEAR(scores[i], expected[i], 1e-4 * (1 + std::abs(expected[i]))) << i;
    }
    for (uint32_t id = 0; id < 50; ++id) {
      EXPECT_NEAR(WeightOf(*wrapping, id), WeightOf(*plain, id), 1e-4) << id;
    }
  }
}

// Without the sweep, a feature absent for slightly more than 2^32 steps would look as if it had
// just been touched.
TEST(LearnerStateTest, FeaturesAbsentForBillionsOfStepsAreCaughtUp) {
  for (const OptimizerOptions& optimizer : {OptimizerOptions(Momentum::Options{.momentum = 0.9}),
                                            OptimizerOptions(Nesterov::Options{.momentum = 0.9})}) {
    LearnerSpec spec;
    spec.optimizer = optimizer;
    spec.linear.bits = 10;
    const StreamExample rare = {.label = 1, .features = {{7, 1}}};
    const StreamExample other = {.label = 1, .features = {{8, 1}}};
    std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, {{rare}});
    const double moved_once = WeightOf(*learner, 7);
    for (uint64_t i = 1; i <= 4; ++i) {  // Passes each sweep and jumps over the steps in between.
      std::vector<std::byte> state = StateOf(*learner);
      Put(state, kExampleCountPosition, (i << 30) - 1);
      Put(state, kStepsPosition, (i << 30) - 1);
      learner = Restored(spec, state);
      Learn(*learner, {{other}});
    }
    Learn(*learner, {{other, other}});
    // The total movement that one step sets off is a geometric series.
    const bool nesterov = std::holds_alternative<Nesterov::Options>(optimizer);
    EXPECT_NEAR(WeightOf(*learner, 7), moved_once * (nesterov ? 10 / 1.9 : 10), 1e-3);
  }
}

}  // namespace
}  // namespace freshet
