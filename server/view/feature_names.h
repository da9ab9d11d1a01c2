// What the features of a model were called before they were hashed.

#ifndef FRESHET_SERVER_VIEW_FEATURE_NAMES_H_
#define FRESHET_SERVER_VIEW_FEATURE_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "core/base/state.h"
#include "freshet/v1/example.pb.h"

namespace freshet {

// A dictionary from the ids of features back to their names. It is fed by what is learned, never by
// what is predicted, so it is a pure function of the log's records in order, and of the capacity:
// once that is reached, further names are not kept.
//
// Thread-safe. Who looks names up goes over all of them and lets the model's writer in after each
// thousand.
class FeatureNames {
 public:
  static constexpr uint32_t kMaxCapacity = 10'000'000;
  // Names of one id that are kept: a few, since hashes seldom collide, and so that no client can
  // make looking one up slow.
  static constexpr int kMaxNamesOfId = 8;

  FeatureNames() = default;
  FeatureNames(const FeatureNames&) = delete;
  FeatureNames& operator=(const FeatureNames&) = delete;

  // Keeps at most this many names from now on; the oldest stay. Not part of the saved state.
  void SetCapacity(uint32_t capacity);

  // Keeps the names that a batch has: those sent along with a packed one, all of a readable one.
  // REQUIRES: the batch passed validation.
  void Learn(const v1::PackedBatch& batch);
  void Learn(const v1::ExampleList& batch);

  // Keeps one name, as `namespace^name`, or as the name alone in the default namespace. Of each at
  // most 256 bytes.
  void Add(uint32_t id, std::string_view name_space, std::string_view name);

  // Keeps the names that `other` has.
  void Merge(const FeatureNames& other);

  // The names that share each slot of a table of `slot_count` slots, oldest first.
  std::vector<std::vector<std::string>> Find(std::span<const uint32_t> slots,
                                             uint64_t slot_count) const;

  size_t size() const;

  // Appends all names, oldest first.
  void SaveState(StateWriter& writer) const;

  // Replaces all names. DATA_LOSS where the bytes do not fit.
  absl::Status LoadState(StateReader& reader);

 private:
  struct Entry {
    uint32_t id;
    uint32_t text_end;  // In text_; it begins where the one before ends.
    uint32_t older;     // The entry before this one of the same id, plus 1; 0: none.
  };

  bool full() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return entries_.size() >= capacity_ || text_.size() >= kMaxTextBytes;
  }
  // The name is made of three pieces, so that one that is known is not put together.
  void AddLocked(uint32_t id, std::string_view name_space, std::string_view separator,
                 std::string_view name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddNamed(uint32_t id, std::string_view name_space, std::string_view name)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string_view TextOf(size_t entry) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void Clear() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  static constexpr size_t kMaxTextBytes = size_t{3} << 30;

  mutable absl::Mutex mu_;
  uint32_t capacity_ ABSL_GUARDED_BY(mu_) = kMaxCapacity;
  std::vector<Entry> entries_ ABSL_GUARDED_BY(mu_);  // Oldest first.
  std::string text_ ABSL_GUARDED_BY(mu_);            // Of all entries, one after the other.
  // The newest entry of each id, plus 1.
  absl::flat_hash_map<uint32_t, uint32_t> newest_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_FEATURE_NAMES_H_
