// How far predictions of numbers are from them.

#ifndef FRESHET_CORE_METRICS_NUMBER_METRICS_H_
#define FRESHET_CORE_METRICS_NUMBER_METRICS_H_

#include <optional>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/metrics/example_block.h"

namespace freshet {

// Not thread-safe.
class NumberMetrics {
 public:
  // Counts examples, whose predicted numbers are the column `predicted`.
  void Add(const ExampleBlock& block, const ExampleBlock::Column& predicted);

  // Absent before the first example; the last also where all labels were the same.
  std::optional<double> MeanSquaredError() const;
  std::optional<double> MeanAbsoluteError() const;
  std::optional<double> RSquared() const;

  // Appends and reads the state. DATA_LOSS where the bytes do not fit.
  void SaveState(StateWriter& writer) const { writer.WriteValue(sums_); }
  absl::Status LoadState(StateReader& reader);

 private:
  struct Sums {
    double weight = 0;
    double squared_error = 0;
    double absolute_error = 0;
    // Deviations are from the first label, so that labels far from 0 lose no precision.
    double first_label = 0;
    double deviation = 0;
    double squared_deviation = 0;
  };

  Sums sums_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_NUMBER_METRICS_H_
