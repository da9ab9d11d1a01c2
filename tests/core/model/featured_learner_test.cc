// Tests learners that expand features: exactness, saved states, and independence of how the stream
// is divided into batches.

#include "core/model/featured_learner.h"

#include <atomic>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "core/feature/hash.h"
#include "core/loss/logistic.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"

namespace freshet {
namespace {

FeatureOptions Everything() {
  FeatureOptions features;
  features.interactions = {{{"user", "ad"}}, {{"user", "*"}}, {{"ad", "ad", "num"}}};
  features.numerics = {{"num", NumericKind::kStandardize, 0},
                       {"bin", NumericKind::kQuantileBins, 8},
                       {"log", NumericKind::kLogBins, 0}};
  features.ngrams = {{"text", 3, 1}};
  return features;
}

FeatureOptions WithoutStandardisation() {
  FeatureOptions features = Everything();
  features.numerics.erase(features.numerics.begin());
  return features;
}

// Slots expire within the streams below.
FeatureOptions Bounded(FeatureOptions features) {
  features.admit_after = 3;
  features.expire_after_examples = 50;
  return features;
}

std::vector<FeatureOptions> AllOptions() {
  return {Everything(), WithoutStandardisation(), Bounded(Everything()),
          Bounded(WithoutStandardisation()), Bounded({})};
}

LearnerSpec Spec(const FeatureOptions& features) {
  LearnerSpec spec;
  spec.linear.bits = 12;
  spec.features = features;
  return spec;
}

// Rows with all the namespaces above; some rows lack a few of them.
void AppendRows(size_t begin, size_t end, ExampleBatchBuilder& builder) {
  for (const char* name : {"user", "ad", "num", "bin", "log", "text"}) builder.Namespace(name);
  for (size_t row = begin; row < end; ++row) {
    std::mt19937 random(static_cast<uint32_t>(row));
    const uint32_t user = random() % 20;
    builder.BeginRow(user % 3 == 0 ? 1.0f : 0.0f, random() % 9 == 0 ? 0.0f : 1.0f);
    builder.AddFeature(builder.Namespace("user"), user * 2654435761U, 1);
    const auto add = [&](const char* name, uint32_t count, bool numeric) {
      for (uint32_t i = 0; i < count; ++i) {
        const float value = numeric ? static_cast<float>(random() % 2000) / 10 - 50 : 1;
        builder.AddFeature(builder.Namespace(name), HashNamespace(name) + random() % 30, value);
      }
    };
    add("ad", random() % 3, false);
    add("num", random() % 4, true);
    add("bin", random() % 3, true);
    add("log", random() % 2, true);
    add("text", random() % 6, false);
    builder.EndRow();
  }
}

std::vector<float> LearnRows(Learner& learner, size_t begin, size_t end, size_t batch_size) {
  std::vector<float> scores;
  for (; begin < end; begin += batch_size) {
    ExampleBatchBuilder builder;
    AppendRows(begin, std::min(begin + batch_size, end), builder);
    std::vector<float> part(builder.row_count());
    learner.LearnBatch(builder.View(), part);
    scores.insert(scores.end(), part.begin(), part.end());
  }
  return scores;
}

TEST(FeaturedLearnerTest, DoesNotDependOnHowTheStreamIsCut) {
  for (const FeatureOptions& features : AllOptions()) {
    const std::unique_ptr<Learner> whole = NewLearner(Spec(features));
    const std::vector<float> scores = LearnRows(*whole, 0, 600, 600);
    for (const size_t size : {1, 7, 64}) {
      const std::unique_ptr<Learner> cut = NewLearner(Spec(features));
      EXPECT_EQ(LearnRows(*cut, 0, 600, size), scores);
      EXPECT_EQ(StateOf(*cut), StateOf(*whole));
    }
  }
}

TEST(FeaturedLearnerTest, GoesOnExactlyWhereItWasSaved) {
  for (const FeatureOptions& features : AllOptions()) {
    const LearnerSpec spec = Spec(features);
    const std::unique_ptr<Learner> whole = NewLearner(spec);
    LearnRows(*whole, 0, 600, 50);
    for (const size_t stop : {0, 1, 300}) {
      const std::unique_ptr<Learner> first = NewLearner(spec);
      LearnRows(*first, 0, stop, 50);
      const std::unique_ptr<Learner> second = Restored(spec, StateOf(*first));
      EXPECT_EQ(StateOf(*second), StateOf(*first));
      LearnRows(*second, stop, 600, 50);
      EXPECT_EQ(StateOf(*second), StateOf(*whole));
    }
  }
}

TEST(FeaturedLearnerTest, CountsExamplesThatWereLearnedWithoutSomeFeatures) {
  FeatureOptions features;
  features.interactions = {{{"a", "a"}}};
  features.numerics = {{"n", NumericKind::kStandardize, 0}};
  const LearnerSpec spec = Spec(features);
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  const auto learn = [&](uint32_t categories, uint32_t first_number, uint32_t numbers,
                         float weight = 1) {
    ExampleBatchBuilder builder;
    builder.BeginRow(1, weight);
    for (uint32_t i = 0; i < categories; ++i) {
      builder.AddFeature(builder.Namespace("a"), i * 2654435761U, 1);
    }
    for (uint32_t i = 0; i < numbers; ++i) {
      builder.AddFeature(builder.Namespace("n"), first_number + i, 3 + static_cast<float>(i));
    }
    builder.EndRow();
    float score;
    learner->LearnBatch(builder.View(), {&score, 1});
    return learner->cut_count();
  };
  const std::vector<std::byte> never_cut = StateOf(*learner);
  EXPECT_EQ(learn(361, 0, 0), 1u);  // 361 + 65,341 > 65,536.
  EXPECT_EQ(learn(361, 0, 0, 0), 1u);
  EXPECT_EQ(learn(360, 0, 0), 1u);
  EXPECT_EQ(learn(2, 0, FeatureIndex::kCapacity), 1u);
  EXPECT_EQ(learn(2, 5000, 1), 2u);
  EXPECT_EQ(learn(360, 0, 0), 3u);  // 360 + 64,980 fit, but not together with all numbers.
  EXPECT_EQ(Restored(spec, StateOf(*learner))->cut_count(), 3u);
  EXPECT_EQ(StateOf(*Restored(spec, StateOf(*learner))), StateOf(*learner));
  EXPECT_EQ(Restored(spec, never_cut)->cut_count(), 0u);
}

TEST(FeaturedLearnerTest, ExplainsScoresByTheFeaturesThatItMakes) {
  const std::unique_ptr<Learner> learner = NewLearner(Spec(Everything()));
  LearnRows(*learner, 0, 600, 50);
  ExampleBatchBuilder builder;
  AppendRows(600, 620, builder);
  const ExampleBatch batch = builder.View();
  std::vector<float> scores(batch.size());
  learner->PredictBatch(batch, scores);
  size_t made = 0;
  for (size_t row = 0; row < batch.size(); ++row) {
    const Explanation explanation = learner->Explain(batch, row);
    EXPECT_EQ(explanation.score, scores[row]);
    double sum = explanation.intercept;
    for (const Contribution& feature : explanation.contributions) sum += feature.contribution;
    EXPECT_NEAR(sum, explanation.score, 1e-5);
    made += explanation.contributions.size();
  }
  EXPECT_GT(made, batch.feature_ids.size());
}

TEST(FeaturedLearnerTest, DamagedStatesAreRefusedOrHarmless) {
  const LearnerSpec spec = Spec(Bounded(Everything()));
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  LearnRows(*learner, 0, 300, 50);
  const std::vector<std::byte> state = StateOf(*learner);
  LearnerSpec plain = spec;
  plain.features = {};
  StateReader plain_reader(state);
  ASSERT_TRUE(NewLearner(plain)->LoadState(plain_reader).ok());
  const size_t first = state.size() - plain_reader.remaining_bytes();
  ASSERT_GT(state.size(), first + 1000);
  for (size_t position = first; position < state.size();
       position += position < first + 300 ? 1 : 37) {
    StateReader cut{std::span(state).first(position)};
    const absl::Status status = NewLearner(spec)->LoadState(cut);
    EXPECT_TRUE(absl::IsDataLoss(status)) << position;
    EXPECT_NE(status.message().find("ends too early"), absl::string_view::npos)
        << position << status;
    std::vector<std::byte> damaged = state;
    damaged[position] ^= std::byte{0xff};
    const std::unique_ptr<Learner> loaded = NewLearner(spec);
    StateReader reader(damaged);
    if (!loaded->LoadState(reader).ok()) continue;
    for (const float score : LearnRows(*loaded, 300, 320, 20)) EXPECT_TRUE(std::isfinite(score));
  }
}

TEST(FeaturedLearnerTest, PredictsWhatItWouldBeforeLearning) {
  const std::unique_ptr<Learner> learner = NewLearner(Spec(Everything()));
  LearnRows(*learner, 0, 300, 50);
  for (size_t row = 300; row < 340; ++row) {
    ExampleBatchBuilder builder;
    AppendRows(row, row + 1, builder);
    float score = 0;
    learner->PredictBatch(builder.View(), {&score, 1});
    EXPECT_EQ(LearnRows(*learner, row, row + 1, 1)[0], score);
  }
}

TEST(FeaturedLearnerTest, AnExampleOfWeightZeroTeachesNothing) {
  const std::unique_ptr<Learner> learner = NewLearner(Spec(Everything()));
  LearnRows(*learner, 0, 300, 50);
  ExampleBatchBuilder probe;
  AppendRows(300, 350, probe);
  std::vector<float> before(50);
  learner->PredictBatch(probe.View(), before);
  ExampleBatchBuilder builder;
  builder.BeginRow(1, 0);
  builder.AddFeature(builder.Namespace("num"), 77, 1e6f);
  builder.AddFeature(builder.Namespace("bin"), 78, 1e6f);
  builder.EndRow();
  float score = 0;
  learner->LearnBatch(builder.View(), {&score, 1});
  std::vector<float> after(50);
  learner->PredictBatch(probe.View(), after);
  EXPECT_EQ(after, before);
  EXPECT_EQ(learner->example_count(), 301u);
}

StreamExample Positive(std::vector<StreamFeature> features) {
  return {.label = 1, .features = std::move(features)};
}

TEST(FeaturedLearnerTest, AFeatureGetsAWeightWhenItHasBeenSeenOftenEnough) {
  for (auto [name, spec] : EveryOptimizerAndSchedule()) {
    SCOPED_TRACE(name);
    spec.linear.bits = 12;
    spec.linear.intercept = false;
    spec.features.admit_after = 3;
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, {{Positive({{7, 1}}), Positive({{7, 1}}), Positive({{8, 1}})}});
    EXPECT_EQ(learner->CountUsedSlots(), 0u);
    EXPECT_EQ(WeightOf(*learner, 7), 0);
    for (int i = 0; i < 40; ++i) Learn(*learner, {{Positive({{7, 1}})}});
    EXPECT_EQ(learner->CountUsedSlots(), 1u);
    EXPECT_EQ(WeightOf(*learner, 8), 0);
  }
}

TEST(FeaturedLearnerTest, AFeatureThatIsNotSeenForLongIsForgotten) {
  for (auto [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    spec.features.expire_after_examples = 80;
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    for (int i = 0; i < 14; ++i) Learn(*learner, {{Positive({{7, 1}, {8, 1}})}});  // Two windows.
    for (int i = 0; i < 79; ++i) Learn(*learner, {{Positive({{7, 1}})}});
    EXPECT_EQ(learner->CountUsedSlots(), 2u);
    for (int i = 0; i < 12; ++i) Learn(*learner, {{Positive({{7, 1}})}});
    EXPECT_EQ(WeightOf(*learner, 8), WeightOf(*learner, 9));  // 9 was never seen.
    EXPECT_EQ(learner->CountUsedSlots(), 1u);
  }
}

// A learner with interactions learns the same as one that gets the same features, made by hand.
TEST(FeaturedLearnerTest, EveryLearnerLearnsInteractionsAsIfTheyHadBeenSent) {
  for (auto [name, spec] : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(name);
    const std::vector<StreamExample> stream = MakeStream({.loss = spec.loss, .example_count = 200});
    const std::unique_ptr<Learner> by_hand = NewLearner(spec);
    spec.features.interactions = {{{"", ""}}};
    const std::unique_ptr<Learner> made = NewLearner(spec);
    std::vector<StreamExample> expanded = stream;
    for (StreamExample& example : expanded) {
      const std::vector<StreamFeature> given = example.features;
      for (size_t i = 0; i < given.size(); ++i) {
        for (size_t k = i; k < given.size(); ++k) {
          example.features.push_back(
              {(given[i].id * 16777619U) ^ given[k].id, given[i].value * given[k].value});
        }
      }
    }
    EXPECT_EQ(Learn(*made, stream), Learn(*by_hand, expanded));
  }
}

// Mainly for the thread sanitizer.
TEST(FeaturedLearnerTest, ReadersPredictWhileTheWriterLearnsAndChangeNothing) {
  const std::unique_ptr<Learner> alone = NewLearner(Spec(Bounded(Everything())));
  const std::vector<float> expected = LearnRows(*alone, 0, 1500, 50);
  const std::unique_ptr<Learner> shared = NewLearner(Spec(Bounded(Everything())));
  std::atomic<bool> done = false;
  std::atomic<int> ready = 0;
  std::vector<std::thread> readers;
  readers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      ExampleBatchBuilder builder;
      AppendRows(0, 50, builder);
      std::vector<float> scores(50);
      bool finite = true;
      do {
        shared->PredictBatch(builder.View(), scores);
        for (const float score : scores) finite &= std::isfinite(score);
        ready.fetch_add(1);
      } while (!done.load());
      EXPECT_TRUE(finite);
    });
  }
  while (ready.load() == 0) std::this_thread::yield();
  EXPECT_EQ(LearnRows(*shared, 0, 1500, 50), expected);
  done.store(true);
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(StateOf(*shared), StateOf(*alone));
}

}  // namespace
}  // namespace freshet
