#include "tests/support/fault_file_system.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/base/str_cat.h"
#include "server/file/file_status.h"

namespace freshet {
namespace {

constexpr size_t kSectorBytes = 512;

// A change of a file that may not be on disk yet: bytes at a position, or a new size.
struct FileChange {
  bool truncate = false;
  uint64_t position = 0;
  std::string bytes;
};

void Apply(const FileChange& change, std::string& content) {
  if (change.truncate) {
    content.resize(change.position);
    return;
  }
  content.resize(std::max<uint64_t>(content.size(), change.position + change.bytes.size()));
  std::copy(change.bytes.begin(), change.bytes.end(),
            content.begin() + static_cast<std::ptrdiff_t>(change.position));
}

// From a byte to before another.
struct Range {
  uint64_t begin = 0;
  uint64_t end = 0;
};

// What becomes of a file on disk, where writes to the stuck ranges do not reach it.
void ApplyToDisk(const FileChange& change, const std::vector<Range>& stuck, std::string& content) {
  std::string before = content;
  Apply(change, content);
  if (change.truncate) return;
  before.resize(content.size());
  for (const auto& [begin, end] : stuck) {
    if (begin >= content.size()) continue;
    content.replace(begin, end - begin, before, begin, end - begin);
  }
}

uint64_t Draw(std::mt19937_64& random, uint64_t max) {
  return std::uniform_int_distribution<uint64_t>(0, max)(random);
}

// The disk after a loss of power: each sector, and the size of the file, as it was after any of the
// changes.
std::string AnySectors(const std::string& disk_content, const std::vector<FileChange>& changes,
                       const std::vector<Range>& stuck, std::mt19937_64& random) {
  std::vector<std::string> versions = {disk_content};
  for (const FileChange& change : changes) {
    versions.push_back(versions.back());
    ApplyToDisk(change, stuck, versions.back());
  }
  std::string content(versions[Draw(random, changes.size())].size(), '\0');
  for (size_t begin = 0; begin < content.size(); begin += kSectorBytes) {
    const std::string& version = versions[Draw(random, changes.size())];
    if (begin >= version.size()) continue;
    const size_t count = std::min({kSectorBytes, version.size() - begin, content.size() - begin});
    content.replace(begin, count, version, begin, count);
  }
  return content;
}

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

struct FaultFileSystem::Node {
  bool is_directory = false;
  absl::Time modified = absl::UnixEpoch();
  // A file as programs see it, as it is on disk, and what the one has more than the other.
  std::string content;
  std::string disk_content;
  std::vector<FileChange> unsynced;
  std::vector<Range> stuck;
  uint64_t preallocated_end = 0;
  // The same for a folder.
  std::map<std::string, NodePtr> entries;
  std::map<std::string, NodePtr> disk_entries;
  std::vector<DirChange> unsynced_entries;

  void Change(const FileChange& change) {
    Apply(change, content);
    unsynced.push_back(change);
    if (!change.truncate) return;
    preallocated_end = change.position;
    CutStuck(change.position);
  }

  void CutStuck(uint64_t end) {
    for (Range& range : stuck) range.end = std::min(range.end, end);
    std::erase_if(stuck, [](const Range& range) { return range.begin >= range.end; });
  }

  // The file as a Sync() that succeeds now leaves it on the disk.
  std::string Synced() const {
    std::string synced = disk_content;
    for (const FileChange& change : unsynced) ApplyToDisk(change, stuck, synced);
    return synced;
  }

  // The file's size is kept by other means than its bytes.
  void FailSync() {
    for (const FileChange& change : unsynced) {
      if (change.truncate) {
        CutStuck(change.position);
      } else {
        stuck.push_back({change.position, change.position + change.bytes.size()});
      }
    }
    std::erase_if(unsynced, [](const FileChange& change) { return !change.truncate; });
  }

  void DropCache() {
    const size_t size = content.size();
    content = Synced();
    // What is gone reads as zeros.
    content.resize(size);
    // What was written once more since waits to be written.
    std::erase_if(stuck, [this](const Range& range) {
      return std::none_of(unsynced.begin(), unsynced.end(), [&](const FileChange& change) {
        return !change.truncate && change.position < range.end &&
               change.position + change.bytes.size() > range.begin;
      });
    });
  }
};

class FaultFileSystem::AppendHandle : public AppendFile {
 public:
  AppendHandle(FaultFileSystem& owner, std::string path, NodePtr node)
      : owner_(owner),
        path_(std::move(path)),
        node_(std::move(node)),
        size_bytes_(node_->content.size()) {}

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
    const absl::Status status = owner_.MaybeFail(path_, "reserve disk space");
    if (status.ok()) node_->preallocated_end = size_bytes_ + bytes;
    return status;
  }

  absl::Status Sync() override {
    const absl::MutexLock lock(&owner_.mu_);
    owner_.mu_.Await(absl::Condition(&owner_.syncs_go_on_));
    const absl::Status status = owner_.MaybeFail(path_, "sync");
    if (!status.ok()) {
      node_->FailSync();
      return status;
    }
    node_->disk_content = node_->Synced();
    node_->unsynced.clear();
    return status;
  }

  absl::Status Truncate(uint64_t size_bytes) override {
    const absl::MutexLock lock(&owner_.mu_);
    if (absl::Status status = owner_.MaybeFail(path_, "truncate"); !status.ok()) return status;
    node_->Change({.truncate = true, .position = size_bytes, .bytes = {}});
    size_bytes_ = size_bytes;
    return absl::OkStatus();
  }

  uint64_t size_bytes() const override { return size_bytes_; }

 private:
  absl::Status Write(uint64_t position, std::string bytes) {
    const absl::MutexLock lock(&owner_.mu_);
    const absl::Status status = owner_.MaybeFail(path_, "write");
    if (!status.ok()) bytes.resize(bytes.size() / 2);
    node_->Change({.position = position, .bytes = std::move(bytes)});
    node_->modified = owner_.now_;
    return status;
  }

  FaultFileSystem& owner_;
  const std::string path_;
  const NodePtr node_;
  uint64_t size_bytes_;
};

class FaultFileSystem::ReadHandle : public ReadFile {
 public:
  ReadHandle(FaultFileSystem& owner, std::string path, NodePtr node, bool direct)
      : owner_(owner), path_(std::move(path)), node_(std::move(node)), direct_(direct) {}

  absl::StatusOr<size_t> ReadAt(uint64_t position, std::span<std::byte> out) const override {
    const absl::MutexLock lock(&owner_.mu_);
    if (const std::optional<int> error = owner_.CountCall(); error.has_value()) {
      return FileReadError(path_, "read", *error);
    }
    const std::string content = direct_ ? node_->Synced() : node_->content;
    if (position >= content.size()) return 0;
    const size_t count = std::min<size_t>(out.size(), content.size() - position);
    std::memcpy(out.data(), content.data() + position, count);
    return count;
  }

  absl::StatusOr<uint64_t> SizeBytes() const override {
    const absl::MutexLock lock(&owner_.mu_);
    if (absl::Status status = owner_.MaybeFail(path_, "stat"); !status.ok()) return status;
    return node_->content.size();
  }

 private:
  FaultFileSystem& owner_;
  const std::string path_;
  const NodePtr node_;
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

FaultFileSystem::FaultFileSystem() : root_(std::make_shared<Node>()) { root_->is_directory = true; }

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

FaultFileSystem::NodePtr FaultFileSystem::Find(const std::string& path) const {
  NodePtr node = root_;
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) {
      const auto found = node->entries.find(path.substr(begin, end - begin));
      if (found == node->entries.end()) return nullptr;
      node = found->second;
    }
    begin = end + 1;
  }
  return node;
}

FaultFileSystem::NodePtr FaultFileSystem::FindParent(const std::string& path) const {
  return Find(path.substr(0, path.rfind('/')));
}

void FaultFileSystem::ChangeDir(Node& dir, const DirChange& change) {
  for (const auto& [name, node] : change) {
    if (node == nullptr) {
      dir.entries.erase(name);
    } else {
      dir.entries[name] = node;
    }
  }
  dir.unsynced_entries.push_back(change);
}

absl::StatusOr<std::unique_ptr<AppendFile>> FaultFileSystem::OpenAppend(const std::string& path,
                                                                        AppendMode mode) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "open"); !status.ok()) return status;
  const NodePtr parent = FindParent(path);
  if (parent == nullptr) return FileError(path, "open", ENOENT);
  NodePtr node = Find(path);
  if (mode == AppendMode::kExisting && node == nullptr) return FileError(path, "open", ENOENT);
  if (mode == AppendMode::kCreate) {
    if (node != nullptr) return FileError(path, "create", EEXIST);
    node = std::make_shared<Node>();
    ChangeDir(*parent, {{NameOf(path), node}});
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
  const NodePtr node = Find(path);
  if (node == nullptr) return FileError(path, "open", ENOENT);
  if (from_disk && disk_reads_ == DiskReads::kDroppedCache) node->DropCache();
  return std::make_unique<ReadHandle>(*this, path, node,
                                      from_disk && disk_reads_ == DiskReads::kDirect);
}

absl::Status FaultFileSystem::CreateDir(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "create the folder"); !status.ok()) return status;
  const NodePtr parent = FindParent(path);
  if (parent == nullptr) return FileError(path, "create the folder", ENOENT);
  if (Find(path) != nullptr) return FileError(path, "create the folder", EEXIST);
  const NodePtr node = std::make_shared<Node>();
  node->is_directory = true;
  ChangeDir(*parent, {{NameOf(path), node}});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DirEntry>> FaultFileSystem::ListDir(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "list the folder"); !status.ok()) return status;
  const NodePtr node = Find(path);
  if (node == nullptr) return FileError(path, "list the folder", ENOENT);
  std::vector<DirEntry> entries;
  for (const auto& [name, entry] : node->entries) {
    entries.push_back({.name = name, .is_directory = entry->is_directory});
  }
  return entries;
}

absl::Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(from, "rename"); !status.ok()) return status;
  const NodePtr node = Find(from);
  const NodePtr parent = FindParent(to);
  if (node == nullptr || parent == nullptr || parent != FindParent(from)) {
    return FileError(from, "rename", ENOENT);
  }
  ChangeDir(*parent, {{NameOf(from), nullptr}, {NameOf(to), node}});
  return absl::OkStatus();
}

absl::Status FaultFileSystem::Unlink(const std::string& path) { return Remove(path, false); }
absl::Status FaultFileSystem::RemoveDir(const std::string& path) { return Remove(path, true); }

absl::Status FaultFileSystem::Remove(const std::string& path, bool directory) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "remove"); !status.ok()) return status;
  const NodePtr node = Find(path);
  if (node == nullptr) return FileError(path, "remove", ENOENT);
  if (node->is_directory != directory) return FileError(path, "remove", EISDIR);
  if (!node->entries.empty()) return FileError(path, "remove", ENOTEMPTY);
  ChangeDir(*FindParent(path), {{NameOf(path), nullptr}});
  return absl::OkStatus();
}

absl::Status FaultFileSystem::SyncDir(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "sync the folder"); !status.ok()) return status;
  const NodePtr node = Find(path);
  if (node == nullptr) return FileError(path, "sync the folder", ENOENT);
  node->disk_entries = node->entries;
  node->unsynced_entries.clear();
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> FaultFileSystem::FileSize(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "stat"); !status.ok()) return status;
  const NodePtr node = Find(path);
  if (node == nullptr) return FileError(path, "stat", ENOENT);
  return node->content.size();
}

absl::StatusOr<absl::Time> FaultFileSystem::ModificationTime(const std::string& path) {
  const absl::MutexLock lock(&mu_);
  if (absl::Status status = MaybeFail(path, "stat"); !status.ok()) return status;
  const NodePtr node = Find(path);
  if (node == nullptr) return FileError(path, "stat", ENOENT);
  return node->modified;
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
  const NodePtr parent = FindParent(path);
  if (parent == nullptr) return FileError(path, "lock", ENOENT);
  if (!locks_.insert(path).second) {
    return absl::FailedPreconditionError(StrCat(path, " is held by process 1"));
  }
  if (Find(path) == nullptr) ChangeDir(*parent, {{NameOf(path), std::make_shared<Node>()}});
  return std::make_unique<LockHandle>(*this, path);
}

void FaultFileSystem::LosePower(Node& node, Survival survival, std::mt19937_64& random) {
  if (node.is_directory) {
    const size_t kept =
        survival == Survival::kNothing ? 0 : Draw(random, node.unsynced_entries.size());
    node.entries = node.disk_entries;
    for (size_t i = 0; i < kept; ++i) ChangeDir(node, node.unsynced_entries[i]);
    node.disk_entries = node.entries;
    node.unsynced_entries.clear();
    for (const auto& [name, entry] : node.entries) LosePower(*entry, survival, random);
    return;
  }
  if (survival == Survival::kPrefix) {
    const size_t kept = Draw(random, node.unsynced.size());
    for (size_t i = 0; i < kept; ++i) {
      ApplyToDisk(node.unsynced[i], node.stuck, node.disk_content);
    }
    if (kept < node.unsynced.size() && !node.unsynced[kept].truncate) {
      FileChange torn = node.unsynced[kept];
      torn.bytes.resize(Draw(random, torn.bytes.size()));
      ApplyToDisk(torn, node.stuck, node.disk_content);
    }
  } else if (survival == Survival::kAnySectors) {
    node.disk_content = AnySectors(node.disk_content, node.unsynced, node.stuck, random);
  }
  node.unsynced.clear();
  node.stuck.clear();
  node.content = node.disk_content;
}

void FaultFileSystem::PowerLoss(Survival survival, std::mt19937_64& random) {
  const absl::MutexLock lock(&mu_);
  LosePower(*root_, survival, random);
  locks_.clear();
}

std::string FaultFileSystem::ReadAll(const std::string& path) const {
  const absl::MutexLock lock(&mu_);
  const NodePtr node = Find(path);
  return node == nullptr ? std::string() : node->content;
}

void FaultFileSystem::WriteAll(const std::string& path, const std::string& content) {
  const absl::MutexLock lock(&mu_);
  NodePtr& node = FindParent(path)->entries[NameOf(path)];
  if (node == nullptr) node = std::make_shared<Node>();
  FindParent(path)->disk_entries[NameOf(path)] = node;
  node->content = content;
  node->disk_content = content;
  node->unsynced.clear();
  node->stuck.clear();
}

uint64_t FaultFileSystem::PreallocatedEnd(const std::string& path) const {
  const absl::MutexLock lock(&mu_);
  return Find(path)->preallocated_end;
}

}  // namespace freshet
