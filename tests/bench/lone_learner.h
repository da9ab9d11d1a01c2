// The server's learner without a server: the floor of learning.

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

// A learner like that of BenchServer's models, on the calling thread. Not thread-safe.
class LoneLearner {
 public:
  // Learns all of `requests` once. They must come from MakeLearnRequests() and outlive this object.
  explicit LoneLearner(const std::vector<v1::LearnRequest>& requests);

  // Learns the requests over and over for `measure_s`, and returns the examples per second.
  double Measure(double measure_s);

 private:
  size_t LearnNext();

  const std::vector<v1::LearnRequest>& requests_;
  const std::unique_ptr<Learner> learner_;
  std::vector<uint32_t> row_ends_;  // Of one batch; all batches have the same.
  std::vector<float> scores_;
  size_t next_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_LONE_LEARNER_H_
