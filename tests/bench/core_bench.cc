// How many examples a second the learning core takes on one core, beside the floor that memory
// sets. Run a release build on an idle machine:
//
//   cmake --build --preset release --target core_bench && build/release/bin/core_bench
//
// Each example has 30 features of 30 fields, whose values are Zipf-distributed (exponent 1) over a
// million each. The floor "touch/<slot bytes>/<bits>" reads and then writes the same slots,
// prefetched the same way, without arithmetic.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "core/base/zeroed_memory.h"
#include "core/feature/example_batch.h"
#include "core/metrics/progressive_metrics.h"
#include "core/model/factory.h"
#include "core/model/spec.h"

namespace freshet {
namespace {

constexpr uint32_t kFeatures = 30;
constexpr uint32_t kRows = 200'000;
constexpr uint32_t kBatchRows = 512;

struct Stream {
  std::vector<uint32_t> row_ends;  // Of one batch; all have the same.
  std::vector<uint32_t> ids;
  std::vector<float> labels;
  std::vector<float> values;

  size_t batch_count() const { return kRows / kBatchRows; }

  ExampleBatch Batch(size_t index, bool with_values) const {
    const size_t first = index * kBatchRows;
    ExampleBatch batch;
    batch.row_ends = row_ends;
    batch.labels = std::span(labels).subspan(first, kBatchRows);
    batch.feature_ids = std::span(ids).subspan(first * kFeatures, kBatchRows * kFeatures);
    if (with_values) {
      batch.values = std::span(values).subspan(first * kFeatures, kBatchRows * kFeatures);
    }
    return batch;
  }
};

const Stream& TheStream() {
  static const Stream* const stream = [] {
    auto* result = new Stream;
    std::mt19937_64 random(1);
    for (uint32_t row = 1; row <= kBatchRows; ++row) result->row_ends.push_back(row * kFeatures);
    for (uint32_t row = 0; row < kRows; ++row) {
      for (uint64_t field = 0; field < kFeatures; ++field) {
        const double uniform = static_cast<double>(random() >> 11) * 0x1p-53;
        const auto rank = static_cast<uint64_t>(std::pow(1e6, uniform));
        const uint64_t mixed = (rank * kFeatures + field + 1) * 0x9e3779b97f4a7c15;
        result->ids.push_back(static_cast<uint32_t>(mixed >> 32));
        result->values.push_back(static_cast<float>(uniform) + 0.5f);
      }
      result->labels.push_back(random() % 7 == 0 ? 1.0f : 0.0f);
    }
    return result;
  }();
  return *stream;
}

struct LearnCase {
  std::string name;
  OptimizerOptions optimizer;
  double learning_rate;
};

std::vector<LearnCase> LearnCases() {
  return {
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
}

std::unique_ptr<Learner> NewLearner(const LearnCase& learn_case, int bits) {
  LearnerSpec spec;
  spec.optimizer = learn_case.optimizer;
  spec.linear.learning_rate = learn_case.learning_rate;
  spec.linear.intercept_learning_rate = learn_case.learning_rate;
  spec.linear.bits = bits;
  auto learner = MakeLearner(spec);
  if (!learner.ok()) std::abort();
  return *std::move(learner);
}

void CountExamples(benchmark::State& state) {
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * kBatchRows);
}

void BenchLearn(benchmark::State& state, const LearnCase& learn_case, int bits, bool with_values) {
  const Stream& stream = TheStream();
  const std::unique_ptr<Learner> learner = NewLearner(learn_case, bits);
  std::vector<float> scores(kBatchRows);
  // Touch the table once, so that page faults are not measured.
  for (size_t i = 0; i < stream.batch_count(); ++i) {
    learner->LearnBatch(stream.Batch(i, with_values), scores);
  }
  size_t next = 0;
  for (auto _ : state) {
    learner->LearnBatch(stream.Batch(next, with_values), scores);
    next = (next + 1) % stream.batch_count();
  }
  CountExamples(state);
}

void BenchPredict(benchmark::State& state, const LearnCase& learn_case, int bits) {
  const Stream& stream = TheStream();
  const std::unique_ptr<Learner> learner = NewLearner(learn_case, bits);
  std::vector<float> scores(kBatchRows);
  for (size_t i = 0; i < stream.batch_count(); ++i) {
    learner->LearnBatch(stream.Batch(i, false), scores);
  }
  size_t next = 0;
  for (auto _ : state) {
    learner->PredictBatch(stream.Batch(next, false), scores);
    next = (next + 1) % stream.batch_count();
  }
  CountExamples(state);
}

// Slots of 4 * kWords bytes, each half or whole word of them read and written.
template <typename Word, size_t kWords>
void BenchTouch(benchmark::State& state, int bits) {
  constexpr size_t kAheadFeatures = 4 * kFeatures;
  const Stream& stream = TheStream();
  const auto memory = ZeroedMemory::Allocate((sizeof(Word) * kWords) << bits);
  if (!memory.ok()) std::abort();
  auto* const table = static_cast<Word*>(memory->data());
  const uint32_t mask = (1u << bits) - 1;
  std::fill_n(table, kWords << bits, Word{1});
  size_t next = 0;
  for (auto _ : state) {
    const ExampleBatch batch = stream.Batch(next, false);
    next = (next + 1) % stream.batch_count();
    const uint32_t* const ids = batch.feature_ids.data();
    const size_t count = batch.feature_ids.size();
    size_t ahead = 0;
    Word sum = 0;
    for (size_t begin = 0; begin < count; begin += kFeatures) {
      const size_t limit = std::min(begin + kFeatures + kAheadFeatures, count);
      for (; ahead < limit; ++ahead) __builtin_prefetch(&table[(ids[ahead] & mask) * kWords], 1);
      for (size_t i = begin; i < begin + kFeatures; ++i) {
        const Word* const slot = &table[(ids[i] & mask) * kWords];
        for (size_t word = 0; word < kWords; ++word) sum ^= slot[word];
      }
      for (size_t i = begin; i < begin + kFeatures; ++i) {
        Word* const slot = &table[(ids[i] & mask) * kWords];
        for (size_t word = 0; word < kWords; ++word) ++slot[word];
      }
    }
    benchmark::DoNotOptimize(sum);
    benchmark::ClobberMemory();
  }
  CountExamples(state);
}

void BenchMetrics(benchmark::State& state) {
  const Stream& stream = TheStream();
  std::mt19937 random(2);
  std::vector<float> scores(kBatchRows);
  for (float& score : scores) score = static_cast<float>(random() % 1000) / 250 - 3;
  ProgressiveMetrics metrics({.loss = LossKind::kLogistic});
  size_t next = 0;
  for (auto _ : state) {
    metrics.Update(scores, stream.Batch(next, false).labels, {});
    next = (next + 1) % stream.batch_count();
  }
  CountExamples(state);
}

void RegisterAll() {
  for (const int bits : {18, 22, 24}) {
    const auto suffix = "/" + std::to_string(bits);
    benchmark::RegisterBenchmark(("touch/4" + suffix).c_str(), BenchTouch<uint32_t, 1>, bits);
    benchmark::RegisterBenchmark(("touch/8" + suffix).c_str(), BenchTouch<uint64_t, 1>, bits);
    benchmark::RegisterBenchmark(("touch/16" + suffix).c_str(), BenchTouch<uint64_t, 2>, bits);
    benchmark::RegisterBenchmark(("touch/32" + suffix).c_str(), BenchTouch<uint64_t, 4>, bits);
    for (const LearnCase& learn_case : LearnCases()) {
      benchmark::RegisterBenchmark(("learn/" + learn_case.name + suffix).c_str(), BenchLearn,
                                   learn_case, bits, false);
    }
    benchmark::RegisterBenchmark(("learn_values/adagrad" + suffix).c_str(), BenchLearn,
                                 LearnCases()[4], bits, true);
    benchmark::RegisterBenchmark(("predict/adagrad" + suffix).c_str(), BenchPredict,
                                 LearnCases()[4], bits);
  }
  benchmark::RegisterBenchmark("metrics/logistic", BenchMetrics);
}

}  // namespace
}  // namespace freshet

int main(int argc, char** argv) {
  freshet::RegisterAll();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
