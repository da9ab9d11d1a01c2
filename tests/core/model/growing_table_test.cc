// Learners whose tables grow: the results are those of tables that do not, readers notice nothing,
// and the memory follows the content.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "core/model/learner.h"
#include "core/model/spec.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"
#include "tests/support/process_usage.h"

namespace freshet {
namespace {

// The most bits with which a table is small enough to be stored by number from the start.
int SmallBits(const LearnerSpec& spec) {
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  int bits = 10;
  while ((learner->table_bytes() / learner->slot_count()) << (bits + 1) <= 128 << 10) ++bits;
  return bits;
}

LearnerSpec WithBits(LearnerSpec spec, int bits) {
  spec.linear.bits = bits;
  return spec;
}

// Examples of ten features: half of them seen before, half of them new, as long as there are new
// ones among 2^bits.
std::vector<StreamExample> StreamOfNewFeatures(LossKind loss, int bits, size_t example_count) {
  std::mt19937 random(9);
  const uint32_t end = 1U << bits;
  uint32_t known = 1;
  std::vector<StreamExample> examples = MakeStream({.loss = loss,
                                                    .seed = 9,
                                                    .example_count = example_count,
                                                    .feature_count = 4,
                                                    .importance_weights = true});
  for (StreamExample& example : examples) {
    example.features.clear();
    for (int i = 0; i < 10; ++i) {
      const bool is_new = random() % 2 == 0 && known < end;
      const uint32_t feature = is_new ? known++ : random() % known;
      // Spread over all numbers below 2^bits. The highest bits of an id never matter.
      const auto high_bits = static_cast<uint32_t>(random() % 4) << 30;
      example.features.push_back(
          {(feature * 0x9e3779b1U) % end | high_bits, static_cast<float>(random() % 7) / 4 - 0.5f});
    }
  }
  return examples;
}

// What does not depend on how many bits the table has.
std::vector<std::byte> StateWithoutBits(const Learner& learner, StateForm form) {
  constexpr size_t kBitsPosition = 6;
  std::vector<std::byte> state = StateOf(learner, form);
  state[kBitsPosition] = std::byte{0};
  return state;
}

void ExpectSame(const Learner& learner, const Learner& expected, const StreamExample& probe) {
  for (const StateForm form : {StateForm::kCompact, StateForm::kDigest}) {
    EXPECT_EQ(StateWithoutBits(learner, form), StateWithoutBits(expected, form));
  }
  EXPECT_EQ(learner.CountUsedSlots(), expected.CountUsedSlots());
  EXPECT_EQ(learner.EstimateUsedSlots(), expected.EstimateUsedSlots());
  EXPECT_EQ(learner.CountZeroWeights(), expected.CountZeroWeights());
  std::vector<TableWeight> weights(expected.slot_count());
  std::vector<TableWeight> expected_weights(expected.slot_count());
  learner.ReadWeights(0, weights);
  expected.ReadWeights(0, expected_weights);
  EXPECT_TRUE(std::equal(weights.begin(), weights.end(), expected_weights.begin(),
                         [](const TableWeight& a, const TableWeight& b) {
                           return a.weight == b.weight && a.evidence == b.evidence;
                         }));
  EXPECT_EQ(ScoreOf(learner, probe), ScoreOf(expected, probe));
  const ExampleBatchBuilder builder = BatchOf({&probe, 1});
  const Explanation explanation = learner.Explain(builder.View(), 0);
  const Explanation expected_explanation = expected.Explain(builder.View(), 0);
  EXPECT_EQ(explanation.score, expected_explanation.score);
  ASSERT_EQ(explanation.contributions.size(), expected_explanation.contributions.size());
  for (size_t i = 0; i < explanation.contributions.size(); ++i) {
    EXPECT_EQ(explanation.contributions[i].feature_id,
              expected_explanation.contributions[i].feature_id);
    EXPECT_EQ(explanation.contributions[i].contribution,
              expected_explanation.contributions[i].contribution);
  }
}

// With one bit more, a table soon holds so much that it is stored by number; with six more it only
// grows.
TEST(GrowingTableTest, LearnsToTheBitWhatATableThatDoesNotGrowLearns) {
  for (auto [name, spec] : EveryOptimizerAndLoss()) {
    for (const double l2 : {0.0, 0.01}) {
      if (l2 > 0 && spec.loss != LossKind::kLogistic) continue;
      spec.linear.l1 = l2 / 3;
      spec.linear.l2 = l2;
      const int bits = SmallBits(spec);
      const std::vector<StreamExample> stream = StreamOfNewFeatures(spec.loss, bits, 1600);
      for (const int more_bits : {1, 6}) {
        SCOPED_TRACE(testing::Message() << name << " " << bits << "+" << more_bits << " " << l2);
        const std::unique_ptr<Learner> expected = NewLearner(WithBits(spec, bits));
        std::unique_ptr<Learner> learner = NewLearner(WithBits(spec, bits + more_bits));
        constexpr size_t kPart = 200;
        for (size_t begin = 0; begin < stream.size(); begin += kPart) {
          const auto part = std::span(stream).subspan(begin, kPart);
          ASSERT_EQ(Learn(*learner, part, 37), Learn(*expected, part, 64));
          if (begin == kPart) {
            learner = Restored(WithBits(spec, bits + more_bits), StateOf(*learner));
            ExpectSame(*learner, *expected, stream.back());
          }
          if (begin == 2 * kPart) {
            std::vector<uint32_t> numbers;
            for (uint32_t number = 0; number < expected->slot_count(); ++number) {
              if (number % 8 != 1) numbers.push_back(number);
            }
            learner->ForgetSlots(numbers);
            expected->ForgetSlots(numbers);
            ExpectSame(*learner, *expected, stream.front());
          }
        }
        ExpectSame(*learner, *expected, stream.front());
        if (testing::Test::HasFailure()) return;
      }
    }
  }
}

// The weight of a feature that is not learned any longer stays what it is, whatever else is
// learned; so readers must see the same score all the time, also while slots move.
TEST(GrowingTableTest, ReadersSeeTheSameWhileSlotsMove) {
  for (const OptimizerOptions& optimizer :
       std::vector<OptimizerOptions>{Sgd::Options{}, AdaGrad::Options{}, Ftrl::Options{},
                                     MiniBatch::Options{.examples = 7}, NagOptions{}}) {
    LearnerSpec spec;
    spec.optimizer = optimizer;
    spec.linear.intercept = false;
    const int bits = SmallBits(spec);
    spec.linear.bits = bits + 1;
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    StreamExample old{.label = 1, .features = {{0, 1}}};
    for (int i = 0; i < 21; ++i) Learn(*learner, {{old}});
    const float expected = ScoreOf(*learner, old);
    ASSERT_NE(expected, 0);
    std::vector<StreamExample> stream = StreamOfNewFeatures(spec.loss, bits, 3000);
    for (StreamExample& example : stream) {
      for (StreamFeature& feature : example.features) feature.id |= 1;
    }

    std::atomic<bool> done = false;
    std::atomic<int> ready = 0;
    std::vector<std::thread> readers;
    readers.reserve(2);
    for (int i = 0; i < 2; ++i) {
      readers.emplace_back([&] {
        const ExampleBatchBuilder builder = BatchOf({&old, 1});
        bool right = true;
        do {
          right &= ScoreOf(*learner, old) == expected;
          right &= learner->Explain(builder.View(), 0).contributions[0].contribution == expected;
          TableWeight weight;
          learner->ReadWeights(0, {&weight, 1});
          right &= weight.weight == expected;
          right &= learner->EstimateUsedSlots() > 0 && learner->CountUsedSlots() > 0;
          ready.fetch_add(1);
        } while (!done.load());
        EXPECT_TRUE(right);
      });
    }
    while (ready.load() < 2) std::this_thread::yield();
    const std::unique_ptr<Learner> alone = Restored(spec, StateOf(*learner));
    EXPECT_EQ(Learn(*learner, stream), Learn(*alone, stream));
    std::vector<uint32_t> numbers;
    for (uint32_t number = 1; number < learner->slot_count(); ++number) numbers.push_back(number);
    learner->ForgetSlots(numbers);
    alone->ForgetSlots(numbers);
    EXPECT_EQ(Learn(*learner, stream), Learn(*alone, stream));
    done.store(true);
    for (std::thread& reader : readers) reader.join();
    EXPECT_EQ(StateOf(*learner), StateOf(*alone));
  }
}

// By default, a model may use three times the size of the slots in use, and a megabyte.
TEST(GrowingTableTest, TakesMemoryForWhatItHolds) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer takes memory of its own";
#endif
  for (const auto& [feature_count, learner_count] :
       std::vector<std::pair<uint32_t, uint32_t>>{{76, 40}, {17'600, 10}, {200'000, 2}}) {
    LearnerSpec spec;
    spec.optimizer = AutoOptions{};
    spec.linear.bits = 24;
    std::mt19937 random(2);
    std::vector<std::unique_ptr<Learner>> learners;
    const uint64_t before = MemoryBytes(getpid());
    uint64_t used = 0;
    for (uint32_t i = 0; i < learner_count; ++i) {
      learners.push_back(NewLearner(spec));
      for (uint32_t next = 0; next < feature_count; next += 10) {
        StreamExample example{.label = static_cast<float>(next % 2), .features = {}};
        for (uint32_t j = 0; j < 10; ++j) {
          example.features.push_back({(next + j) % feature_count * 0x9e3779b1U, 1});
        }
        Learn(*learners.back(), {{example}});
      }
      used += learners.back()->CountUsedSlots();
    }
    const uint64_t taken = std::max(MemoryBytes(getpid()), before) - before;
    EXPECT_LE(taken, used * 64 * 3 + learner_count * (uint64_t{1} << 20)) << feature_count;

    for (const auto& learner : learners) EXPECT_EQ(learner->table_bytes(), uint64_t{64} << 24);
  }
}

}  // namespace
}  // namespace freshet
