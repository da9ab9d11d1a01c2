#include "tests/bench/lone_learner.h"

#include "core/model/factory.h"
#include "core/model/spec.h"
#include "tests/bench/timed_latency.h"

namespace freshet {
namespace {

LearnerSpec AdaGradSpec() {
  LearnerSpec spec;
  spec.optimizer = AdaGrad::Options{};
  spec.linear.bits = 22;
  return spec;
}

}  // namespace

LoneLearner::LoneLearner(const std::vector<v1::LearnRequest>& requests)
    : requests_(requests), learner_(MakeLearner(AdaGradSpec()).value()) {
  const v1::PackedBatch& batch = requests.front().packed();
  const auto rows = static_cast<uint32_t>(batch.labels_size());
  const auto features = static_cast<uint32_t>(batch.feature_ids_size()) / rows;
  for (uint32_t row = 1; row <= rows; ++row) row_ends_.push_back(row * features);
  scores_.resize(rows);
  for (size_t i = 0; i < requests.size(); ++i) LearnNext();
}

size_t LoneLearner::LearnNext() {
  const v1::PackedBatch& packed = requests_[next_].packed();
  next_ = (next_ + 1) % requests_.size();
  ExampleBatch batch;
  batch.row_ends = row_ends_;
  batch.labels = {packed.labels().data(), row_ends_.size()};
  batch.feature_ids = {packed.feature_ids().data(), row_ends_.back()};
  learner_->LearnBatch(batch, scores_);
  return row_ends_.size();
}

double LoneLearner::Measure(double measure_s) {
  const BenchClock::time_point begin = BenchClock::now();
  size_t examples = 0;
  double elapsed_s = 0;
  do {
    examples += LearnNext();
    elapsed_s = Seconds(BenchClock::now() - begin);
  } while (elapsed_s < measure_s);
  return static_cast<double>(examples) / elapsed_s;
}

}  // namespace freshet
