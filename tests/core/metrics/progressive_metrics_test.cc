#include "core/metrics/progressive_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <vector>

#include "core/base/state.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

constexpr LossKind kLosses[] = {LossKind::kLogistic, LossKind::kSquared, LossKind::kHinge,
                                LossKind::kPoisson, LossKind::kQuantile};

struct Column {
  std::vector<float> scores;
  std::vector<float> labels;
  std::vector<float> weights;
};

// Examples whose scores correlate with the labels, with weights from 0 to 3.
Column MakeColumn(LossKind loss, size_t size) {
  std::mt19937 random(5);
  Column column;
  for (size_t i = 0; i < size; ++i) {
    const float score = static_cast<float>(random() % 1000) / 200 - 3.5f;
    const float noise = static_cast<float>(random() % 1000) / 100 - 5;
    column.scores.push_back(score);
    if (IsBinary(loss)) {
      column.labels.push_back(score + noise > 0 ? 1.0f : -1.0f);
    } else if (loss == LossKind::kPoisson) {
      column.labels.push_back(std::floor(std::exp(0.3f * (score + noise))));
    } else {
      column.labels.push_back(score + noise);
    }
    column.weights.push_back(static_cast<float>(random() % 7) / 2);
  }
  return column;
}

double HalfDeviance(double mean, double label) {
  return mean - label + (label > 0 ? label * std::log(label / mean) : 0);
}

// The mean loss of predicting the mean label of all examples for each of them. Each example
// multiplies the weights of those before it by `decay`.
double ConstantLoss(LossKind loss, const Column& column, double decay) {
  std::vector<double> weights;
  double weight_sum = 0, label_sum = 0;
  const auto label_of = [&](size_t i) {
    return IsBinary(loss) ? (column.labels[i] > 0 ? 1.0 : 0.0) : column.labels[i];
  };
  for (size_t i = 0; i < column.labels.size(); ++i) {
    for (double& weight : weights) weight *= column.weights[i] > 0 ? decay : 1;
    weights.push_back(column.weights[i]);
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    weight_sum += weights[i];
    label_sum += weights[i] * label_of(i);
  }
  const double mean = label_sum / weight_sum;
  double sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const double label = label_of(i);
    if (loss == LossKind::kLogistic) {
      sum -= weights[i] * std::log(label > 0 ? mean : 1 - mean);
    } else if (loss == LossKind::kHinge) {
      sum += weights[i] * std::max(0.0, 1.0 - (label > 0 ? 1 : -1) * (mean > 0.5 ? 1 : -1));
    } else if (loss == LossKind::kPoisson) {
      sum += weights[i] * HalfDeviance(mean, label);
    } else {
      sum += weights[i] * std::pow(mean - label, 2);
    }
  }
  return sum / weight_sum;
}

// The definitions, implemented literally.
ProgressiveFigures Expected(LossKind loss, const Column& column) {
  ProgressiveFigures figures;
  double loss_sum = 0, prediction_sum = 0, label_sum = 0;
  double decayed_weight = 0, decayed_loss = 0;
  for (size_t i = 0; i < column.scores.size(); ++i) {
    const double weight = column.weights[i];
    if (weight == 0) continue;
    const double score = column.scores[i];
    double label = column.labels[i];
    double example_loss, prediction;
    if (loss == LossKind::kLogistic) {
      label = label > 0 ? 1 : 0;
      prediction = 1 / (1 + std::exp(-score));
      example_loss = -std::log(label > 0 ? prediction : 1 - prediction);
    } else if (loss == LossKind::kHinge) {
      example_loss = std::max(0.0, 1 - label * score);
      label = label > 0 ? 1 : 0;
      prediction = 0;
    } else if (loss == LossKind::kPoisson) {
      prediction = std::exp(score);
      example_loss = HalfDeviance(prediction, label);
    } else {
      prediction = score;
      example_loss = std::pow(score - label, 2);
    }
    figures.example_count += 1;
    figures.weight_sum += weight;
    loss_sum += weight * example_loss;
    prediction_sum += weight * prediction;
    label_sum += weight * label;
    const double decay = 1 - 1 / ProgressiveMetrics::kDecayExampleCount;
    decayed_weight = decay * decayed_weight + weight;
    decayed_loss = decay * decayed_loss + weight * example_loss;
  }
  figures.loss = loss_sum / figures.weight_sum;
  figures.base_rate_loss = ConstantLoss(loss, column, 1);
  figures.decayed_loss = decayed_loss / decayed_weight;
  figures.decayed_base_rate_loss =
      ConstantLoss(loss, column, 1 - 1 / ProgressiveMetrics::kDecayExampleCount);
  figures.relative_gain = 1 - figures.loss / figures.base_rate_loss;
  if (loss != LossKind::kHinge) figures.calibration = prediction_sum / label_sum;
  figures.label_mean = label_sum / figures.weight_sum;
  return figures;
}

// AUC by comparing all pairs; ties count half.
double ExactAuc(const Column& column) {
  double right = 0, all = 0;
  for (size_t i = 0; i < column.scores.size(); ++i) {
    for (size_t j = 0; j < column.scores.size(); ++j) {
      if (column.labels[i] <= 0 || column.labels[j] > 0) continue;
      const double weight = static_cast<double>(column.weights[i]) * column.weights[j];
      all += weight;
      if (column.scores[i] > column.scores[j]) right += weight;
      if (column.scores[i] == column.scores[j]) right += weight / 2;
    }
  }
  return right / all;
}

std::vector<std::byte> StateOf(const ProgressiveMetrics& metrics) {
  StateWriter writer;
  metrics.SaveState(writer);
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

TEST(ProgressiveMetricsTest, FiguresAreThoseOfTheDefinitions) {
  for (const LossKind loss :
       {LossKind::kLogistic, LossKind::kSquared, LossKind::kHinge, LossKind::kPoisson}) {
    const Column column = MakeColumn(loss, 3000);
    ProgressiveMetrics metrics({.loss = loss});
    metrics.Update(column.scores, column.labels, column.weights);
    const ProgressiveFigures figures = metrics.Figures();
    const ProgressiveFigures expected = Expected(loss, column);
    EXPECT_EQ(figures.example_count, expected.example_count);
    EXPECT_LT(figures.example_count, 3000u);  // Some have weight 0.
    EXPECT_DOUBLE_EQ(figures.weight_sum, expected.weight_sum);
    EXPECT_NEAR(figures.loss, expected.loss, 1e-10);
    EXPECT_NEAR(figures.decayed_loss, expected.decayed_loss, 1e-10);
    EXPECT_NEAR(figures.base_rate_loss, expected.base_rate_loss, 1e-10);
    EXPECT_NEAR(figures.decayed_base_rate_loss, expected.decayed_base_rate_loss, 1e-10);
    EXPECT_NEAR(figures.relative_gain, expected.relative_gain, 1e-10);
    ASSERT_EQ(figures.calibration.has_value(), expected.calibration.has_value());
    if (expected.calibration) {
      EXPECT_NEAR(*figures.calibration, *expected.calibration, 1e-6);
    }
    EXPECT_NEAR(figures.label_mean, expected.label_mean, 1e-10);
  }
}

TEST(ProgressiveMetricsTest, AucIsThatOfAllPairsUpToTheWidthOfABucket) {
  const Column column = MakeColumn(LossKind::kLogistic, 2000);
  ProgressiveMetrics metrics({.loss = LossKind::kLogistic});
  metrics.Update(column.scores, column.labels, column.weights);
  EXPECT_NEAR(metrics.Figures().auc.value(), ExactAuc(column), 1e-3);
}

TEST(ProgressiveMetricsTest, HingeLossHasAnAucToo) {
  const Column column = MakeColumn(LossKind::kHinge, 2000);
  ProgressiveMetrics metrics({.loss = LossKind::kHinge});
  metrics.Update(column.scores, column.labels, column.weights);
  EXPECT_NEAR(metrics.Figures().auc.value(), ExactAuc(column), 1e-3);
}

TEST(ProgressiveMetricsTest, QuantileFiguresAreThePinballLossAndTheCoverage) {
  const Column column = MakeColumn(LossKind::kQuantile, 5000);
  ProgressiveMetrics metrics({.loss = LossKind::kQuantile, .quantile_tau = 0.8});
  metrics.Update(column.scores, column.labels, column.weights);
  double weight_sum = 0, loss_sum = 0, covered = 0;
  std::vector<float> labels;
  for (size_t i = 0; i < column.scores.size(); ++i) {
    const double error = static_cast<double>(column.labels[i]) - column.scores[i];
    weight_sum += column.weights[i];
    loss_sum += column.weights[i] * (error > 0 ? 0.8 * error : -0.2 * error);
    covered += error <= 0 ? column.weights[i] : 0;
    if (column.weights[i] > 0) labels.push_back(column.labels[i]);
  }
  const ProgressiveFigures figures = metrics.Figures();
  EXPECT_NEAR(figures.loss, loss_sum / weight_sum, 1e-10);
  EXPECT_NEAR(figures.calibration.value(), covered / weight_sum / 0.8, 1e-10);
  EXPECT_FALSE(figures.auc.has_value());
  // The base rate's loss is close to that of the best constant.
  std::sort(labels.begin(), labels.end());
  const double best = labels[labels.size() * 8 / 10];
  double best_sum = 0;
  for (size_t i = 0; i < column.labels.size(); ++i) {
    const double error = column.labels[i] - best;
    best_sum += column.weights[i] * (error > 0 ? 0.8 * error : -0.2 * error);
  }
  EXPECT_NEAR(figures.base_rate_loss, best_sum / weight_sum, 0.02 * best_sum / weight_sum);
}

TEST(ProgressiveMetricsTest, AucOfTiesIsHalfAndOfPerfectScoresOne) {
  ProgressiveMetrics ties({.loss = LossKind::kLogistic});
  ties.Update(std::vector<float>{1, 1, 1}, std::vector<float>{1, 0, 0}, {});
  EXPECT_EQ(ties.Figures().auc, 0.5);
  ProgressiveMetrics perfect({.loss = LossKind::kLogistic});
  perfect.Update(std::vector<float>{100, -100, -3}, std::vector<float>{1, 0, 0}, {});
  EXPECT_EQ(perfect.Figures().auc, 1.0);
  ProgressiveMetrics reversed({.loss = LossKind::kLogistic});
  reversed.Update(std::vector<float>{-1, 1}, std::vector<float>{1, 0}, {});
  EXPECT_EQ(reversed.Figures().auc, 0.0);
}

TEST(ProgressiveMetricsTest, IsZeroAndAbsentWithoutExamples) {
  for (const LossKind loss : kLosses) {
    ProgressiveMetrics metrics({.loss = loss});
    metrics.Update({}, {}, {});
    metrics.Update(std::vector<float>{1}, std::vector<float>{1}, std::vector<float>{0});
    const ProgressiveFigures figures = metrics.Figures();
    EXPECT_EQ(figures.example_count, 0u);
    EXPECT_EQ(figures.loss, 0);
    EXPECT_EQ(figures.relative_gain, 0);
    EXPECT_FALSE(figures.auc.has_value());
    EXPECT_FALSE(figures.calibration.has_value());
  }
}

TEST(ProgressiveMetricsTest, AucAndCalibrationWaitForBothLabels) {
  ProgressiveMetrics metrics({.loss = LossKind::kLogistic});
  metrics.Update(std::vector<float>{1}, std::vector<float>{0}, {});
  EXPECT_FALSE(metrics.Figures().auc.has_value());
  EXPECT_FALSE(metrics.Figures().calibration.has_value());
  metrics.Update(std::vector<float>{1}, std::vector<float>{1}, {});
  EXPECT_TRUE(metrics.Figures().auc.has_value());
  EXPECT_TRUE(metrics.Figures().calibration.has_value());
}

// Once, the loss of a confident mistake was capped at 34.5, so streams with such mistakes looked
// better than they were.
TEST(ProgressiveMetricsTest, AMistakeCostsItsScoreUpTo50) {
  for (const float score : {20.0f, 34.5f, 36.0f, 45.5f, 50.0f, 60.0f, 1e30f}) {
    ProgressiveMetrics wrong({.loss = LossKind::kLogistic});
    wrong.Update(std::vector<float>{score, -score}, std::vector<float>{0, 1}, {});
    EXPECT_NEAR(wrong.Figures().loss, std::min(score, 50.0f), 1e-6) << score;
    ProgressiveMetrics right({.loss = LossKind::kLogistic});
    right.Update(std::vector<float>{score, -score}, std::vector<float>{1, 0}, {});
    EXPECT_NEAR(right.Figures().loss, std::exp(-std::min(score, 50.0f)), 1e-14) << score;
    EXPECT_GT(right.Figures().loss, 0);
  }
  ProgressiveMetrics old({.loss = LossKind::kLogistic});  // Old log records still count that way.
  old.Update(std::vector<float>{45}, std::vector<float>{0}, {}, ProgressiveMetrics::kOldScoreLimit);
  EXPECT_NEAR(old.Figures().loss, -std::log(1e-15), 1e-3);
}

// The order of the labels must not matter. Once, the base rate was a running mean, so that on a
// changing stream it was a different constant at each example.
TEST(ProgressiveMetricsTest, TheBaseRateIsOneConstantForAllExamples) {
  std::vector<float> labels(3000, 0.0f);
  std::fill_n(labels.begin() + 1000, 1000, 1.0f);
  const std::vector<float> scores(labels.size(), 0.0f);
  const double entropy = -std::log(1.0 / 3) / 3 - std::log(2.0 / 3) * 2 / 3;
  ProgressiveMetrics logistic({.loss = LossKind::kLogistic});
  logistic.Update(scores, labels, {});
  EXPECT_NEAR(logistic.Figures().base_rate_loss, entropy, 1e-12);
  EXPECT_NEAR(logistic.Figures().window.base_rate_loss, entropy, 1e-12);
  ProgressiveMetrics squared({.loss = LossKind::kSquared});
  squared.Update(scores, labels, {});
  EXPECT_NEAR(squared.Figures().base_rate_loss, 2.0 / 9, 1e-12);
  ProgressiveMetrics hinge({.loss = LossKind::kHinge});
  hinge.Update(scores, labels, {});
  EXPECT_NEAR(hinge.Figures().base_rate_loss, 2.0 / 3, 1e-12);
  std::vector<float> far = labels;
  for (float& label : far) label += 1e5f;
  ProgressiveMetrics far_off({.loss = LossKind::kSquared});
  far_off.Update(scores, far, {});
  EXPECT_NEAR(far_off.Figures().base_rate_loss, 2.0 / 9, 1e-9);
}

TEST(ProgressiveMetricsTest, HostileNumbersStayFinite) {
  constexpr float kMax = std::numeric_limits<float>::max();
  for (const LossKind loss : kLosses) {
    ProgressiveMetrics metrics({.loss = loss});
    for (int i = 0; i < 10; ++i) {
      const float low = loss == LossKind::kPoisson ? 0 : -kMax;
      metrics.Update(std::vector<float>{kMax, -kMax, 0}, std::vector<float>{low, kMax, kMax},
                     std::vector<float>{kMax, 1e-38f, 1});
    }
    const ProgressiveFigures figures = metrics.Figures();
    EXPECT_TRUE(std::isfinite(figures.loss));
    EXPECT_TRUE(std::isfinite(figures.base_rate_loss));
    EXPECT_TRUE(std::isfinite(figures.decayed_loss));
    EXPECT_TRUE(std::isfinite(figures.label_mean));
  }
}

TEST(ProgressiveMetricsTest, StateDoesNotDependOnCutsAndGoesOnExactly) {
  for (const LossKind loss : kLosses) {
    const Column column = MakeColumn(loss, 1500);
    ProgressiveMetrics whole({.loss = loss});
    whole.Update(column.scores, column.labels, column.weights);
    for (const size_t cut : {1, 7, 255, 256, 257, 1000}) {
      ProgressiveMetrics metrics({.loss = loss});
      for (size_t begin = 0; begin < column.scores.size(); begin += cut) {
        const size_t size = std::min(cut, column.scores.size() - begin);
        metrics.Update(std::span(column.scores).subspan(begin, size),
                       std::span(column.labels).subspan(begin, size),
                       std::span(column.weights).subspan(begin, size));
        // Each piece is counted by a new object.
        const std::vector<std::byte> state = StateOf(metrics);
        ProgressiveMetrics restored({.loss = loss});
        StateReader reader(state);
        ASSERT_TRUE(restored.LoadState(reader).ok());
        ASSERT_EQ(reader.remaining_bytes(), 0u);
        metrics = restored;
      }
      EXPECT_EQ(StateOf(metrics), StateOf(whole)) << cut;
    }
  }
}

// Version 1 had no windows, number metrics or drift detection. What it had is kept, and the rest
// starts anew.
TEST(ProgressiveMetricsTest, ReadsTheStateOfVersion1AndItsTotalsGoOn) {
  for (const LossKind loss : kLosses) {
    const Column column = MakeColumn(loss, 1500);
    const auto part = [&](const std::vector<float>& values, bool first) {
      return first ? std::span(values).first(600) : std::span(values).subspan(600);
    };
    ProgressiveMetrics whole({.loss = loss});
    whole.Update(part(column.scores, true), part(column.labels, true), part(column.weights, true));
    StateWriter version1;
    whole.SaveTotals(version1);
    StateReader reader(version1.Chunks().front());
    ProgressiveMetrics loaded({.loss = loss});
    ASSERT_TRUE(loaded.LoadState(reader).ok());
    ASSERT_EQ(reader.remaining_bytes(), 0u);
    EXPECT_EQ(loaded.Figures().window.example_count, 0u);
    for (ProgressiveMetrics* metrics : {&whole, &loaded}) {
      metrics->Update(part(column.scores, false), part(column.labels, false),
                      part(column.weights, false));
    }
    StateWriter whole_totals;
    StateWriter loaded_totals;
    whole.SaveTotals(whole_totals);
    loaded.SaveTotals(loaded_totals);
    const auto expected = whole_totals.Chunks().front();
    const auto found = loaded_totals.Chunks().front();
    EXPECT_TRUE(std::equal(found.begin(), found.end(), expected.begin(), expected.end()));
    EXPECT_GT(loaded.Figures().window.example_count, 0u);
    EXPECT_LT(loaded.Figures().window.example_count, whole.Figures().window.example_count);
  }
}

// In version 2, the base rate was a running mean. The losses it reported stay the same, and the new
// base rate continues from them.
TEST(ProgressiveMetricsTest, ReadsTheStateOfVersion2AndItsBaseRateGoesOn) {
  for (const LossKind loss : kLosses) {
    const Column column = MakeColumn(loss, 1500);
    ProgressiveMetrics whole({.loss = loss});
    whole.Update(column.scores, column.labels, column.weights);
    std::vector<std::byte> state = StateOf(whole);
    state[0] = std::byte{2};
    constexpr size_t kBaseRateBytes = 8 * sizeof(double);
    state.resize(state.size() - kBaseRateBytes);
    StateReader reader(state);
    ProgressiveMetrics loaded({.loss = loss});
    ASSERT_TRUE(loaded.LoadState(reader).ok());
    ASSERT_EQ(reader.remaining_bytes(), 0u);
    const ProgressiveFigures expected = whole.Figures();
    const ProgressiveFigures figures = loaded.Figures();
    EXPECT_NEAR(figures.base_rate_loss, expected.base_rate_loss, 0.01 * expected.base_rate_loss);
    EXPECT_NEAR(figures.decayed_base_rate_loss, expected.decayed_base_rate_loss,
                0.05 * expected.decayed_base_rate_loss);
    EXPECT_NEAR(figures.window.base_rate_loss, expected.window.base_rate_loss,
                0.01 * expected.window.base_rate_loss);
    loaded.Update(column.scores, column.labels, column.weights);
    whole.Update(column.scores, column.labels, column.weights);
    EXPECT_NEAR(loaded.Figures().base_rate_loss, whole.Figures().base_rate_loss,
                0.01 * expected.base_rate_loss);
  }
}

TEST(ProgressiveMetricsTest, TheWindowForgetsWhatIsLongPast) {
  ProgressiveMetrics metrics({});
  const std::vector<float> labels = {1, -1, 1, 1};
  for (int i = 0; i < 60'000; ++i) {  // Wrong at first, right from then on.
    const float s = i < 10'000 ? -2.0f : 2.0f;
    metrics.Update(std::vector<float>{s, -s, s, s}, labels, {});
  }
  const ProgressiveFigures figures = metrics.Figures();
  const WindowFigures& window = figures.window;
  EXPECT_EQ(window.example_count, 140'000u);
  EXPECT_NEAR(window.loss, std::log(1 + std::exp(-2)), 1e-9);
  EXPECT_EQ(window.auc, 1.0);
  EXPECT_LT(figures.auc.value(), 0.9);
  EXPECT_GT(figures.loss, window.loss + 0.2);
  EXPECT_GT(window.relative_gain, 0.7);
  EXPECT_NEAR(window.label_mean, 0.75, 1e-12);
  const double p = 1 / (1 + std::exp(-2));
  EXPECT_NEAR(window.calibration.value(), (0.75 * p + 0.25 * (1 - p)) / 0.75, 1e-9);
}

TEST(ProgressiveMetricsTest, BeforeTheWindowIsFullItIsTheWholeStream) {
  for (const LossKind loss : kLosses) {
    const Column column = MakeColumn(loss, 777);
    ProgressiveMetrics metrics({.loss = loss});
    metrics.Update(column.scores, column.labels, column.weights);
    const ProgressiveFigures figures = metrics.Figures();
    EXPECT_EQ(figures.window.example_count, figures.example_count);
    EXPECT_NEAR(figures.window.loss, figures.loss, 1e-9 * figures.loss);
    EXPECT_NEAR(figures.window.base_rate_loss, figures.base_rate_loss, 1e-9);
    EXPECT_EQ(figures.window.auc.has_value(), figures.auc.has_value());
    EXPECT_EQ(figures.window.calibration.has_value(), figures.calibration.has_value());
  }
}

TEST(ProgressiveMetricsTest, LossesOfNumbersHaveErrorsAndLossesOfTwoClassesHaveNot) {
  for (const LossKind loss : kLosses) {
    const Column column = MakeColumn(loss, 500);
    ProgressiveMetrics metrics({.loss = loss});
    metrics.Update(column.scores, column.labels, column.weights);
    const ProgressiveFigures figures = metrics.Figures();
    EXPECT_EQ(figures.mean_squared_error.has_value(), !IsBinary(loss));
    EXPECT_EQ(figures.mean_absolute_error.has_value(), !IsBinary(loss));
    EXPECT_EQ(figures.r_squared.has_value(), !IsBinary(loss));
    EXPECT_EQ(figures.reliability_bins.empty(), loss != LossKind::kLogistic);
  }
  // For Poisson loss, the predicted count is not the score.
  ProgressiveMetrics counts({.loss = LossKind::kPoisson});
  counts.Update(std::vector<float>{0, 0}, std::vector<float>{0, 4}, {});
  EXPECT_EQ(counts.Figures().mean_squared_error, 5);
  EXPECT_EQ(counts.Figures().mean_absolute_error, 2);
}

// A stream from which the sender has dropped negatives, as the options say.
TEST(ProgressiveMetricsTest, FiguresOfASampledStreamAreThoseOfTheWholeOne) {
  const Column column = MakeColumn(LossKind::kLogistic, 40'000);
  ProgressiveMetrics whole({});
  whole.Update(column.scores, column.labels, column.weights);
  Column kept;
  std::mt19937 random(9);
  for (size_t i = 0; i < column.scores.size(); ++i) {
    if (column.labels[i] <= 0 && random() % 4 != 0) continue;
    // The score of a model that learned from the examples kept is higher by -ln r.
    kept.scores.push_back(column.scores[i] + std::log(4.0f));
    kept.labels.push_back(column.labels[i]);
    kept.weights.push_back(column.weights[i]);
  }
  ProgressiveMetrics sampled({.negative_sampling_rate = 0.25});
  sampled.Update(kept.scores, kept.labels, kept.weights);
  const ProgressiveFigures expected = whole.Figures();
  const ProgressiveFigures figures = sampled.Figures();
  EXPECT_LT(figures.example_count, expected.example_count);
  EXPECT_NEAR(figures.weight_sum, expected.weight_sum, 0.01 * expected.weight_sum);
  EXPECT_NEAR(figures.loss, expected.loss, 0.02 * expected.loss);
  EXPECT_NEAR(figures.base_rate_loss, expected.base_rate_loss, 0.01 * expected.base_rate_loss);
  EXPECT_NEAR(figures.calibration.value(), expected.calibration.value(), 0.02);
  EXPECT_NEAR(figures.auc.value(), expected.auc.value(), 0.01);
  EXPECT_NEAR(figures.label_mean, expected.label_mean, 0.01);
}

TEST(ProgressiveMetricsTest, AbsentWeightsAreOne) {
  const Column column = MakeColumn(LossKind::kLogistic, 400);
  ProgressiveMetrics absent({.loss = LossKind::kLogistic});
  ProgressiveMetrics given({.loss = LossKind::kLogistic});
  absent.Update(column.scores, column.labels, {});
  given.Update(column.scores, column.labels, std::vector<float>(400, 1.0f));
  EXPECT_EQ(StateOf(absent), StateOf(given));
}

TEST(ProgressiveMetricsTest, RefusesStatesThatAreNotItsOwn) {
  ProgressiveMetrics logistic({.loss = LossKind::kLogistic});
  const std::vector<std::byte> state = StateOf(logistic);
  for (const size_t size : {size_t{0}, size_t{7}, size_t{60}, state.size() - 1}) {
    const std::span<const std::byte> cut_short(state.data(), size);
    StateReader reader(cut_short);
    const absl::Status status = ProgressiveMetrics({.loss = LossKind::kLogistic}).LoadState(reader);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
    EXPECT_NE(status.message().find("ends too early"), absl::string_view::npos) << status;
  }
  StateReader other_loss(state);
  EXPECT_EQ(ProgressiveMetrics({.loss = LossKind::kHinge}).LoadState(other_loss).code(),
            absl::StatusCode::kDataLoss);
  std::vector<std::byte> damaged = state;
  for (size_t i = 24; i < 32; ++i) damaged[i] = std::byte{0xff};  // NaN.
  StateReader not_finite(damaged);
  EXPECT_EQ(ProgressiveMetrics({.loss = LossKind::kLogistic}).LoadState(not_finite).code(),
            absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace freshet
