#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "client/command/text.h"
#include "core/base/str_cat.h"
#include "core/metrics/progressive_metrics.h"
#include "core/model/factory.h"
#include "core/model/spec.h"
#include "tests/bench/bench_failure.h"
#include "tests/bench/benchmarks.h"
#include "tests/bench/core_stream.h"
#include "tests/bench/machine_facts.h"
#include "tests/bench/touch_floor.h"
#include "tests/support/process_usage.h"

namespace freshet {
namespace {

constexpr uint32_t kUsualFeatures = 30;

struct LearnCase {
  std::string name;
  OptimizerOptions optimizer;
  double learning_rate;
};

const std::vector<LearnCase>& LearnCases() {
  static const auto* const kCases = new std::vector<LearnCase>{
      {"sgd", Sgd::Options{}, 0.05},
      {"minibatch", MiniBatch::Options{}, 0.05},
      {"momentum", Momentum::Options{}, 0.005},
      {"nesterov", Nesterov::Options{}, 0.005},
      {"adagrad", AdaGrad::Options{}, 0.1},
      {"rmsprop", RmsProp::Options{}, 0.005},
      {"adam", Adam::Options{}, 0.005},
      {"ftrl", Ftrl::Options{}, 0.1},
      {"nag", NagOptions{}, 0.5},
      {"coin", Coin::Options{}, 0.5},
      {"auto", AutoOptions{}, 0.5},
  };
  return *kCases;
}

std::unique_ptr<Learner> NewLearner(const LearnCase& learn_case, int bits) {
  LearnerSpec spec;
  spec.optimizer = learn_case.optimizer;
  spec.linear.learning_rate = learn_case.learning_rate;
  spec.linear.intercept_learning_rate = learn_case.learning_rate;
  spec.linear.bits = bits;
  auto learner = MakeLearner(spec);
  if (!learner.ok()) FailBench(learner.status().ToString());
  return *std::move(learner);
}

// Runs `work` on the batches of a stream, over and over, for a given time at once.
class Rounds {
 public:
  Rounds(const CoreStream& stream, std::function<void(const ExampleBatch&)> work)
      : stream_(stream), work_(std::move(work)) {}

  // Runs all batches once, so that the first touch of memory is not measured.
  void WarmUp() {
    for (size_t i = 0; i < stream_.batch_count(); ++i) work_(stream_.Batch(i));
  }

  // Returns examples per second of this thread's CPU time, which other load disturbs less than wall
  // time.
  double Measure(double measure_s) {
    const double begin_s = ThreadCpuSeconds();
    uint64_t examples = 0;
    double elapsed_s = 0;
    do {
      work_(stream_.Batch(next_));
      next_ = (next_ + 1) % stream_.batch_count();
      examples += CoreStream::kBatchRows;
      elapsed_s = ThreadCpuSeconds() - begin_s;
    } while (elapsed_s < measure_s);
    return static_cast<double>(examples) / elapsed_s;
  }

 private:
  const CoreStream& stream_;
  const std::function<void(const ExampleBatch&)> work_;
  size_t next_ = 0;
};

// Measures learning beside the floor. Each has its own table, so that neither warms the other's.
void BenchLearner(const BenchOptions& options, const CoreStream& stream,
                  const LearnCase& learn_case, int bits, const std::string& name,
                  BenchReport& report) {
  if (!options.Chosen(name)) return;
  const std::unique_ptr<Learner> learner = NewLearner(learn_case, bits);
  const uint64_t needed_bytes = 2 * learner->table_bytes();
  const uint64_t available_bytes = AvailableMemoryBytes();
  if (needed_bytes > available_bytes / 10 * 9) {
    report.Skip(
        name, StrCat("two tables need ", ShortBytes(static_cast<double>(needed_bytes)),
                     ", but only ", ShortBytes(static_cast<double>(available_bytes)), " are free"));
    return;
  }
  auto floor =
      TouchFloor::Make(learner->table_bytes() / learner->slot_count(), learner->slot_count());
  if (!floor.ok()) FailBench(floor.status().ToString());
  std::vector<float> scores(CoreStream::kBatchRows);
  Rounds learning(stream, [&](const ExampleBatch& batch) { learner->LearnBatch(batch, scores); });
  Rounds touching(stream, [&](const ExampleBatch& batch) { floor->Touch(batch); });
  learning.WarmUp();
  touching.WarmUp();
  std::vector<double> rates;
  std::vector<double> floors;
  for (int i = 0; i < options.repetitions; ++i) {
    rates.push_back(learning.Measure(options.core_measure_s));
    floors.push_back(touching.Measure(options.core_measure_s));
  }
  report.Add(name, "examples/s", rates, floors);
}

void BenchLearners(const BenchOptions& options, const CoreStream& stream, int bits,
                   const std::string& suffix, BenchReport& report) {
  for (const LearnCase& learn_case : LearnCases()) {
    BenchLearner(options, stream, learn_case, bits, StrCat("core/", learn_case.name, "/", suffix),
                 report);
  }
}

// Adds the rate of `rounds`, which has no floor.
void AddRates(const BenchOptions& options, const std::string& name, Rounds rounds,
              BenchReport& report) {
  rounds.WarmUp();
  std::vector<double> rates;
  rates.reserve(static_cast<size_t>(options.repetitions));
  for (int i = 0; i < options.repetitions; ++i) {
    rates.push_back(rounds.Measure(options.core_measure_s));
  }
  report.Add(name, "examples/s", rates);
}

void BenchPredicting(const BenchOptions& options, const CoreStream& stream, BenchReport& report) {
  for (const LearnCase& learn_case : LearnCases()) {
    if (learn_case.name != "adagrad" && learn_case.name != "auto") continue;
    const std::string name = StrCat("core/predict/", learn_case.name, "/", options.core_usual_bits);
    if (!options.Chosen(name)) continue;
    const std::unique_ptr<Learner> learner = NewLearner(learn_case, options.core_usual_bits);
    std::vector<float> scores(CoreStream::kBatchRows);
    Rounds(stream, [&](const ExampleBatch& batch) { learner->LearnBatch(batch, scores); }).WarmUp();
    AddRates(
        options, name,
        Rounds(stream, [&](const ExampleBatch& batch) { learner->PredictBatch(batch, scores); }),
        report);
  }
}

void BenchMetrics(const BenchOptions& options, const CoreStream& stream, BenchReport& report) {
  const std::string name = "core/metrics/logistic";
  if (!options.Chosen(name)) return;
  std::mt19937 random(2);
  std::vector<float> scores(CoreStream::kBatchRows);
  for (float& score : scores) score = static_cast<float>(random() % 1000) / 250 - 3;
  ProgressiveMetrics metrics({.loss = LossKind::kLogistic});
  AddRates(
      options, name,
      Rounds(stream, [&](const ExampleBatch& batch) { metrics.Update(scores, batch.labels, {}); }),
      report);
}

}  // namespace

void BenchCore(const BenchOptions& options, BenchReport& report) {
  {
    const CoreStream stream = CoreStream::Zipf(kUsualFeatures, options.core_features);
    for (const int bits : options.core_bits) {
      BenchLearners(options, stream, bits, StrCat(bits), report);
    }
    BenchPredicting(options, stream, report);
    BenchMetrics(options, stream, report);
  }
  for (const int features : options.core_feature_counts) {
    const CoreStream stream =
        CoreStream::Zipf(static_cast<uint32_t>(features), options.core_features);
    BenchLearners(options, stream, options.core_usual_bits,
                  StrCat(options.core_usual_bits, "/", features, "_features"), report);
  }
  for (const int numbers : options.core_number_counts) {
    const CoreStream stream =
        CoreStream::Numbers(static_cast<uint32_t>(numbers), options.core_features);
    BenchLearners(options, stream, options.core_usual_bits,
                  StrCat(options.core_usual_bits, "/", numbers, "_numbers"), report);
  }
}

}  // namespace freshet
