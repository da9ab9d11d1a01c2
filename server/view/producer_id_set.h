// Ids of producers of which nothing else is remembered.

#ifndef FRESHET_SERVER_VIEW_PRODUCER_ID_SET_H_
#define FRESHET_SERVER_VIEW_PRODUCER_ID_SET_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// A set that keeps the newest ids, as hashes of 64 bits in two generations: when the newer
// generation is full, the older one is dropped. So at least the last `generation_size` ids are in
// the set, and at most twice as many, of about 20 bytes each. Another id is mistaken for one of a
// million with a chance below 10^-13. Not thread-safe.
class ProducerIdSet {
 public:
  // REQUIRES: generation_size >= 1.
  void Add(std::string_view producer_id, size_t generation_size);

  bool Contains(std::string_view producer_id) const;

  // Ids that are kept.
  size_t size() const { return newer_.ids.size() + older_.ids.size(); }

  // Appends the state, in the order in which ids were added.
  void SaveState(StateWriter& writer) const;
  // Replaces the state. DATA_LOSS where the bytes do not fit.
  absl::Status LoadState(StateReader& reader);

 private:
  struct Generation {
    std::vector<uint64_t> ordered;
    absl::flat_hash_set<uint64_t> ids;

    void Add(uint64_t id) {
      if (ids.insert(id).second) ordered.push_back(id);
    }
  };

  Generation newer_;
  Generation older_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_PRODUCER_ID_SET_H_
