// Names of features that nobody has been told yet.

#ifndef FRESHET_CORE_FEATURE_NEW_NAMES_H_
#define FRESHET_CORE_FEATURE_NEW_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"

namespace freshet {

// Looks at the features of a stream and keeps the name of each id when it comes for the first time,
// up to a number of ids. Looks at every one of the first rows, and then at one in eight as if by
// chance: a feature that comes often is soon seen all the same, and one that hardly ever comes has
// hardly a weight. Costs a look into a table of 32-bit ids for each feature of these rows, and
// nothing once the limit is reached. Not thread-safe.
class NewNames {
 public:
  static constexpr size_t kDefaultLimit = 100'000;
  static constexpr size_t kMaxNameBytes = 256;  // Of a longer name, the beginning is kept.
  static constexpr size_t kFirstRows = 4096;    // All of which are looked at.

  struct Name {
    uint32_t id;
    std::string_view name_space;
    std::string_view name;
  };

  explicit NewNames(size_t limit = kDefaultLimit) : limit_(limit) {}

  // Begins a row of the stream; whether its features are to be noted.
  bool BeginRow() {
    if (seen_count_ >= limit_) return false;
    if (first_rows_left_ == 0) return NextIsChosen();
    --first_rows_left_;
    return true;
  }

  // Keeps the name where the id comes for the first time, within the limit. Names that are not
  // UTF-8 are not kept.
  void Note(std::string_view name_space, std::string_view name, uint32_t id) {
    if (IsNew(id)) Keep(name_space, name, id);
  }

  // From now on ids are seen up to this number. 0 also drops what is kept.
  void SetLimit(size_t limit);

  size_t limit() const { return limit_; }

  // How many names are kept.
  size_t size() const { return kept_.size(); }

  // Shows each name that is kept, oldest first, to `take`, and drops those that it returns true
  // for. `take` may not call this object.
  void TakeIf(absl::FunctionRef<bool(const Name&)> take);

 private:
  static constexpr int kFirstBits = 10;

  struct Kept {
    uint32_t id;
    uint32_t name_space_size;
    uint32_t name_size;
  };

  // By chance, since a stream may well repeat itself at even distances.
  bool NextIsChosen() {
    random_ = random_ * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX.
    return random_ >> 61 == 0;
  }

  bool IsNew(uint32_t id) {
    uint32_t* const entry = FindEntry(id);
    if (*entry != id) return Insert(id, entry);
    return id == 0 && AddZero();
  }
  // Where the id stands, or else is to stand.
  uint32_t* FindEntry(uint32_t id) {
    // Multiplied, since ids that are indices differ in their low bits alone.
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
  // 2^n entries, at most half of them taken; 0 is a free one.
  std::vector<uint32_t> ids_ = std::vector<uint32_t>(size_t{1} << kFirstBits);
  int shift_ = 32 - kFirstBits;  // 32 - n
  std::vector<Kept> kept_;
  std::string text_;  // Of what is kept: namespace, name, the next one's namespace, and so on.
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_NEW_NAMES_H_
