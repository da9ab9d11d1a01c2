#include "tests/support/fault_file_system.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/str_cat.h"
#include "server/file/file_status.h"

namespace freshet {
namespace {

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

class FaultFileSystem::AppendHandle : public AppendFile {
 public:
  AppendHandle(FaultFileSystem& owner, std::string path, DiskNode::Ptr node)
      : owner_(owner),
        path_(std::move(path)),
        node_(std::move(node)),
        size_bytes_(node_->content().size()) {}

  absl::Status Append(std::span<const ByteSpan> pieces) override {
    std::string bytes;
    for (const ByteSpan& piece : pieces) {
      bytes.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    }
    if (absl::Status status = Write(size_bytes_, bytes); !status.ok()) return status;
    size_bytes_ += bytes.size();
    return absl::OkStatus();
  }

  absl::Status AppendDirect(std::span<const ByteSpan> pieces) override { return Append(pieces); }

  absl::Status Preallocate(uint64_t bytes) override {
    const absl::MutexLock lock(&owner_.mu_);
    absl::Status status = owner_.MaybeFail(path_, "reserve disk space");
    if (status.ok()) node_->Preallocate(size_bytes_ + bytes);
    return status;
  }

  absl::Status Sync() override {
    const absl::MutexLock lock(&owner_.mu_);
    owner_.mu_.Await(absl::Condition(&owner_.syncs_go_on_));
    absl::Status status = owner_.MaybeFail(path_, "sync");
    if (status.ok()) {
      node_->Sync();
    } else {
      node_->FailSync();
    }
    return status;
  }

  absl::Status Truncate(uint64_t size_bytes) override {
    const absl::MutexLock lock(&owner_.mu_);
    if (absl::Status status = owner_.MaybeFail(path_, "truncate"); !status.ok()) return status;
    node_->Truncate(size_bytes);
    size_bytes_ = size_bytes;
    return absl::OkStatus();
  }

  uint64_t size_bytes() const override { return size_bytes_; }

 private:
  absl::Status Write(uint64_t position, std::string bytes) {
    const absl::MutexLock lock(&owner_.mu_);
    absl::Status status = owner_.MaybeFail(path_, "write");
    if (!status.ok()) bytes.resize(bytes.size() / 2);
    node_->Write(position, std::move(bytes), owner_.now_);
    return status;
  }

  FaultFileSystem& owner_;
  const std::string path_;
  const DiskNode::Ptr node_;
  uint64_t size_bytes_;
};

class FaultFileSystem::ReadHandle : public ReadFile {
 public:
  ReadHandle(FaultFileSystem& owner, std::string path, DiskNode::Ptr node, bool direct)
      : owner_(owner), path_(std::move(path)), node_(std::move(node)), direct_(direct) {}

  absl::StatusOr<size_t> ReadAt(uint64_t position, std::span<std::byte> out) const override {
    const absl::MutexLock lock(&owner_.mu_);
    if (const std::optional<int> error = owner_.CountCall(); error.has_value()) {
      return FileReadError(path_, "read", *error);
    }
    const std::string content = direct_ ? node_->Synced() : node_->content();
    if (position >= content.size()) return 0;
    const size_t count = std::min<size_t>(out.size(), content.size() - position);
    std::memcpy(out.data(), content.data() + position, count);
    return count;
  }

  absl::StatusOr<uint64_t> SizeBytes() const override {
    const absl::MutexLock lock(&owner_.mu_);
    if (absl::Status status = owner_.MaybeFail(path_, "stat"); !status.ok()) return status;
    return node_->content().size();
  }

 private:
  FaultFileSystem& owner_;
  const std::string path_;
  const DiskNode::Ptr node_;
  const bool direct_;
};

class FaultFileSystem::LockHandle : public FileLock {
 public:
  LockHandle(FaultFileSystem& owner, std::string path) : owner_(owner), path_(std::move(path)) {}
  ~LockHandle() override {
    const absl::MutexLock lock(&owner_.mu_);
    owner_.locks_.erase(path_);
  }

 private:
  FaultFileSystem& owner_;
  const std::string path_;
};

FaultFileSystem::FaultFileSystem() : root_(DiskNode::NewFolder()) {}

FaultFileSystem::~FaultFileSystem() = default;

void FaultFileSystem::FailCall(uint64_t call, int error_number) {
  const absl::MutexLock lock(&mu_);
  calls_ = 0;
  fail_first_ = call;
  fail_last_ = call;
  error_number_ = error_number;
}

void FaultFileSystem::FailFrom(uint64_t call, int error_number) {
  FailCall(call, error_number);
  const absl::MutexLock lock(&mu_);
  fail_last_ = ~uint64_t{0};
}

void FaultFileSystem::Heal() { FailCall(~uint64_t{0}, 0); }

uint64_t FaultFileSystem::calls() const {
  const absl::MutexLock lock(&mu_);
  return calls_;
}

std::optional<int> FaultFileSystem::CountCall() {
  const uint64_t call = calls_++;
  if (call < fail_first_ || call > fail_last_) return std::nullopt;
  return error_number_;
}

absl::Status FaultFileSystem::MaybeFail(const std::string& path, const char* operation) {
  const std::optional<int> error = CountCall();
  return error.has_value() ? FileError(path, operation, *error) : absl::OkStatus();
}

DiskNode::Ptr FaultFileSystem::Find(const std::string& path) const {
  DiskNode::Ptr node = root_;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) {
      const auto found = node->entries().find(path.substr(begin, end - begin));
      if (found == node->entries().end()) return nullptr;
      node = found->second;
    }
    begin = end + 1;
  }
  return node;
}

DiskNode::Ptr FaultFileSystem::FindParent(const std::string& path) const {
  return Find(path.substr(0, path.rfind('/')));
}

absl::StatusOr<std::unique_ptr<AppendFile>> FaultFileSystem::OpenAppend(const std::string& path,
                                                                        AppendMode mode) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "open"); !status.ok()) return status;
  const DiskNode::Ptr parent = FindParent(path);
  if (parent == nullptr) return FileError(path, "open", ENOENT);
  DiskNode::Ptr node = Find(path);
  if (mode == AppendMode::kExisting && node == nullptr) return FileError(path, "open", ENOENT);
  if (mode == AppendMode::kCreate) {
    if (node != nullptr) return FileError(path, "create", EEXIST);
    node = DiskNode::NewFile();
    parent->ChangeEntries({{NameOf(path), node}});
  }
  return std::make_unique<AppendHandle>(*this, path, node);
}

absl::StatusOr<std::unique_ptr<ReadFile>> FaultFileSystem::OpenRead(const std::string& path) {
  return OpenFile(path, /*from_disk=*/false);
}

absl::StatusOr<std::unique_ptr<ReadFile>> FaultFileSystem::OpenReadFromDisk(
    const std::string& path) {
  return OpenFile(path, /*from_disk=*/true);
}

absl::StatusOr<std::unique_ptr<ReadFile>> FaultFileSystem::OpenFile(const std::string& path,
                                                                    bool from_disk) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "open"); !status.ok()) return status;
  const DiskNode::Ptr node = Find(path);
  if (node == nullptr) return FileError(path, "open", ENOENT);
  if (node->is_folder()) return absl::InvalidArgumentError(StrCat(path, ": is a folder"));
  if (from_disk && disk_reads_ == DiskReads::kDroppedCache) node->DropCache();
  return std::make_unique<ReadHandle>(*this, path, node,
                                      from_disk && disk_reads_ == DiskReads::kDirect);
}

absl::Status FaultFileSystem::CreateDir(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "create the folder"); !status.ok()) return status;
  const DiskNode::Ptr parent = FindParent(path);
  if (parent == nullptr) return FileError(path, "create the folder", ENOENT);
  if (Find(path) != nullptr) return FileError(path, "create the folder", EEXIST);
  parent->ChangeEntries({{NameOf(path), DiskNode::NewFolder()}});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DirEntry>> FaultFileSystem::ListDir(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "list the folder"); !status.ok()) return status;
  const DiskNode::Ptr node = Find(path);
  if (node == nullptr) return FileError(path, "list the folder", ENOENT);
  std::vector<DirEntry> entries;
  for (const auto& [name, entry] : node->entries()) {
    entries.push_back({.name = name, .is_directory = entry->is_folder()});
  }
  return entries;
}

absl::Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(from, "rename"); !status.ok()) return status;
  const DiskNode::Ptr node = Find(from);
  const DiskNode::Ptr parent = FindParent(to);
  if (node == nullptr || parent == nullptr) return FileError(from, "rename", ENOENT);
  const DiskNode::Ptr old_parent = FindParent(from);
  if (parent == old_parent) {
    parent->ChangeEntries({{NameOf(from), nullptr}, {NameOf(to), node}});
  } else {
    parent->ChangeEntries({{NameOf(to), node}});
    old_parent->ChangeEntries({{NameOf(from), nullptr}});
  }
  return absl::OkStatus();
}

absl::Status FaultFileSystem::Unlink(const std::string& path) { return Remove(path, false); }
absl::Status FaultFileSystem::RemoveDir(const std::string& path) { return Remove(path, true); }

absl::Status FaultFileSystem::Remove(const std::string& path, bool folder) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "remove"); !status.ok()) return status;
  const DiskNode::Ptr node = Find(path);
  if (node == nullptr) return FileError(path, "remove", ENOENT);
  if (node->is_folder() != folder) return FileError(path, "remove", EISDIR);
  if (!node->entries().empty()) return FileError(path, "remove", ENOTEMPTY);
  FindParent(path)->ChangeEntries({{NameOf(path), nullptr}});
  return absl::OkStatus();
}

absl::Status FaultFileSystem::SyncDir(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "sync the folder"); !status.ok()) return status;
  const DiskNode::Ptr node = Find(path);
  if (node == nullptr) return FileError(path, "sync the folder", ENOENT);
  node->SyncEntries();
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> FaultFileSystem::FileSize(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "stat"); !status.ok()) return status;
  const DiskNode::Ptr node = Find(path);
  if (node == nullptr) return FileError(path, "stat", ENOENT);
  return node->content().size();
}

absl::StatusOr<absl::Time> FaultFileSystem::ModificationTime(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "stat"); !status.ok()) return status;
  const DiskNode::Ptr node = Find(path);
  if (node == nullptr) return FileError(path, "stat", ENOENT);
  return node->modified();
}

void FaultFileSystem::HoldSyncs(bool hold) {
  const absl::MutexLock lock(&mu_);
  syncs_go_on_ = !hold;
}

void FaultFileSystem::SetDiskReads(DiskReads reads) {
  const absl::MutexLock lock(&mu_);
  disk_reads_ = reads;
}

void FaultFileSystem::DropCache(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  Find(path)->DropCache();
}

void FaultFileSystem::SetTime(absl::Time now) {
  const absl::MutexLock lock(&mu_);
  now_ = now;
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultFileSystem::LockFile(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "lock"); !status.ok()) return status;
  const DiskNode::Ptr parent = FindParent(path);
  if (parent == nullptr) return FileError(path, "lock", ENOENT);
  if (!locks_.insert(path).second) {
    return absl::FailedPreconditionError(StrCat(path, " is held by process 1"));
  }
  if (Find(path) == nullptr) parent->ChangeEntries({{NameOf(path), DiskNode::NewFile()}});
  return std::make_unique<LockHandle>(*this, path);
}

absl::StatusOr<std::unique_ptr<FileLock>> FaultFileSystem::LockFolder(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "lock"); !status.ok()) return status;
  if (!locks_.insert(path).second) {
    return absl::FailedPreconditionError(StrCat(path, " is held by another process"));
  }
  return std::make_unique<LockHandle>(*this, path);
}

void FaultFileSystem::PowerLoss(Survival survival, std::mt19937_64& random) {
  const absl::MutexLock lock(&mu_);
  root_->LosePower(survival, random);
  locks_.clear();
}

std::string FaultFileSystem::ReadAll(const std::string& path) const {
  const absl::MutexLock lock(&mu_);
  const DiskNode::Ptr node = Find(path);
  return node == nullptr ? std::string() : node->content();
}

void FaultFileSystem::WriteAll(const std::string& path, const std::string& content) {
  const absl::MutexLock lock(&mu_);
  FindParent(path)->FindOrPut(NameOf(path)).Replace(content);
}

uint64_t FaultFileSystem::PreallocatedEnd(const std::string& path) const {
  const absl::MutexLock lock(&mu_);
  return Find(path)->preallocated_end();
}

}  // namespace freshet
