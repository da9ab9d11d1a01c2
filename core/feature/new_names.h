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

  // Whether the id comes for the first time, and within the limit. Where it does, its name can be
  // kept.
  bool IsNew(uint32_t id) { return seen_count_ < limit_ && AddId(id); }

  // Keeps the name of an id. Names that are not UTF-8 are not kept.
  void Keep(std::string_view name_space, std::string_view name, uint32_t id);

  // The two together.
  void Note(std::string_view name_space, std::string_view name, uint32_t id) {
    if (IsNew(id)) Keep(name_space, name, id);
  }

  // From now on ids are seen up to this number. 0 also drops what is kept.
  void SetLimit(size_t limit);

  size_t limit() const { return limit_; }

  // What is kept, oldest first. The caller takes out what it has told.
  std::vector<Name>& names() { return names_; }

 private:
  static constexpr int kFirstBits = 10;

  bool AddId(uint32_t id) {
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

  size_t limit_;
  size_t seen_count_ = 0;
  bool zero_seen_ = false;
  // 2^n entries, at most half of them taken; 0 is a free one.
  std::vector<uint32_t> ids_ = std::vector<uint32_t>(size_t{1} << kFirstBits);
  int shift_ = 32 - kFirstBits;  // 32 - n
  std::vector<Name> names_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_NEW_NAMES_H_
