// The floor of learning: touching the same slots and doing nothing else.

#ifndef FRESHET_TESTS_BENCH_TOUCH_FLOOR_H_
#define FRESHET_TESTS_BENCH_TOUCH_FLOOR_H_

#include <cstddef>
#include <cstdint>
#include <utility>

#include "absl/status/statusor.h"
#include "core/base/zeroed_memory.h"
#include "core/feature/example_batch.h"

namespace freshet {

// A table whose slots are read and then written, example by example, in machine words, with the
// same prefetching as in a learner. Not thread-safe.
class TouchFloor {
 public:
  // Fails with RESOURCE_EXHAUSTED if there is not enough memory. REQUIRES: slot_bytes is 4, 8, 16,
  // 32 or 64; slot_count is a power of two.
  static absl::StatusOr<TouchFloor> Make(size_t slot_bytes, uint64_t slot_count);

  // Touches the slots of all rows, which have the same number of features.
  void Touch(const ExampleBatch& batch);

 private:
  TouchFloor(ZeroedMemory memory, size_t slot_bytes, uint64_t slot_count)
      : memory_(std::move(memory)), slot_bytes_(slot_bytes), slot_count_(slot_count) {}

  ZeroedMemory memory_;
  size_t slot_bytes_;
  uint64_t slot_count_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_TOUCH_FLOOR_H_
