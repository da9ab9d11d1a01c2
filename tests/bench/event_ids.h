// The ids of the events that the benchmarks log.

#ifndef FRESHET_TESTS_BENCH_EVENT_IDS_H_
#define FRESHET_TESTS_BENCH_EVENT_IDS_H_

#include <atomic>
#include <cstdint>
#include <string>

#include "google/protobuf/repeated_ptr_field.h"

namespace freshet {

// Ids of 16 characters, all of them different, and in no order, as those of real events are.
// Thread-safe.
class EventIds {
 public:
  // The id with this number.
  static std::string Id(uint64_t number);

  // Replaces `ids` by the ids with the next numbers.
  void Renew(google::protobuf::RepeatedPtrField<std::string>& ids);

  // How many ids were given away: those with the numbers below this one.
  uint64_t count() const { return count_; }

 private:
  std::atomic<uint64_t> count_{0};
};

}  // namespace freshet

#endif  // FRESHET_TESTS_BENCH_EVENT_IDS_H_
