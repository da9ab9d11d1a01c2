// The last sequence of each producer: what makes a resend harmless.

#ifndef FRESHET_SERVER_RUNTIME_PRODUCER_TABLE_H_
#define FRESHET_SERVER_RUNTIME_PRODUCER_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "absl/status/status.h"
#include "core/base/state.h"

namespace freshet {

// Remembers at most `capacity` producers. Where one more comes, the producer whose last batch lies
// furthest back in the log is forgotten; so the table is a pure function of the accepted batches in
// order. A producer that is forgotten and resends an old batch would be learned twice: the capacity
// is to be far above the number of producers that may have batches under way. Not thread-safe.
class ProducerTable {
 public:
  static constexpr uint32_t kDefaultCapacity = 100'000;

  struct Entry {
    uint64_t sequence = 0;  // The last one accepted.
    uint64_t offset = 0;    // The model's offset after it.
  };

  explicit ProducerTable(size_t capacity = kDefaultCapacity) : capacity_(capacity) {}

  // The producer's last batch, if it is remembered.
  std::optional<Entry> Find(std::string_view producer_id) const;

  // Remembers a batch. REQUIRES: entry.offset is above all offsets given before.
  void Set(std::string_view producer_id, Entry entry);

  size_t size() const { return entries_.size(); }

  // Appends the state, in the order of offsets.
  void SaveState(StateWriter& writer) const;

  // Replaces the state. DATA_LOSS where the bytes do not fit.
  absl::Status LoadState(StateReader& reader);

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };

  size_t capacity_;
  std::unordered_map<std::string, Entry, Hash, std::equal_to<>> entries_;
  std::map<uint64_t, std::string> by_offset_;  // The same producers, by the offset of their entry.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RUNTIME_PRODUCER_TABLE_H_
