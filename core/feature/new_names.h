// Collects the names of features that are new in a stream, to be handed on once.

#ifndef FRESHET_CORE_FEATURE_NEW_NAMES_H_
#define FRESHET_CORE_FEATURE_NEW_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

namespace freshet {

// Keeps the name of each feature id that occurs for the first time, up to a limit on the number of
// ids. Looks at each of the first kFirstRows rows, and then at a pseudo-random eighth of all rows:
// a frequent feature is soon seen anyway, and a very rare one hardly has a weight. Costs one lookup
// in a table of 32-bit ids for each feature of the rows it looks at, and nothing once the limit is
// reached. Not thread-safe.
class NewNames {
 public:
  static constexpr size_t kDefaultLimit = 100'000;
  static constexpr size_t kMaxNameBytes = 256;  // A longer name is truncated.
  static constexpr size_t kFirstRows = 4096;    // This many rows are looked at before sampling.

  struct Name {
    uint32_t id;
    std::string_view name_space;
    std::string_view name;
  };

  explicit NewNames(size_t limit = kDefaultLimit) : limit_(limit) {}

  // Begins a row of the stream. Returns whether to call Note() for its features.
  bool BeginRow() {
    if (seen_count_ >= limit_) return false;
    if (first_rows_left_ == 0) return NextIsChosen();
    --first_rows_left_;
    return true;
  }

  // Keeps the name if the id is new and the limit is not reached. Empty names and names that are
  // not UTF-8 are not kept.
  void Note(std::string_view name_space, std::string_view name, uint32_t id) {
    if (IsNew(id)) Keep(name_space, name, id);
  }

  // Changes the limit on the number of ids. 0 also drops all names and forgets the ids seen.
  void SetLimit(size_t limit);

  size_t limit() const { return limit_; }

  // The number of names kept.
  size_t size() const { return kept_.size(); }

  // Passes each name kept to `take`, oldest first, and drops those for which it returns true.
  // `take` must not call this object.
  void TakeIf(absl::FunctionRef<bool(const Name&)> take);

 private:
  static constexpr int kFirstBits = 10;

  struct Kept {
    uint32_t id;
    uint32_t name_space_size;
    uint32_t name_size;
  };

  // Pseudo-random rather than every eighth row, because a stream may be periodic.
  bool NextIsChosen() {
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX.
    return random_ >> 61 == 0;
  }

  bool IsNew(uint32_t id) {
    uint32_t* const entry = FindEntry(id);
    if (*entry != id) return Insert(id, entry);
    return id == 0 && AddZero();
  }
  // The entry of the id, or else the free entry where it belongs.
  uint32_t* FindEntry(uint32_t id) {
    // Multiplied, because ids that are small indices differ only in their low bits.
    size_t i = (id * 0x9e3779b1U) >> shift_;
    while (ids_[i] != id && ids_[i] != 0) i = (i + 1) & (ids_.size() - 1);
    return &ids_[i];
  }
  bool Insert(uint32_t id, uint32_t* entry);
  bool AddZero();
  void Keep(std::string_view name_space, std::string_view name, uint32_t id);

  size_t limit_;
  size_t first_rows_left_ = kFirstRows;
  uint64_t random_ = 0;
  size_t seen_count_ = 0;
  bool zero_seen_ = false;
  // An open-addressing hash set with 2^n entries, at most half of them taken; 0 marks a free one,
  // so zero_seen_ stands for the id 0.
  std::vector<uint32_t> ids_ = std::vector<uint32_t>(size_t{1} << kFirstBits);
  int shift_ = 32 - kFirstBits;  // 32 - n
  std::vector<Kept> kept_;
  std::string text_;  // The text of kept_: namespace, name, next namespace, next name, and so on.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_NEW_NAMES_H_
