// A file or a folder of a simulated disk: what programs see of it, what is on the disk, and how the
// one becomes the other. FaultFileSystem's header says what reaches the disk when.

#ifndef FRESHET_TESTS_SUPPORT_DISK_NODE_H_
#define FRESHET_TESTS_SUPPORT_DISK_NODE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace freshet {

// What a loss of power leaves of the writes that were not synced.
enum class Survival {
  kNothing,     // None of them.
  kPrefix,      // Those before some moment, the last one cut at any byte.
  kAnySectors,  // Any of their sectors of 512 bytes, in any order.
};

// Not thread-safe.
class DiskNode {
 public:
  using Ptr = std::shared_ptr<DiskNode>;
  // Names and what they then stand for; null where they are gone.
  using Entries = std::vector<std::pair<std::string, Ptr>>;

  static Ptr NewFile() { return std::make_shared<DiskNode>(false); }
  static Ptr NewFolder() { return std::make_shared<DiskNode>(true); }
  explicit DiskNode(bool is_folder) : is_folder_(is_folder) {}

  bool is_folder() const { return is_folder_; }

  // A file, as programs see it.
  const std::string& content() const { return content_; }
  uint64_t preallocated_end() const { return preallocated_end_; }
  absl::Time modified() const { return modified_; }
  void Write(uint64_t position, std::string bytes, absl::Time now);
  void Truncate(uint64_t size_bytes);
  void Preallocate(uint64_t end) { preallocated_end_ = end; }
  // All of it, on the disk too.
  void Replace(const std::string& content);

  // The file as a Sync() now leaves it on the disk.
  std::string Synced() const;
  void Sync();
  // The bytes that were to be synced are stuck. The file's size is kept by other means.
  void FailSync();
  void DropCache();

  // A folder, as programs see it.
  const std::map<std::string, Ptr>& entries() const { return entries_; }
  void ChangeEntries(const Entries& change);
  void SyncEntries();
  // Puts a file where there is none, on the disk too, and returns it.
  DiskNode& FindOrPut(const std::string& name);

  // With all below it.
  void LosePower(Survival survival, std::mt19937_64& random);

 private:
  // A change of a file that may not be on disk yet: bytes at a position, or a new size.
  struct Change {
    bool truncate = false;
    uint64_t position = 0;
    std::string bytes;
  };
  // From a byte to before another.
  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;
  };

  static void Apply(const Change& change, std::string& content);
  // What becomes of the file on disk, where writes to the stuck ranges do not reach it.
  void ApplyToDisk(const Change& change, std::string& content) const;
  void CutStuck(uint64_t end);
  void LoseFolder(Survival survival, std::mt19937_64& random);
  void KeepPrefix(std::mt19937_64& random);
  void KeepAnySectors(std::mt19937_64& random);

  const bool is_folder_;
  absl::Time modified_ = absl::UnixEpoch();
  // A file as programs see it, as it is on disk, and what the one has more than the other.
  std::string content_;
  std::string disk_content_;
  std::vector<Change> unsynced_;
  std::vector<Range> stuck_;
  uint64_t preallocated_end_ = 0;
  // The same for a folder.
  std::map<std::string, Ptr> entries_;
  std::map<std::string, Ptr> disk_entries_;
  std::vector<Entries> unsynced_entries_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_DISK_NODE_H_
