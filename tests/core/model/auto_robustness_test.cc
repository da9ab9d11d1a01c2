// Tests that nothing in a stream ruins the mixture: heavy examples, glitches, columns of any range,
// labels that flip, are rare or have outliers.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "core/loss/loss_kind.h"
#include "core/model/spec.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"
#include "tests/support/learner_specs.h"
#include "tests/support/reference_loss.h"

namespace freshet {
namespace {

using Stream = std::vector<StreamExample>;

constexpr std::array<LossKind, 5> kLosses = {LossKind::kLogistic, LossKind::kHinge,
                                             LossKind::kSquared, LossKind::kPoisson,
                                             LossKind::kQuantile};

constexpr double kTau = 0.8;

LearnerSpec SpecOf(LossKind loss, const AutoOptions& options) {
  LearnerSpec spec;
  spec.loss = loss;
  spec.quantile_tau = kTau;
  spec.optimizer = options;
  spec.linear.bits = 14;
  return spec;
}

// The same numbers with every standard library.
class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  double Uniform() { return (engine_() + 0.5) / 4294967296.0; }
  double Normal() {
    return std::sqrt(-2 * std::log(Uniform())) * std::cos(6.283185307 * Uniform());
  }
  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(Uniform() * bound); }
  float Label(LossKind loss, double score) {
    if (IsBinary(loss)) return Uniform() < 1 / (1 + std::exp(-score)) ? 1.0f : 0.0f;
    if (loss != LossKind::kPoisson) return static_cast<float>(score + Normal());
    const double none = std::exp(-std::exp(score / 2));
    float count = 0;
    for (double product = Uniform(); product > none; product *= Uniform()) count += 1;
    return count;
  }

 private:
  std::mt19937 engine_;
};

// Rows with one of 20 categories, which moves the score from -slope to slope.
Stream Categories(LossKind loss, uint32_t seed, size_t size, double slope) {
  Random random(seed);
  Stream stream(size);
  for (StreamExample& example : stream) {
    const uint32_t category = random.Below(20);
    example.features = {{category + 1, 1}};
    example.label = random.Label(loss, slope * (category - 9.5) / 9.5);
  }
  return stream;
}

// Rows with five numbers.
Stream Numbers(LossKind loss, uint32_t seed, size_t size) {
  Random random(seed);
  Stream stream(size);
  for (StreamExample& example : stream) {
    double score = 0;
    for (int i = 0; i < 5; ++i) {
      const double number = random.Normal();
      example.features.push_back({static_cast<uint32_t>(i) + 1, static_cast<float>(number)});
      score += number * (i - 2) / 2;
    }
    example.label = random.Label(loss, score);
  }
  return stream;
}

ReferenceLoss LossOf(LossKind loss) { return {.kind = loss, .tau = kTau}; }

double MeanLoss(LossKind loss, const Stream& stream, const std::function<double(size_t)>& score,
                size_t begin = 0) {
  double sum = 0;
  double weight = 0;
  for (size_t i = begin; i < stream.size(); ++i) {
    sum += stream[i].weight * LossOf(loss).Value(score(i), stream[i].label);
    weight += stream[i].weight;
  }
  return sum / weight;
}

double AutoLoss(LossKind loss, const Stream& stream, const AutoOptions& options = {},
                size_t begin = 0) {
  const std::vector<float> scores = Learn(*NewLearner(SpecOf(loss, options)), stream);
  return MeanLoss(
      loss, stream, [&](size_t i) { return scores[i]; }, begin);
}

// The loss of a constant. For classes: of predicting each label by the mean of those before it, as
// if there had been one of 1/2 before the first. For numbers: of the best constant in hindsight.
double ConstantLoss(LossKind loss, const Stream& stream) {
  if (IsBinary(loss)) {
    double positive = stream[0].weight / 2;
    double weight = stream[0].weight;
    std::vector<double> scores;
    for (const StreamExample& example : stream) {
      const bool is_hinge = loss == LossKind::kHinge;
      const double odds = positive / (weight - positive);
      scores.push_back(is_hinge ? (odds > 1 ? 1 : -1) : std::log(odds));
      weight += example.weight;
      positive += example.label > 0 ? example.weight : 0;
    }
    return MeanLoss(loss, stream, [&](size_t i) { return scores[i]; });
  }
  double low = std::numeric_limits<double>::max();
  double high = std::numeric_limits<double>::lowest();
  for (const StreamExample& example : stream) {
    low = std::min(low, 1.0 * example.label);
    high = std::max(high, 1.0 * example.label);
  }
  if (loss == LossKind::kPoisson) {
    low = -10;
    high = 15;
  }
  const auto loss_of = [&](double constant) {
    return MeanLoss(loss, stream, [&](size_t) { return constant; });
  };
  for (int i = 0; i < 60; ++i) {
    const double a = low + 0.382 * (high - low);
    const double b = low + 0.618 * (high - low);
    (loss_of(a) < loss_of(b) ? high : low) = loss_of(a) < loss_of(b) ? b : a;
  }
  return loss_of((low + high) / 2);
}

double BestMemberLoss(LossKind loss, const Stream& stream) {
  double best = std::numeric_limits<double>::max();
  for (int member = 0; member < 6; ++member) {
    const AutoOptions only{.adagrad = member == 0,
                           .fading_adagrad = member == 1,
                           .coin = member == 2,
                           .newton = member == 3,
                           .slow_sgd = member == 4,
                           .fast_sgd = member == 5,
                           .mixers = false,
                           .base_rate = false};
    best = std::min(best, AutoLoss(loss, stream, only));
  }
  return best;
}

std::string Name(LossKind loss) { return "loss " + std::to_string(static_cast<int>(loss)); }

TEST(AutoWeightsTest, TheSameWeightOnEveryRowChangesNothing) {
  for (const LossKind loss : kLosses) {
    for (const bool numbers : {false, true}) {
      Stream stream = numbers ? Numbers(loss, 7, 10000) : Categories(loss, 3, 10000, 1.5);
      const double expected = AutoLoss(loss, stream);
      for (const float weight : {0.001f, 0.01f, 0.3f, 10.0f, 100.0f, 1000.0f, 1e4f}) {
        for (StreamExample& example : stream) example.weight = weight;
        EXPECT_NEAR(AutoLoss(loss, stream) / expected, 1, 0.002) << Name(loss) << " " << weight;
      }
    }
  }
}

// The mixture had all its share on its worst part: 2.43 where the base rate has 0.70.
TEST(AutoWeightsTest, RareHeavyPositivesAreHardlyWorseThanTheBaseRateAndTheBestMember) {
  for (const LossKind loss : {LossKind::kLogistic, LossKind::kHinge}) {
    for (const float weight : {10.0f, 100.0f, 1000.0f}) {
      Random random(2);
      Stream stream(40000);
      for (StreamExample& example : stream) {
        const uint32_t category = random.Below(20);
        example.features = {{category + 1, 1}};
        example.label = random.Uniform() < 0.01 * (0.5 + category / 19.0) ? 1.0f : 0.0f;
        if (example.label > 0) example.weight = weight;
      }
      // With a weight of 1,000 there are only about as many positives as count in all, and each
      // that is learned too slowly costs as much as a thousand rows.
      const double slack = weight > 100 ? 1.06 : 1.02;
      const double mixture = AutoLoss(loss, stream);
      EXPECT_LE(mixture, slack * ConstantLoss(loss, stream)) << Name(loss) << " " << weight;
      const double of_member = loss == LossKind::kHinge ? 1.03 : 1.02;
      EXPECT_LE(mixture, of_member * BestMemberLoss(loss, stream)) << Name(loss) << " " << weight;
    }
  }
}

TEST(AutoWeightsTest, UnequalWeightsLeaveItAsGoodAsItsBestMember) {
  using WeightOf = std::function<double(Random&)>;
  const std::vector<std::pair<std::string, WeightOf>> kinds = {
      {"log-normal, sigma 1", [](Random& random) { return std::exp(random.Normal()); }},
      {"log-normal, sigma 2", [](Random& random) { return 0.01 * std::exp(2 * random.Normal()); }},
      {"one in a hundred has 100", [](Random& random) { return random.Below(100) == 0 ? 100 : 1; }},
  };
  for (const LossKind loss : kLosses) {
    for (const auto& [name, weight_of] : kinds) {
      for (const bool numbers : {false, true}) {
        Stream stream = numbers ? Numbers(loss, 7, 20000) : Categories(loss, 3, 20000, 1.5);
        Random random(5);
        for (StreamExample& example : stream) {
          example.weight = static_cast<float>(weight_of(random));
        }
        // Steps of hinge loss are of one size, so with few heavy rows its shares swing more.
        const double slack = loss == LossKind::kHinge ? 1.07 : 1.02;
        const double mixture = AutoLoss(loss, stream);
        EXPECT_LE(mixture, slack * BestMemberLoss(loss, stream)) << Name(loss) << " " << name;
        EXPECT_LE(mixture, ConstantLoss(loss, stream)) << Name(loss) << " " << name;
      }
    }
  }
}

// Rows of one number in [-1, 1], some of which are replaced.
Stream OneNumber(const std::vector<size_t>& glitches, float glitch) {
  Random random(1);
  Stream stream(22001);
  for (StreamExample& example : stream) {
    const auto x = static_cast<float>(2 * random.Uniform() - 1);
    example.label = random.Label(LossKind::kLogistic, 4 * x);
    example.features = {{7, x}};
  }
  for (const size_t row : glitches) stream[row].features[0].value = glitch;
  return stream;
}

// One value of 1e6 ended the column: a loss of 0.693 for ever.
TEST(AutoGlitchTest, RecoversWithinTwoThousandGoodRows) {
  const std::vector<std::vector<size_t>> places = {
      {2000}, {0}, {0, 1, 2}, {500, 900, 1500, 2000}, {1, 3, 10, 100, 101, 102, 103, 1000, 2000}};
  for (const std::vector<size_t>& glitches : places) {
    const size_t begin = glitches.back() + 2001;
    const double good = AutoLoss(LossKind::kLogistic, OneNumber({}, 0), {}, begin);
    for (const float glitch : {30.0f, -999.0f, 1e6f, -1e6f, 1e12f, 1e-9f}) {
      EXPECT_LE(AutoLoss(LossKind::kLogistic, OneNumber(glitches, glitch), {}, begin), 1.01 * good)
          << glitches.size() << " glitches of " << glitch << ", the last at " << glitches.back();
    }
  }
}

// Counts from 0 to 3, a share of which is replaced by a code for a missing value.
TEST(AutoGlitchTest, CodesForMissingValuesCostOnlyTheirOwnRows) {
  const auto make = [](double share, float code) {
    Random random(2);
    Stream stream(20000);
    for (auto& example : stream) {
      const double normal = random.Normal();
      auto count = static_cast<float>(std::clamp(std::floor(normal + 1.5), 0.0, 3.0));
      example.label = random.Label(LossKind::kLogistic, 2 * (count - 1.3));
      if (random.Uniform() < share) count = code;
      example.features = {{7, count}};
    }
    return stream;
  };
  const double good = AutoLoss(LossKind::kLogistic, make(0, 0));
  for (const float code : {98.0f, -999.0f}) {
    for (const double share : {0.001, 0.01, 0.02}) {
      // Such a row is predicted like one with a count of about 6.
      const double allowed = good + 7 * share + 0.005;
      EXPECT_LE(AutoLoss(LossKind::kLogistic, make(share, code)), allowed) << code << " " << share;
    }
  }
}

TEST(AutoGlitchTest, AChangeOfTheUnitOfAColumnIsFollowed) {
  for (const float factor : {1e-3f, 1e3f}) {
    Stream stream = OneNumber({}, 0);
    const double good = AutoLoss(LossKind::kLogistic, stream, {}, 16000);
    for (size_t i = 8000; i < stream.size(); ++i) stream[i].features[0].value *= factor;
    EXPECT_LE(AutoLoss(LossKind::kLogistic, stream, {}, 16000), 1.02 * good) << factor;
  }
}

// A stream in which features tell nothing, with what `change` does to each row.
Stream Nothing(LossKind loss, const std::function<void(size_t, Random&, StreamExample&)>& change) {
  Stream stream = Categories(loss, 4, 20000, 0);
  Random random(8);
  for (size_t i = 0; i < stream.size(); ++i) change(i, random, stream[i]);
  return stream;
}

void ExpectNoWorseThanAConstant(const std::string& name, LossKind loss, const Stream& stream) {
  EXPECT_LE(AutoLoss(loss, stream), 1.02 * ConstantLoss(loss, stream)) << Name(loss) << " " << name;
}

TEST(AutoRobustnessTest, ColumnsOfAnyRangeAreNoWorseThanAConstant) {
  for (const LossKind loss : kLosses) {
    ExpectNoWorseThanAConstant(
        "wide range", loss, Nothing(loss, [](size_t, Random& random, StreamExample& example) {
          for (uint32_t id = 100; id < 104; ++id) {
            const double size = std::pow(10, 18 * random.Uniform() - 9);
            const double sign = random.Below(2) == 0 ? 1 : -1;
            example.features.push_back({id, static_cast<float>(sign * size)});
          }
        }));
    ExpectNoWorseThanAConstant(
        "constant columns", loss, Nothing(loss, [](size_t, Random&, StreamExample& example) {
          for (uint32_t id = 100; id < 110; ++id) {
            example.features.push_back({id, static_cast<float>(1000 * (id - 100) + 1)});
          }
        }));
    ExpectNoWorseThanAConstant(
        "epoch", loss, Nothing(loss, [](size_t i, Random&, StreamExample& example) {
          const auto row = static_cast<double>(i);
          example.features.push_back({100, static_cast<float>(1.6e9 + 60 * row)});
          example.features.push_back({101, static_cast<float>(1.6e12 + 6e4 * row)});
        }));
    ExpectNoWorseThanAConstant(
        "noise", loss, Nothing(loss, [](size_t, Random& random, StreamExample& example) {
          for (int i = 0; i < 20; ++i) {
            example.features.push_back(
                {1000 + 200 * static_cast<uint32_t>(i) + random.Below(200), 1});
          }
        }));
  }
}

TEST(AutoRobustnessTest, LabelsThatFlipAreNoWorseThanAConstant) {
  for (const LossKind loss : kLosses) {
    for (const size_t period : {200, 1000, 5000}) {
      Stream stream = Categories(loss, 4, 20000, 1);
      for (size_t i = 0; i < stream.size(); ++i) {
        float& label = stream[i].label;
        if (i / period % 2 == 0) continue;
        label = IsBinary(loss)               ? 1 - label
                : loss == LossKind::kPoisson ? std::max(0.0f, 4 - label)
                                             : -label;
      }
      ExpectNoWorseThanAConstant("flips every " + std::to_string(period), loss, stream);
    }
  }
}

TEST(AutoRobustnessTest, OneClassAlmostAloneIsNoWorseThanAConstant) {
  for (const double share : {0.001, 0.999}) {
    Random random(9);
    Stream stream(40000);
    for (StreamExample& example : stream) {
      example.label = random.Uniform() < share ? 1.0f : 0.0f;
      for (uint32_t field = 0; field < 8; ++field) {
        example.features.push_back({1000 * field + random.Below(500), 1});
      }
    }
    ExpectNoWorseThanAConstant("share", LossKind::kLogistic, stream);
    // A hinge loss of 2 for each rare label is all there is to lose; a few are learned from.
    EXPECT_LE(AutoLoss(LossKind::kHinge, stream), 1.06 * ConstantLoss(LossKind::kHinge, stream));
  }
}

TEST(AutoRobustnessTest, OutliersAndHeavyTailsAreNoWorseThanAConstant) {
  for (const LossKind loss : {LossKind::kSquared, LossKind::kQuantile}) {
    for (const float outlier : {100.0f, 1e4f, 1e6f}) {
      for (const uint32_t one_in : {2000u, 100u}) {
        ExpectNoWorseThanAConstant(
            "outliers", loss, Nothing(loss, [&](size_t, Random& random, StreamExample& example) {
              if (random.Below(one_in) != 0) return;
              example.label = random.Below(2) == 0 ? outlier : -outlier;
            }));
      }
    }
  }
  for (const LossKind loss : {LossKind::kSquared, LossKind::kQuantile, LossKind::kPoisson}) {
    for (const double exponent : {1.1, 1.5, 2.5}) {
      ExpectNoWorseThanAConstant(
          "tail", loss, Nothing(loss, [&](size_t, Random& random, StreamExample& example) {
            const double count = std::floor(std::pow(random.Uniform(), -1 / exponent));
            example.label = static_cast<float>(std::min(1e5, count));
          }));
    }
  }
}

}  // namespace
}  // namespace freshet
