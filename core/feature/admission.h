// Decides which features have been seen often enough to be learned (`admit_after`).

#ifndef FRESHET_CORE_FEATURE_ADMISSION_H_
#define FRESHET_CORE_FEATURE_ADMISSION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/base/zeroed_memory.h"

namespace freshet {

// A count-min sketch of feature sightings. Each feature has a one-byte counter in each of two rows,
// and the smaller of the two is its count. Features may share counters, so a feature may be
// admitted early. It is admitted late only because counts decay, as follows.
//
// Counts decay because otherwise every counter would fill up in the end:
// - Without a lifetime, counts below the threshold are halved each time the number of sightings of
//   features not yet admitted reaches an eighth of the number of counters. An admitted feature
//   stays admitted.
// - With a lifetime, all counts are halved each time that many examples have passed. Each sighting
//   of an admitted feature sets its count to twice the threshold, so it stays admitted until it has
//   not been seen for one to two lifetimes.
//
// Source: G. Cormode, S. Muthukrishnan. An improved data stream summary: the count-min sketch and
// its applications. J. Algorithms, 2005; with conservative update (C. Estan, G. Varghese, 2002).
//
// Threads: one writer calls the non-const methods and SaveState() while any number of readers call
// IsAdmitted().
class Admission {
 public:
  struct Options {
    int bits = 22;                   // A row has 2^bits counters, but at most 2^kMaxRowBits.
    uint32_t threshold = 2;          // 2 to 127 sightings.
    uint64_t lifetime_examples = 0;  // 0: no lifetime.
  };

  static constexpr int kMaxRowBits = 24;

  // RESOURCE_EXHAUSTED if there is not enough memory.
  static absl::StatusOr<Admission> Create(const Options& options);

  // Counts a sighting. True if the feature has been seen often enough, including this time.
  bool Count(uint32_t id);
  bool IsAdmitted(uint32_t id) const;

  // Ends an example, and halves counts if that is due.
  void EndExample();

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS if the saved state is invalid. REQUIRES: the object is new and has no readers.
  absl::Status LoadState(StateReader& reader);

 private:
  Admission(const Options& options, int row_bits, ZeroedMemory memory);

  uint8_t* CounterOf(uint32_t id, int row) const;
  // Halves the counts below `limit`.
  void Halve(uint32_t limit);

  // Constant after construction.
  Options options_;
  int row_bits_;

  // Written by the writer, read by readers.
  ZeroedMemory counters_;

  // Owned by the writer. Both count from the last halving on.
  uint64_t sighting_count_ = 0;  // Sightings of features not admitted.
  uint64_t example_count_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_ADMISSION_H_
