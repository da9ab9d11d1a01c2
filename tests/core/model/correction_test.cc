// Tests what Learner::CorrectBatch() does: labels that turn out to be others after they were
// learned.

#include <cmath>
#include <functional>
#include <memory>
#include <queue>
#include <random>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "core/model/factory.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"
#include "tests/support/reference_learner.h"

namespace freshet {
namespace {

constexpr uint32_t kFeatureCount = 60;

// Corrects the labels of examples, which have the new ones, in one batch. Returns the scores.
std::vector<float> Correct(Learner& learner, std::span<const StreamExample> examples,
                           std::span<const float> old_labels) {
  const ExampleBatchBuilder builder = BatchOf(examples);
  std::vector<float> scores(examples.size());
  learner.CorrectBatch(builder.View(), old_labels, scores);
  return scores;
}

float Correct(Learner& learner, const StreamExample& example, float old_label) {
  return Correct(learner, {&example, 1}, {&old_label, 1}).front();
}

// The specs whose learners support corrections.
std::vector<NamedSpec> Supported(std::vector<NamedSpec> specs) {
  std::erase_if(specs, [](const NamedSpec& named) {
    return !NewLearner(named.spec)->supports_corrections();
  });
  return specs;
}

// Another label than that of the example.
float OtherLabel(LossKind loss, float label) {
  if (IsBinary(loss)) return label > 0 ? -1.0f : 1.0f;
  return loss == LossKind::kPoisson ? label + 1 : label * 0.5f - 1;
}

std::vector<StreamExample> StreamFor(const LearnerSpec& spec, uint32_t seed) {
  return MakeStream({.loss = spec.loss,
                     .seed = seed,
                     .example_count = 900,
                     .feature_count = kFeatureCount,
                     .unit_values = seed % 2 == 0,
                     .importance_weights = true});
}

LearnerSpec SgdSpec() {
  LearnerSpec spec;
  spec.optimizer = Sgd::Options{};
  spec.linear.bits = 10;
  spec.linear.learning_rate = 0.25;
  spec.linear.intercept = false;
  return spec;
}

TEST(CorrectionTest, PlainGradientLearnersSupportThem) {
  const std::set<std::string> expected = {"sgd",      "minibatch", "momentum",
                                          "nesterov", "adagrad",   "ftrl"};
  for (const NamedSpec& named : EveryOptimizerAndLoss()) {
    const std::string optimizer = named.name.substr(0, named.name.rfind('_'));
    EXPECT_EQ(NewLearner(named.spec)->supports_corrections(), expected.contains(optimizer))
        << named.name;
    EXPECT_EQ(SupportsCorrections(named.spec.optimizer), expected.contains(optimizer))
        << named.name;
  }
}

TEST(CorrectionTest, OneStepOfSgdIsWhatTheFormulaSays) {
  LearnerSpec spec = SgdSpec();
  spec.loss = LossKind::kSquared;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  const auto example = [](float label) { return StreamExample{label, 1, {{3, 2}}}; };
  Learn(*learner, {{example(1)}});
  // The gradient of (s - y)^2 at s = 0 is -2: w = 0.25 * 2 * 2.
  ASSERT_EQ(WeightOf(*learner, 3), 1);
  // At s = 2 it is -2 for the label 3 and 2 for the label 1: w += 0.25 * 4 * 2.
  EXPECT_EQ(Correct(*learner, example(3), 1), 2);
  EXPECT_EQ(WeightOf(*learner, 3), 3);
  // Which is where the label 3 alone leads.
  const std::unique_ptr<Learner> at_once = NewLearner(spec);
  Learn(*at_once, {{example(3)}});
  EXPECT_EQ(WeightOf(*at_once, 3), 3);
}

TEST(CorrectionTest, ALogisticCorrectionIsOneWhateverTheScore) {
  const std::unique_ptr<Learner> learner = NewLearner(SgdSpec());
  for (const float value : {0.5f, 3.0f, -2.0f}) {
    const double before = WeightOf(*learner, 3);
    Correct(*learner, {.label = 1, .weight = 2, .features = {{3, value}}}, 0);
    EXPECT_NEAR(WeightOf(*learner, 3) - before, 0.25 * 2 * value, 1e-6);
    Correct(*learner, {.label = 0, .weight = 2, .features = {{3, value}}}, 1);
    EXPECT_NEAR(WeightOf(*learner, 3), before, 1e-6);
  }
}

// After one example, whose score was 0 and whose only feature has moved the score a little.
TEST(CorrectionTest, SquaredGradientsBecomeThoseOfTheNewLabel) {
  for (const OptimizerOptions& optimizer :
       {OptimizerOptions(AdaGrad::Options{}), OptimizerOptions(Ftrl::Options{})}) {
    LearnerSpec spec = SgdSpec();
    spec.optimizer = optimizer;
    spec.loss = LossKind::kSquared;
    spec.linear.learning_rate = 1e-6;
    const auto evidence = [](const Learner& learner) {
      TableWeight weight;
      learner.ReadWeights(3, {&weight, 1});
      return weight.evidence;
    };
    const std::unique_ptr<Learner> learner = NewLearner(spec);
    Learn(*learner, {{{2, 1, {{3, 1}}}}});
    EXPECT_NEAR(evidence(*learner), 16, 1e-3);
    Correct(*learner, {5, 1, {{3, 1}}}, 2);
    EXPECT_NEAR(evidence(*learner), 100, 1e-3);
    Correct(*learner, {1, 1, {{3, 1}}}, 5);  // Never falls, so that rates never rise.
    EXPECT_NEAR(evidence(*learner), 100, 1e-3);
  }
}

// Learns with other labels first, and corrects each example some time later.
void ExpectSameAsReference(const LearnerSpec& spec, uint32_t seed) {
  const std::vector<StreamExample> examples = StreamFor(spec, seed);
  constexpr size_t kDelay = 37;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  ReferenceLearner reference(spec, kFeatureCount);
  const auto expect_near = [](double score, double expected) {
    ASSERT_NEAR(score, expected, 3e-4 * (1 + std::abs(expected)));
  };
  for (size_t i = 0; i < examples.size() + kDelay; ++i) {
    SCOPED_TRACE(i);
    if (i < examples.size()) {
      StreamExample first = examples[i];
      if (i % 3 != 0) first.label = OtherLabel(spec.loss, first.label);
      expect_near(Learn(*learner, {&first, 1}).front(), reference.Learn(first));
    }
    if (i >= kDelay && (i - kDelay) % 3 != 0) {
      const StreamExample& example = examples[i - kDelay];
      const float old_label = OtherLabel(spec.loss, example.label);
      expect_near(Correct(*learner, example, old_label), reference.Correct(example, old_label));
    }
    if (testing::Test::HasFatalFailure()) return;
  }
  for (uint32_t id = 0; id < kFeatureCount; ++id) {
    expect_near(WeightOf(*learner, id), reference.weight(id));
  }
  EXPECT_EQ(learner->skipped_count(), 0u);
  EXPECT_EQ(learner->example_count(), examples.size());
}

TEST(CorrectionTest, EveryLearnerAndLossIsLikeTheReference) {
  for (const NamedSpec& named : Supported(EveryOptimizerAndLoss())) {
    SCOPED_TRACE(named.name);
    ExpectSameAsReference(named.spec, 1);
    ExpectSameAsReference(named.spec, 2);
  }
}

TEST(CorrectionTest, EveryLearnerAndScheduleIsLikeTheReference) {
  for (const NamedSpec& named : Supported(EveryOptimizerAndSchedule())) {
    SCOPED_TRACE(named.name);
    ExpectSameAsReference(named.spec, 3);
  }
}

TEST(CorrectionTest, RegularisationAndClippingAreLikeTheReference) {
  for (const NamedSpec& named : Supported(EveryOptimizerAndLoss())) {
    SCOPED_TRACE(named.name);
    LearnerSpec spec = named.spec;
    spec.linear.l2 = 0.05;
    spec.linear.gradient_clip = 0.2;
    ExpectSameAsReference(spec, 4);
    spec.linear.l1 = 0.02;
    spec.linear.gradient_clip = 0;
    spec.linear.regularize_intercept = true;
    ExpectSameAsReference(spec, 5);
  }
}

TEST(CorrectionTest, TheSameLabelAndTheWeightZeroChangeNothing) {
  for (const NamedSpec& named : EveryOptimizerAndLoss()) {
    SCOPED_TRACE(named.name);
    const std::vector<StreamExample> examples = StreamFor(named.spec, 6);
    const std::unique_ptr<Learner> learner = NewLearner(named.spec);
    Learn(*learner, examples);
    const std::vector<std::byte> before = StateOf(*learner);
    for (StreamExample example : {examples[3], examples[500]}) {
      const float score = ScoreOf(*learner, example);
      EXPECT_EQ(Correct(*learner, example, example.label), score);
      example.weight = 0;
      EXPECT_EQ(Correct(*learner, example, OtherLabel(named.spec.loss, example.label)), score);
    }
    EXPECT_EQ(StateOf(*learner), before);
  }
}

TEST(CorrectionTest, OtherLearnersOnlyPredict) {
  for (const NamedSpec& named : EveryOptimizerAndLoss()) {
    const std::unique_ptr<Learner> learner = NewLearner(named.spec);
    if (learner->supports_corrections()) continue;
    SCOPED_TRACE(named.name);
    const std::vector<StreamExample> examples = StreamFor(named.spec, 6);
    Learn(*learner, examples);
    const std::vector<std::byte> before = StateOf(*learner);
    const float score = ScoreOf(*learner, examples[3]);
    const float other = OtherLabel(named.spec.loss, examples[3].label);
    EXPECT_EQ(Correct(*learner, examples[3], other), score);
    EXPECT_EQ(StateOf(*learner), before);
  }
}

TEST(CorrectionTest, DoNotDependOnTheDivisionIntoBatches) {
  for (const NamedSpec& named : Supported(EveryOptimizerAndLoss())) {
    SCOPED_TRACE(named.name);
    std::vector<StreamExample> examples = StreamFor(named.spec, 7);
    examples.resize(100);
    examples[5].features.push_back(examples[5].features.front());  // A feature that occurs twice.
    std::vector<float> old_labels;
    old_labels.reserve(examples.size());
    for (const StreamExample& example : examples) {
      old_labels.push_back(OtherLabel(named.spec.loss, example.label));
    }
    const std::unique_ptr<Learner> whole = NewLearner(named.spec);
    const std::unique_ptr<Learner> single = NewLearner(named.spec);
    for (Learner* learner : {whole.get(), single.get()}) Learn(*learner, examples);
    const std::vector<float> scores = Correct(*whole, examples, old_labels);
    for (size_t i = 0; i < examples.size(); ++i) {
      EXPECT_EQ(Correct(*single, examples[i], old_labels[i]), scores[i]);
    }
    EXPECT_EQ(StateOf(*whole), StateOf(*single));
  }
}

TEST(CorrectionTest, ASkippedCorrectionIsCountedAndTheStateLoads) {
  const LearnerSpec spec = SgdSpec();
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  const StreamExample huge{.label = 1, .weight = 1, .features = {{3, 1e30f}}};
  Learn(*learner, {{huge}});
  EXPECT_EQ(Correct(*learner, huge, 0), 0);
  EXPECT_EQ(learner->skipped_count(), 2u);
  EXPECT_EQ(learner->example_count(), 1u);
  EXPECT_EQ(ScoreOf(*learner, huge), 0);
  EXPECT_EQ(Restored(spec, StateOf(*learner))->skipped_count(), 2u);
}

TEST(CorrectionTest, TransformedFeaturesAreCorrectedToo) {
  LearnerSpec spec = SgdSpec();
  spec.features.interactions = {{{"", ""}}};
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  ASSERT_TRUE(learner->supports_corrections());
  const StreamExample example{.label = 1, .weight = 1, .features = {{3, 1}, {4, 1}}};
  Correct(*learner, example, 0);
  // Two features, and their pairs with themselves and with each other, at a rate of 1/4 each.
  EXPECT_FLOAT_EQ(ScoreOf(*learner, example), 5 * 0.25);
}

TEST(CorrectionTest, ACorrectionIsNoFurtherSightingOfAFeature) {
  LearnerSpec spec = SgdSpec();
  spec.features.admit_after = 3;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  const StreamExample example{.label = 1, .weight = 1, .features = {{3, 1}}};
  Learn(*learner, {{example, example}});
  Correct(*learner, example, 0);
  Correct(*learner, example, 0);
  EXPECT_EQ(WeightOf(*learner, 3), 0);
  Learn(*learner, {{example}});
  EXPECT_GT(WeightOf(*learner, 3), 0);
}

TEST(CorrectionTest, AForgottenFeatureStaysForgotten) {
  LearnerSpec spec = SgdSpec();
  spec.features.expire_after_examples = 16;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  const StreamExample example{.label = 0, .weight = 1, .features = {{3, 1}}};
  const StreamExample other{.label = 0, .weight = 1, .features = {{4, 1}}};
  Learn(*learner, {{example}});
  ASSERT_NE(WeightOf(*learner, 3), 0);
  Learn(*learner, std::vector<StreamExample>(64, other));
  ASSERT_EQ(WeightOf(*learner, 3), 0);
  Correct(*learner, {.label = 1, .weight = 1, .features = {{3, 1}, {4, 1}}}, 0);
  EXPECT_EQ(WeightOf(*learner, 3), 0);
  EXPECT_EQ(learner->CountUsedSlots(), 1u);
}

// A stream whose true probabilities are known. Items drift, and new ones begin all the time.
struct KnownExample {
  StreamExample example;  // With its final label.
  double probability = 0;
  float first_label = 0;  // With which it is learned at once.
  size_t delay = 0;       // After which the final label is known, in examples.
};

std::vector<KnownExample> MakeKnownStream(double base, size_t count, double mean_delay) {
  std::mt19937 random(11);
  const auto uniform = [&] { return (random() + 0.5) / 4294967296.0; };
  constexpr uint32_t kLive = 30;
  std::vector<double> users(50);
  for (double& user : users) user = 3 * (uniform() - 0.5);
  std::vector<double> items(kLive);
  std::vector<uint32_t> ids(kLive);
  uint32_t next_id = 100;
  const auto begin_item = [&](size_t place) {
    items[place] = 2 * (uniform() - 0.5);
    ids[place] = next_id++;
  };
  for (size_t place = 0; place < kLive; ++place) begin_item(place);
  std::vector<KnownExample> stream(count);
  // Labels are drawn so that their sum keeps close to that of the probabilities: the tests below
  // are about a bias, not about noise.
  double due = uniform();
  for (size_t i = 0; i < count; ++i) {
    if (i % (count / 100) == 0) begin_item(random() % kLive);
    const uint32_t user = random() % users.size();
    const uint32_t item = random() % kLive;
    items[item] += 0.02 * (uniform() - 0.5);
    KnownExample& known = stream[i];
    known.example.features = {{user, 1}, {ids[item], 1}};
    known.probability = 1 / (1 + std::exp(-(base + users[user] + items[item])));
    due += known.probability;
    known.example.label = due >= 1 ? 1 : 0;
    due -= known.example.label;
    known.delay = 1 + static_cast<size_t>(-mean_delay * std::log(uniform()));
  }
  return stream;
}

// Learns each example at once with its first label, and corrects it after its delay. Returns the
// mean prediction as served over the second half of the stream, divided by the mean probability.
double CalibrationOf(const LearnerSpec& spec, const std::vector<KnownExample>& stream,
                     bool corrects = true) {
  constexpr size_t kBatch = 50;
  const std::unique_ptr<Learner> learner = NewLearner(spec);
  using Late = std::pair<size_t, size_t>;  // When it is known, and which example it is.
  std::priority_queue<Late, std::vector<Late>, std::greater<>> late;
  double predicted = 0;
  double probability = 0;
  for (size_t begin = 0; begin < stream.size(); begin += kBatch) {
    std::vector<StreamExample> corrected;
    std::vector<float> old_labels;
    for (; !late.empty() && late.top().first <= begin; late.pop()) {
      corrected.push_back(stream[late.top().second].example);
      old_labels.push_back(stream[late.top().second].first_label);
    }
    Correct(*learner, corrected, old_labels);
    std::vector<StreamExample> learned;
    for (size_t i = begin; i < begin + kBatch; ++i) {
      learned.push_back(stream[i].example);
      learned.back().label = stream[i].first_label;
      if (corrects && stream[i].example.label != stream[i].first_label) {
        late.emplace(i + stream[i].delay, i);
      }
    }
    const std::vector<float> scores = Learn(*learner, learned);
    if (begin < stream.size() / 2) continue;
    for (size_t i = 0; i < kBatch; ++i) {
      predicted += learner->Prediction(scores[i]);
      probability += stream[begin + i].probability;
    }
  }
  return predicted / probability;
}

// The supported optimizers with logistic loss, at a multiple of their default rates. The intercept
// starts near the rate of the stream, so that a short stream is enough.
std::vector<NamedSpec> SupportedOptimizers(double initial_intercept, double rate_factor) {
  std::vector<NamedSpec> specs = {{"sgd", {}},      {"minibatch", {}}, {"momentum", {}},
                                  {"nesterov", {}}, {"adagrad", {}},   {"ftrl", {}}};
  const auto set = [&](size_t i, const OptimizerOptions& optimizer, double rate) {
    specs[i].spec.optimizer = optimizer;
    LinearOptions& linear = specs[i].spec.linear;
    linear.learning_rate = linear.intercept_learning_rate = rate_factor * rate;
    linear.initial_intercept = initial_intercept;
    linear.bits = 10;
  };
  set(0, Sgd::Options{}, Sgd::kDefaultLearningRate);
  set(1, MiniBatch::Options{}, MiniBatch::kDefaultLearningRate);
  set(2, Momentum::Options{}, Momentum::kDefaultLearningRate);
  set(3, Nesterov::Options{}, Nesterov::kDefaultLearningRate);
  set(4, AdaGrad::Options{}, AdaGrad::kDefaultLearningRate);
  set(5, Ftrl::Options{}, Ftrl::kDefaultLearningRate);
  return specs;
}

TEST(CorrectionTest, LatePositivesEndWithinOnePercentOfTheTruth) {
  const std::vector<KnownExample> often = MakeKnownStream(-1.5, 100000, 1000);
  for (const auto& [name, spec] : SupportedOptimizers(-1.5, 1)) {
    SCOPED_TRACE(name);
    EXPECT_NEAR(CalibrationOf(spec, often), 1, 0.01);
    EXPECT_LT(CalibrationOf(spec, often, false), 0.05);
  }
  const std::vector<KnownExample> rarely = MakeKnownStream(-5.2, 400000, 4000);
  for (const auto& [name, spec] : SupportedOptimizers(-5.2, 4)) {
    SCOPED_TRACE(name);
    EXPECT_NEAR(CalibrationOf(spec, rarely), 1, 0.01);
  }
}

// Three in ten of the positives, such as purchases that are sent back.
TEST(CorrectionTest, WithdrawnPositivesEndWithinOnePercentOfTheTruth) {
  std::vector<KnownExample> stream = MakeKnownStream(-1.5, 100000, 1000);
  size_t positives = 0;
  for (KnownExample& known : stream) {
    known.first_label = known.example.label;
    known.probability *= 0.7;
    if (known.first_label == 1 && positives++ % 10 < 3) known.example.label = 0;
  }
  for (const auto& [name, spec] : SupportedOptimizers(-1.5, 1)) {
    SCOPED_TRACE(name);
    EXPECT_NEAR(CalibrationOf(spec, stream), 1, 0.01);
    EXPECT_GT(CalibrationOf(spec, stream, false), 1.4);
  }
}

}  // namespace
}  // namespace freshet
