#ifndef FRESHET_CORE_FEATURE_SLOT_AGES_H_
#define FRESHET_CORE_FEATURE_SLOT_AGES_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/base/zeroed_memory.h"

namespace freshet {

// When each slot of a weight table was last touched, in one byte a slot. Time goes in periods of an
// eighth of a lifetime; a slot expires at the end of the first period at which it has not been
// touched for a lifetime, hence after one to 1 1/8 lifetimes.
//
// Not thread-safe: the writer's own.
class SlotAges {
 public:
  // A table of 2^bits slots. RESOURCE_EXHAUSTED where there is no memory. REQUIRES:
  // lifetime_examples > 0.
  static absl::StatusOr<SlotAges> Create(int bits, uint64_t lifetime_examples);

  // The slot of a feature is touched by this example.
  void Touch(uint32_t feature_id) {
    static_cast<uint8_t*>(periods_.data())[feature_id & mask_] = period_;
  }

  // Ends an example. True at the end of a period: TakeExpired() is then to be called.
  bool EndExample();

  // Sets `indices` to the slots that have expired, rising, and forgets them. Reads all slots.
  void TakeExpired(std::vector<uint32_t>& indices);

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS where the bytes do not fit. REQUIRES: the object is new.
  absl::Status LoadState(StateReader& reader);

 private:
  static constexpr uint64_t kLifetimePeriods = 8;
  static constexpr uint8_t kPeriodNumbers = 255;  // Numbers go from 1 to this, and from 1 again.

  SlotAges(uint32_t mask, uint64_t period_examples, ZeroedMemory memory)
      : mask_(mask), period_examples_(period_examples), periods_(std::move(memory)) {}

  uint32_t mask_;
  uint64_t period_examples_;
  ZeroedMemory periods_;  // A byte a slot: the period in which it was last touched; 0: never.
  uint8_t period_ = 1;
  uint64_t example_count_ = 0;  // In this period.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_SLOT_AGES_H_
