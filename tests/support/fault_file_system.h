// A file system in memory that fails on request and can lose its power.
//
// It keeps what a disk would hold apart from what programs see. Writes reach the disk with Sync();
// creations, renames and removals with SyncDir() of their folder.
//
// A Sync() that fails leaves the unsynced bytes stuck, as on Linux with ext4: programs still see
// them, but later calls of Sync() return OK without writing them, even if they are written again.
// Only Truncate() to below them, or DropCache(), makes their place an ordinary one again.

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

// What a file reads as after OpenReadFromDisk().
enum class DiskReads {
  kDirect,        // What is on the disk, bypassing the page cache.
  kDroppedCache,  // The same, after dropping the page cache.
  kMemory,        // The page cache, as on file systems that take both requests as hints.
};

// Thread-safe.
class FaultFileSystem : public FileSystem {
 public:
  // The root folder "/" exists.
  FaultFileSystem();
  ~FaultFileSystem() override;

  // Makes one call fail with `error_number`: the call number `call`, from 0, counted from now on
  // over all operations that can fail. A write that fails has written half of its bytes.
  void FailCall(uint64_t call, int error_number);
  // The same for that call and all later ones.
  void FailFrom(uint64_t call, int error_number);
  // Ends FailCall() and FailFrom(): nothing fails any more.
  void Heal();
  // While `hold` is true, syncs of files wait, as on a slow disk.
  void HoldSyncs(bool hold);
  // The default is kDirect.
  void SetDiskReads(DiskReads reads);
  // Drops the page cache of the file, except for bytes that wait to be written; stuck bytes are no
  // longer seen.
  void DropCache(const std::string& path);
  // Sets the modification time of files written from now on. The default is the Unix epoch.
  void SetTime(absl::Time now);
  // Calls since the last FailCall(), FailFrom() or Heal().
  uint64_t calls() const;

  // Loses power and starts again: what is not on the disk is lost, except for what `survival` says.
  // All open files must have been closed. `random` decides which bytes survive.
  void PowerLoss(Survival survival, std::mt19937_64& random);

  // Read and change what programs see; WriteAll() changes what is on the disk too, so that tests
  // can damage files.
  std::string ReadAll(const std::string& path) const;
  void WriteAll(const std::string& path, const std::string& content);
  // How far disk space has been reserved.
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
  // Reports every file as accessible to its owner only.
  absl::StatusOr<uint32_t> Permissions(const std::string& /*path*/) override { return 0700; }

 private:
  class AppendHandle;
  class ReadHandle;
  class LockHandle;

  // Counts a call; returns an error number if the call must fail.
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
