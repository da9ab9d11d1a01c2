// A file system in memory that fails when told to and can lose its power.
//
// It keeps what a disk would hold apart from what programs see. Writes reach the disk with Sync(),
// creations, renames and removals with SyncDir() of their folder.
//
// A Sync() that fails leaves the unsynced bytes stuck, as Linux does with ext4: programs still see
// them, but later Syncs say OK and do not write them, not even where they are written once more.
// Only Truncate() below them, or DropCache(), makes their place one like any other.

#ifndef FRESHET_TESTS_SUPPORT_FAULT_FILE_SYSTEM_H_
#define FRESHET_TESTS_SUPPORT_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/file/file_system.h"
#include "tests/support/disk_node.h"

namespace freshet {

// What OpenReadFromDisk() gives.
enum class DiskReads {
  kDirect,        // What is on the disk, past the memory.
  kDroppedCache,  // The same, by dropping what is in memory.
  kMemory,        // What is in memory: a file system that takes both for hints.
};

// Thread-safe.
class FaultFileSystem : public FileSystem {
 public:
  // The root folder "/" exists.
  FaultFileSystem();
  ~FaultFileSystem() override;

  // The call number `call` (from 0, counted from now on, over all operations that can fail) fails
  // with `error_number`. A write that fails has written half of its bytes.
  void FailCall(uint64_t call, int error_number);
  // The same for that call and all that follow.
  void FailFrom(uint64_t call, int error_number);
  // Nothing fails any more.
  void Heal();
  // Syncs of files wait, as on a slow disk, until this is called again with false.
  void HoldSyncs(bool hold);
  // kDirect until it is called.
  void SetDiskReads(DiskReads reads);
  // The memory that holds the file's bytes is put to another use, but for those that wait to be
  // written: stuck ones are gone from sight.
  void DropCache(const std::string& path);
  // The time that files written from now on bear; the Unix epoch until it is set.
  void SetTime(absl::Time now);
  // Calls since the last FailCall(), FailFrom() or Heal().
  uint64_t calls() const;

  // The power goes and comes back: what is not on disk is lost, but for what `survival` says. All
  // open files must have been closed. Which bytes survive is drawn from `random`.
  void PowerLoss(Survival survival, std::mt19937_64& random);

  // Tests look at and damage what programs see, on disk too.
  std::string ReadAll(const std::string& path) const;
  void WriteAll(const std::string& path, const std::string& content);
  // How far disk space was asked for.
  uint64_t PreallocatedEnd(const std::string& path) const;

  absl::StatusOr<std::unique_ptr<AppendFile>> OpenAppend(const std::string& path,
                                                         AppendMode mode) override;
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenRead(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenReadFromDisk(const std::string& path) override;
  absl::Status CreateDir(const std::string& path) override;
  absl::StatusOr<std::vector<DirEntry>> ListDir(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Unlink(const std::string& path) override;
  absl::Status RemoveDir(const std::string& path) override;
  absl::Status SyncDir(const std::string& path) override;
  absl::StatusOr<uint64_t> FileSize(const std::string& path) override;
  absl::StatusOr<absl::Time> ModificationTime(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> LockFile(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<FileLock>> LockFolder(const std::string& path) override;
  // Everything belongs to one user alone.
  absl::StatusOr<uint32_t> Permissions(const std::string& /*path*/) override { return 0700; }

 private:
  class AppendHandle;
  class ReadHandle;
  class LockHandle;

  // Counts a call; the error number where it is to fail.
  std::optional<int> CountCall() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status MaybeFail(const std::string& path, const char* operation)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  DiskNode::Ptr Find(const std::string& path) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  DiskNode::Ptr FindParent(const std::string& path) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenFile(const std::string& path, bool from_disk);
  absl::Status Remove(const std::string& path, bool folder);

  mutable absl::Mutex mu_;
  DiskNode::Ptr root_ ABSL_GUARDED_BY(mu_);
  bool syncs_go_on_ ABSL_GUARDED_BY(mu_) = true;
  DiskReads disk_reads_ ABSL_GUARDED_BY(mu_) = DiskReads::kDirect;
  absl::Time now_ ABSL_GUARDED_BY(mu_) = absl::UnixEpoch();
  uint64_t calls_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t fail_first_ ABSL_GUARDED_BY(mu_) = ~uint64_t{0};
  uint64_t fail_last_ ABSL_GUARDED_BY(mu_) = 0;
  int error_number_ ABSL_GUARDED_BY(mu_) = 0;
  std::set<std::string> locks_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_FAULT_FILE_SYSTEM_H_
