// Error metrics for losses whose labels are numbers.

#ifndef FRESHET_CORE_METRICS_NUMBER_METRICS_H_
#define FRESHET_CORE_METRICS_NUMBER_METRICS_H_

#include <optional>

#include "absl/status/status.h"
#include "core/base/state.h"
#include "core/metrics/example_block.h"

namespace freshet {

// Accumulates squared and absolute errors. Not thread-safe.
class NumberMetrics {
 public:
  // Counts the examples of a block. The column `predicted` holds their predicted numbers.
  void Add(const ExampleBlock& block, const ExampleBlock::Column& predicted);

  // Absent before the first example. RSquared() is also absent if all labels were the same.
  std::optional<double> MeanSquaredError() const;
  std::optional<double> MeanAbsoluteError() const;
  std::optional<double> RSquared() const;

  // Appends and reads the state. DATA_LOSS if the saved state is invalid.
  void SaveState(StateWriter& writer) const { writer.WriteValue(sums_); }
  absl::Status LoadState(StateReader& reader);

 private:
  struct Sums {
    double weight = 0;
    double squared_error = 0;
    double absolute_error = 0;
    // Deviations are relative to the first label, so that labels far from 0 lose no precision.
    double first_label = 0;
    double deviation = 0;
    double squared_deviation = 0;
  };

  Sums sums_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_NUMBER_METRICS_H_
