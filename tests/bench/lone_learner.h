// The floor of learning: the server's learner, without a server.

#ifndef FRESHET_TESTS_BENCH_LONE_LEARNER_H_
#define FRESHET_TESTS_BENCH_LONE_LEARNER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/feature/example_batch.h"
#include "core/model/learner.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// A learner as BenchServer's models have it, on the calling thread. Not thread-safe.
class LoneLearner {
 public:
  // Learns all of `requests` once, which must come from MakeLearnRequests() and outlive this.
  explicit LoneLearner(const std::vector<v1::LearnRequest>& requests);

  // Examples a second of learning them over and over for a while.
  double Measure(double measure_s);

 private:
  size_t LearnNext();

  const std::vector<v1::LearnRequest>& requests_;
  const std::unique_ptr<Learner> learner_;
  std::vector<uint32_t> row_ends_;  // Of one batch; all have the same.
  std::vector<float> scores_;
  size_t next_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_LONE_LEARNER_H_
