// A file or a folder of a simulated disk: what programs see of it, what is on the disk, and how
// changes get from one to the other. fault_file_system.h says what reaches the disk when.

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

// Which unsynced writes survive a loss of power.
enum class Survival {
  kNothing,     // None of them.
  kPrefix,      // Those before some moment; the last one may be cut at any byte.
  kAnySectors,  // Any of their 512-byte sectors, in any order.
};

// Not thread-safe. The functions are for files or for folders, as the groups below say.
class DiskNode {
 public:
  using Ptr = std::shared_ptr<DiskNode>;
  // A change of a folder: names and what each now stands for; null if the name is gone.
  using Entries = std::vector<std::pair<std::string, Ptr>>;

  static Ptr NewFile() { return std::make_shared<DiskNode>(false); }
  static Ptr NewFolder() { return std::make_shared<DiskNode>(true); }
  explicit DiskNode(bool is_folder) : is_folder_(is_folder) {}

  bool is_folder() const { return is_folder_; }

  // For files: what programs see.
  const std::string& content() const { return content_; }
  uint64_t preallocated_end() const { return preallocated_end_; }
  absl::Time modified() const { return modified_; }
  void Write(uint64_t position, std::string bytes, absl::Time now);
  void Truncate(uint64_t size_bytes);
  void Preallocate(uint64_t end) { preallocated_end_ = end; }
  // Sets all of the file's content, on the disk too.
  void Replace(const std::string& content);

  // What the disk would hold after a Sync() now.
  std::string Synced() const;
  void Sync();
  // Fails a sync: the bytes that it would have written become stuck. Truncations still reach the
  // disk, because file systems keep the size of a file elsewhere.
  void FailSync();
  void DropCache();

  // For folders: what programs see.
  const std::map<std::string, Ptr>& entries() const { return entries_; }
  void ChangeEntries(const Entries& change);
  void SyncEntries();
  // Returns the file of this name. Creates it, on the disk too, if it does not exist.
  DiskNode& FindOrPut(const std::string& name);

  // Loses power here and, for a folder, in everything below it.
  void LosePower(Survival survival, std::mt19937_64& random);

 private:
  // A change of a file that may not be on the disk yet: bytes at a position, or a new size.
  struct Change {
    bool truncate = false;
    uint64_t position = 0;
    std::string bytes;
  };
  // The bytes [begin, end).
  struct Range {
    uint64_t begin = 0;
    uint64_t end = 0;
  };

  static void Apply(const Change& change, std::string& content);
  // Applies a change to what is on the disk, except for bytes in stuck ranges, which stay as they
  // are.
  void ApplyToDisk(const Change& change, std::string& content) const;
  void CutStuck(uint64_t end);
  void LoseFolder(Survival survival, std::mt19937_64& random);
  void KeepPrefix(std::mt19937_64& random);
  void KeepAnySectors(std::mt19937_64& random);

  const bool is_folder_;
  absl::Time modified_ = absl::UnixEpoch();
  // The file as programs see it, as it is on the disk, and the changes by which the two differ.
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
