// Compares learners with PyTorch on dense streams; golden/make_golden.py has made the numbers.

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/model/spec.h"
#include "gtest/gtest.h"
#include "tests/support/example_stream.h"

namespace freshet {
namespace {

struct GoldenCase {
  std::vector<double> scores;   // Of every fourth row, before the update on it.
  std::vector<double> weights;  // After the last row; the intercept is last.
};

struct Golden {
  std::vector<StreamExample> examples;
  std::map<std::string, GoldenCase> cases;
};

Golden ReadGolden() {
  Golden golden;
  std::ifstream file(FRESHET_SOURCE_DIR "/tests/core/optimizer/golden/golden.txt");
  EXPECT_TRUE(file.is_open());
  std::string name;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string kind;
    words >> kind;
    if (kind == "case") {
      name = line.substr(5);
      continue;
    }
    std::vector<double> numbers;
    for (double number; words >> number;) numbers.push_back(number);
    if (kind == "scores") {
      golden.cases[name].scores = numbers;
    } else if (kind == "weights") {
      golden.cases[name].weights = numbers;
    } else {
      StreamExample example;
      example.label = static_cast<float>(numbers[0]);
      for (size_t i = 1; i < numbers.size(); ++i) {
        example.features.push_back({static_cast<uint32_t>(i), static_cast<float>(numbers[i])});
      }
      golden.examples.push_back(example);
    }
  }
  return golden;
}

// The optimizers of make_golden.py, with their rates.
const std::map<std::string, std::pair<OptimizerOptions, double>>& Rules() {
  static const auto* rules = new std::map<std::string, std::pair<OptimizerOptions, double>>{
      {"sgd", {Sgd::Options{}, 0.1}},
      {"minibatch", {MiniBatch::Options{.examples = 7}, 0.5}},
      {"momentum", {Momentum::Options{.momentum = 0.8}, 0.03}},
      {"nesterov", {Nesterov::Options{.momentum = 0.8}, 0.03}},
      {"adagrad", {AdaGrad::Options{.epsilon = 0.3}, 0.4}},
      {"rmsprop", {RmsProp::Options{.rho = 0.95, .epsilon = 1e-12}, 0.02}},
      {"adam", {Adam::Options{.beta1 = 0.8, .beta2 = 0.98, .epsilon = 1e-3}, 0.05}},
  };
  return *rules;
}

// The options of the case with this name.
LearnerSpec SpecOf(const std::string& name) {
  std::istringstream words(name);
  std::string rule;
  std::string kind;
  words >> rule >> kind;
  LearnerSpec spec;
  spec.linear.bits = 10;
  double rate;
  std::tie(spec.optimizer, rate) = Rules().at(rule);
  double intercept_rate = rate / 2;
  if (kind == "logistic" || kind == "squared") {
    spec.loss = kind == "squared" ? LossKind::kSquared : LossKind::kLogistic;
    if (kind == "squared") rate *= 0.3;
    intercept_rate = rate;
    if (name.find("l2 clip") != std::string::npos) {
      intercept_rate = rate / 4;
      spec.linear.l2 = 0.02;
      spec.linear.gradient_clip = 0.25;
    }
  } else if (kind == "inverse_power") {
    spec.schedule = InversePowerSchedule{.t0 = 5, .power = 0.7};
  } else if (kind == "exponential") {
    spec.schedule = ExponentialSchedule{.decay = 0.4, .decay_steps = 50};
  } else if (kind == "step") {
    spec.schedule = StepSchedule{.decay = 0.6, .decay_steps = 15};
  } else if (kind == "plateau") {
    rate *= 8;
    intercept_rate = rate;
    spec.schedule = PlateauSchedule{
        .factor = 0.5, .patience = 2, .window = 10, .threshold = 0.01, .min_share = 0.1};
  } else {
    ADD_FAILURE() << "unknown case " << name;
  }
  spec.linear.learning_rate = rate;
  spec.linear.intercept_learning_rate = intercept_rate;
  return spec;
}

TEST(GoldenTest, EveryOptimizerLossAndScheduleLearnsWhatPyTorchLearns) {
  const Golden golden = ReadGolden();
  ASSERT_EQ(golden.cases.size(), 44u);
  for (const auto& [name, expected] : golden.cases) {
    SCOPED_TRACE(name);
    const std::unique_ptr<Learner> learner = NewLearner(SpecOf(name));
    const std::vector<float> scores = Learn(*learner, golden.examples);
    for (size_t i = 0; i < expected.scores.size(); ++i) {
      EXPECT_NEAR(scores[4 * i], expected.scores[i], 1e-4 * (1 + std::abs(expected.scores[i])));
    }
    const double intercept = ScoreOf(*learner, {});
    EXPECT_NEAR(intercept, expected.weights.back(), 1e-4);
    for (uint32_t i = 0; i + 1 < expected.weights.size(); ++i) {
      EXPECT_NEAR(WeightOf(*learner, i + 1), expected.weights[i],
                  1e-4 * (1 + std::abs(expected.weights[i])));
    }
  }
}

}  // namespace
}  // namespace freshet
