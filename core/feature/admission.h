#ifndef FRESHET_CORE_FEATURE_ADMISSION_H_
#define FRESHET_CORE_FEATURE_ADMISSION_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "core/base/zeroed_memory.h"

namespace freshet {

// Tells which features have been seen often enough, by a count sketch: each feature has a counter
// of one byte in each of two rows, and of these the smaller one counts. Features may share
// counters, so a feature may be let in early, never late but for what follows.
//
// Counters grow old, or else each would be full in the end. Without a lifetime, counts below the
// threshold are halved each time an eighth as many sightings have come, of features not let in, as
// there are counters; a feature that is let in stays. With a lifetime, all counts are halved each
// time that many examples have come, and a feature that is let in has twice the threshold counted
// at each sighting: it stays until it has not been seen for one to two lifetimes.
//
// Source: G. Cormode, S. Muthukrishnan. An improved data stream summary: the count-min sketch and
// its applications. J. Algorithms, 2005; with conservative update (C. Estan, G. Varghese, 2002).
//
// Threads: one writer calls the non-const methods and SaveState() while any number of readers call
// IsAdmitted().
class Admission {
 public:
  struct Options {
    int bits = 22;                   // Counters in a row: 2^bits, at most 2^kMaxRowBits.
    uint32_t threshold = 2;          // 2 to 127 sightings.
    uint64_t lifetime_examples = 0;  // 0: none.
  };

  static constexpr int kMaxRowBits = 24;

  // RESOURCE_EXHAUSTED where there is no memory.
  static absl::StatusOr<Admission> Create(const Options& options);

  // Counts a sighting. True where the feature has been seen often enough, this time included.
  bool Count(uint32_t id);
  bool IsAdmitted(uint32_t id) const;

  // Ends an example; halves counts where it is time.
  void EndExample();

  void SaveState(StateWriter& writer) const;
  // DATA_LOSS where the bytes do not fit. REQUIRES: the object is new and has no readers.
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

  // Owned by the writer: since counts were halved last.
  uint64_t sighting_count_ = 0;  // Of features not let in.
  uint64_t example_count_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_ADMISSION_H_
