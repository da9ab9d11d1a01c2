// Finds features that have not been seen for a long time (`expire_after_examples`).

#ifndef FRESHET_CORE_FEATURE_SLOT_AGES_H_
#define FRESHET_CORE_FEATURE_SLOT_AGES_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/base/zeroed_memory.h"

namespace freshet {

// Remembers when each slot of a weight table was last touched, in one byte per slot. Time is
// measured in periods of an eighth of a lifetime. A slot expires at the end of the first period in
// which it has gone untouched for a lifetime, that is, after 1 to 1 1/8 lifetimes.
//
// Not thread-safe: only for the writer.
class SlotAges {
 public:
  // For a table of 2^bits slots. RESOURCE_EXHAUSTED if there is not enough memory. REQUIRES:
  // lifetime_examples > 0.
  static absl::StatusOr<SlotAges> Create(int bits, uint64_t lifetime_examples);

  // Notes that the current example touches the slot of this feature.
  void Touch(uint32_t feature_id) {
    static_cast<uint8_t*>(periods_.data())[feature_id & mask_] = period_;
  }

  // Whether the slot of this feature has been touched and has not expired since.
  bool IsTouched(uint32_t feature_id) const {
    return static_cast<const uint8_t*>(periods_.data())[feature_id & mask_] != 0;
  }

  // Ends an example. True at the end of a period; TakeExpired() must then be called.
  bool EndExample();

  // Sets `indices` to the slots that have expired, in ascending order, and marks them as never
  // touched. Reads all slots.
  void TakeExpired(std::vector<uint32_t>& indices);

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS if the saved state is invalid. REQUIRES: the object is new.
  absl::Status LoadState(StateReader& reader);

 private:
  static constexpr uint64_t kLifetimePeriods = 8;
  static constexpr uint8_t kPeriodNumbers = 255;  // Periods are numbered 1 to this, then 1 again.

  SlotAges(uint32_t mask, uint64_t period_examples, ZeroedMemory memory)
      : mask_(mask), period_examples_(period_examples), periods_(std::move(memory)) {}

  uint32_t mask_;
  uint64_t period_examples_;
  ZeroedMemory periods_;  // One byte per slot: the period in which it was last touched; 0: never.
  uint8_t period_ = 1;
  uint64_t example_count_ = 0;  // In the current period.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_SLOT_AGES_H_
