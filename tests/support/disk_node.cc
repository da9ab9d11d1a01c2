#include "tests/support/disk_node.h"

#include <algorithm>
#include <cstddef>

namespace freshet {
namespace {

constexpr size_t kSectorBytes = 512;

uint64_t Draw(std::mt19937_64& random, uint64_t max) {
  return std::uniform_int_distribution<uint64_t>(0, max)(random);
}

}  // namespace

void DiskNode::Write(uint64_t position, std::string bytes, absl::Time now) {
  unsynced_.push_back({.position = position, .bytes = std::move(bytes)});
  Apply(unsynced_.back(), content_);
  modified_ = now;
}

void DiskNode::Truncate(uint64_t size_bytes) {
  unsynced_.push_back({.truncate = true, .position = size_bytes, .bytes = {}});
  Apply(unsynced_.back(), content_);
  preallocated_end_ = size_bytes;
  CutStuck(size_bytes);
}

void DiskNode::Replace(const std::string& content) {
  content_ = content;
  disk_content_ = content;
  unsynced_.clear();
  stuck_.clear();
}

std::string DiskNode::Synced() const {
  std::string synced = disk_content_;
  for (const Change& change : unsynced_) ApplyToDisk(change, synced);
  return synced;
}

void DiskNode::Sync() {
  disk_content_ = Synced();
  unsynced_.clear();
}

void DiskNode::FailSync() {
  for (const Change& change : unsynced_) {
    if (change.truncate) {
      CutStuck(change.position);
    } else {
      stuck_.push_back({change.position, change.position + change.bytes.size()});
    }
  }
  std::erase_if(unsynced_, [](const Change& change) { return !change.truncate; });
}

void DiskNode::DropCache() {
  const size_t size = content_.size();
  content_ = Synced();
  // Lost bytes read as zeros.
  content_.resize(size);
  // A stuck range that was written again since stays stuck: its new bytes still wait to be written.
  std::erase_if(stuck_, [this](const Range& range) {
    return std::none_of(unsynced_.begin(), unsynced_.end(), [&](const Change& change) {
      return !change.truncate && change.position < range.end &&
             change.position + change.bytes.size() > range.begin;
    });
  });
}

void DiskNode::ChangeEntries(const Entries& change) {
  for (const auto& [name, node] : change) {
    if (node == nullptr) {
      entries_.erase(name);
    } else {
      entries_[name] = node;
    }
  }
  unsynced_entries_.push_back(change);
}

void DiskNode::SyncEntries() {
  disk_entries_ = entries_;
  unsynced_entries_.clear();
}

DiskNode& DiskNode::FindOrPut(const std::string& name) {
  Ptr& node = entries_[name];
  if (node == nullptr) node = NewFile();
  disk_entries_[name] = node;
  return *node;
}

void DiskNode::LosePower(Survival survival, std::mt19937_64& random) {
  if (is_folder_) {
    LoseFolder(survival, random);
    return;
  }
  if (survival == Survival::kPrefix) KeepPrefix(random);
  if (survival == Survival::kAnySectors) KeepAnySectors(random);
  Replace(disk_content_);
}

void DiskNode::LoseFolder(Survival survival, std::mt19937_64& random) {
  const size_t kept = survival == Survival::kNothing ? 0 : Draw(random, unsynced_entries_.size());
  entries_ = disk_entries_;
  for (size_t i = 0; i < kept; ++i) ChangeEntries(unsynced_entries_[i]);
  SyncEntries();
  for (const auto& [name, entry] : entries_) entry->LosePower(survival, random);
}

void DiskNode::KeepPrefix(std::mt19937_64& random) {
  const size_t kept = Draw(random, unsynced_.size());
  for (size_t i = 0; i < kept; ++i) ApplyToDisk(unsynced_[i], disk_content_);
  if (kept < unsynced_.size() && !unsynced_[kept].truncate) {
    Change torn = unsynced_[kept];
    torn.bytes.resize(Draw(random, torn.bytes.size()));
    ApplyToDisk(torn, disk_content_);
  }
}

// Each sector, and likewise the file's size, becomes what it was after any one of the changes.
void DiskNode::KeepAnySectors(std::mt19937_64& random) {
  std::vector<std::string> versions = {disk_content_};
  for (const Change& change : unsynced_) {
    versions.push_back(versions.back());
    ApplyToDisk(change, versions.back());
  }
  disk_content_.assign(versions[Draw(random, unsynced_.size())].size(), '\0');
  for (size_t begin = 0; begin < disk_content_.size(); begin += kSectorBytes) {
    const std::string& version = versions[Draw(random, unsynced_.size())];
    if (begin >= version.size()) continue;
    const size_t count =
        std::min({kSectorBytes, version.size() - begin, disk_content_.size() - begin});
    disk_content_.replace(begin, count, version, begin, count);
  }
}

void DiskNode::Apply(const Change& change, std::string& content) {
  if (change.truncate) {
    content.resize(change.position);
    return;
  }
  content.resize(std::max<uint64_t>(content.size(), change.position + change.bytes.size()));
  std::copy(change.bytes.begin(), change.bytes.end(),
            content.begin() + static_cast<std::ptrdiff_t>(change.position));
}

void DiskNode::ApplyToDisk(const Change& change, std::string& content) const {
  std::string before = content;
  Apply(change, content);
  if (change.truncate) return;
  before.resize(content.size());
  for (const auto& [begin, end] : stuck_) {
    if (begin >= content.size()) continue;
    content.replace(begin, end - begin, before, begin, end - begin);
  }
}

void DiskNode::CutStuck(uint64_t end) {
  for (Range& range : stuck_) range.end = std::min(range.end, end);
  std::erase_if(stuck_, [](const Range& range) { return range.begin >= range.end; });
}

}  // namespace freshet
