// The rows of a producer's stream that the model has acknowledged.

#ifndef FRESHET_CLIENT_COMMAND_KNOWN_ROWS_H_
#define FRESHET_CLIENT_COMMAND_KNOWN_ROWS_H_

#include <algorithm>
#include <cstdint>
#include <utility>

#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// What an earlier push with the same producer id has achieved. Rows are numbered from 1; the
// sequences of a producer whose rows are numbered are the numbers of its rows.
class KnownRows {
 public:
  KnownRows() = default;
  explicit KnownRows(v1::GetProducerResponse producer) : producer_(std::move(producer)) {}

  // The highest number of an acknowledged row; 0 if the model does not know the producer.
  uint64_t last() const { return producer_.last_sequence(); }

  // Whether the row with this number was acknowledged. Also true if the model no longer knows, so
  // that no row is learned twice.
  bool Contains(uint64_t number) const {
    if (number > last()) return false;
    const auto& missing = producer_.missing();
    const auto range = std::lower_bound(
        missing.begin(), missing.end(), number,
        [](const v1::SequenceRange& a, uint64_t value) { return a.last() < value; });
    return range == missing.end() || number < range->first();
  }

 private:
  v1::GetProducerResponse producer_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_KNOWN_ROWS_H_
