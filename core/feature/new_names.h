// Names of features that nobody has been told yet.

#ifndef FRESHET_CORE_FEATURE_NEW_NAMES_H_
#define FRESHET_CORE_FEATURE_NEW_NAMES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace freshet {

// Sees the features of a stream and keeps the name of each id when it comes for the first time, up
// to a number of ids. Costs a look into a table of 32-bit ids for each feature, and nothing once
// the limit is reached. Not thread-safe.
class NewNames {
 public:
  static constexpr size_t kDefaultLimit = 100'000;
  static constexpr size_t kMaxNameBytes = 256;  // Of a longer name, the beginning is kept.

  struct Name {
    uint32_t id;
    std::string name_space;
    std::string name;
  };

  explicit NewNames(size_t limit = kDefaultLimit) : limit_(limit) {}

  // Names that are not UTF-8 are not kept.
  void Note(std::string_view name_space, std::string_view name, uint32_t id) {
    if (seen_count_ < limit_ && AddId(id)) Keep(name_space, name, id);
  }

  // From now on ids are seen up to this number. 0 also drops what is kept.
  void SetLimit(size_t limit);

  size_t limit() const { return limit_; }

  // What is kept, oldest first. The caller takes out what it has told.
  std::vector<Name>& names() { return names_; }

 private:
  // Whether the id is new. REQUIRES: seen_count_ < limit_.
  bool AddId(uint32_t id) {
    if (id == 0) return AddZero();
    if (2 * seen_count_ >= ids_.size()) Grow();
    uint32_t* const entry = FindEntry(id);
    if (*entry == id) return false;
    *entry = id;
    ++seen_count_;
    return true;
  }
  bool AddZero();
  // Where the id stands, or else is to stand.
  uint32_t* FindEntry(uint32_t id) {
    // Multiplied, since ids that are indices differ in their low bits alone.
    size_t i = (id * 0x9e3779b1U) >> shift_;
    while (ids_[i] != 0 && ids_[i] != id) i = (i + 1) & (ids_.size() - 1);
    return &ids_[i];
  }
  void Grow();
  void Keep(std::string_view name_space, std::string_view name, uint32_t id);

  size_t limit_;
  size_t seen_count_ = 0;
  bool zero_seen_ = false;
  std::vector<uint32_t> ids_;  // 2^n entries at most half full; 0 is a free one.
  int shift_ = 32;             // 32 - n
  std::vector<Name> names_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_NEW_NAMES_H_
