#include "server/snapshot/snapshot_retention.h"

#include <algorithm>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/resource_id.h"

namespace freshet {
namespace {

bool IsAutomatic(const v1::Snapshot& snapshot) {
  return snapshot.trigger() != v1::SNAPSHOT_TRIGGER_REQUEST &&
         snapshot.trigger() != v1::SNAPSHOT_TRIGGER_IMPORT;
}

}  // namespace

SnapshotRetention::SnapshotRetention(const SnapshotStore& snapshots, uint32_t keep_count,
                                     Restores replayed)
    : snapshots_(snapshots), keep_count_(keep_count), restores_(std::move(replayed)) {
  for (const v1::SnapshotFileHeader& header : snapshots_.List()) {
    for (const v1::RestoreRecord& restore : header.restores()) {
      restores_.emplace(restore.offset(), restore.snapshot_id());
    }
  }
}

std::vector<v1::Snapshot> SnapshotRetention::Starts(std::optional<uint64_t> log_begin) const {
  std::vector<v1::Snapshot> starts;
  for (v1::SnapshotFileHeader& header : snapshots_.List()) {
    v1::Snapshot& snapshot = *header.mutable_snapshot();
    if (snapshot.trigger() == v1::SNAPSHOT_TRIGGER_IMPORT) continue;
    if (snapshot.offset() >= log_begin.value_or(0)) starts.push_back(std::move(snapshot));
  }
  return starts;
}

uint64_t SnapshotRetention::NewestStart(std::optional<uint64_t> log_begin) const {
  const std::vector<v1::Snapshot> starts = Starts(log_begin);
  return starts.empty() ? 0 : starts.back().offset();
}

SnapshotRetention::Automatic SnapshotRetention::SortAutomatic() const {
  std::vector<v1::SnapshotFileHeader> headers = snapshots_.List();
  std::erase_if(headers, [](const v1::SnapshotFileHeader& header) {
    return !IsAutomatic(header.snapshot());
  });
  const size_t old_count = headers.size() - std::min<size_t>(headers.size(), keep_count_);
  Automatic automatic;
  for (size_t i = 0; i < headers.size(); ++i) {
    v1::Snapshot& snapshot = *headers[i].mutable_snapshot();
    if (i >= old_count) {
      automatic.needed_from =
          std::min(automatic.needed_from, snapshot.offset() - headers[i].variant_lag());
    }
    (i < old_count ? automatic.old : automatic.kept).push_back(std::move(snapshot));
  }
  return automatic;
}

uint64_t SnapshotRetention::NeededFrom(const Automatic& automatic,
                                       std::optional<uint64_t> log_begin) const {
  if (automatic.kept.size() >= keep_count_) return automatic.needed_from;
  return log_begin.value_or(0);
}

uint64_t SnapshotRetention::NeededFrom(std::optional<uint64_t> log_begin) const {
  return NeededFrom(SortAutomatic(), log_begin);
}

std::vector<v1::Snapshot> SnapshotRetention::Old(std::optional<uint64_t> log_begin) const {
  Automatic automatic = SortAutomatic();
  const uint64_t needed_from = NeededFrom(automatic, log_begin);
  std::erase_if(automatic.old, [&](const v1::Snapshot& snapshot) {
    return IsRestored(LastId(snapshot.name()), needed_from);
  });
  return std::move(automatic.old);
}

absl::Status SnapshotRetention::CheckDeletion(std::string_view id,
                                              std::optional<uint64_t> log_begin) const {
  if (IsRestored(id, NeededFrom(log_begin))) {
    return absl::FailedPreconditionError(
        StrCat("snapshot \"", id, "\" was restored, and recovery may have to restore it again; it ",
               "can be deleted after ", keep_count_, " more automatic snapshots"));
  }
  const std::vector<v1::Snapshot> starts = Starts(log_begin);
  const bool log_is_whole = log_begin == uint64_t{0};
  if (starts.size() == 1 && LastId(starts.front().name()) == id && !log_is_whole) {
    return absl::FailedPreconditionError(
        StrCat("snapshot \"", id, "\" is the only one that the model can be recovered from; take ",
               "another one first"));
  }
  return absl::OkStatus();
}

bool SnapshotRetention::IsRestored(std::string_view id, uint64_t needed_from) const {
  const absl::MutexLock lock(&mu_);
  return being_restored_.contains(id) ||
         std::any_of(restores_.lower_bound(needed_from), restores_.end(),
                     [&](const auto& restore) { return restore.second == id; });
}

void SnapshotRetention::BeginRestore(const std::string& id) {
  const absl::MutexLock lock(&mu_);
  being_restored_.insert(id);
}

void SnapshotRetention::AddRestore(const std::string& id, uint64_t offset) {
  const absl::MutexLock lock(&mu_);
  restores_[offset] = id;
}

void SnapshotRetention::EndRestore(const std::string& id) {
  const absl::MutexLock lock(&mu_);
  being_restored_.erase(being_restored_.find(id));
}

void SnapshotRetention::ForgetRestores(uint64_t needed_from) {
  const absl::MutexLock lock(&mu_);
  restores_.erase(restores_.begin(), restores_.lower_bound(needed_from));
}

void SnapshotRetention::NoteRestores(v1::SnapshotFileHeader& header) const {
  const absl::MutexLock lock(&mu_);
  for (const auto& [record, id] : restores_) {
    v1::RestoreRecord& restore = *header.add_restores();
    restore.set_offset(record);
    restore.set_snapshot_id(id);
  }
}

}  // namespace freshet
