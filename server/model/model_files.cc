#include "server/model/model_files.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

bool IsAutomatic(const v1::Snapshot& snapshot) {
  return snapshot.trigger() != v1::SNAPSHOT_TRIGGER_REQUEST &&
         snapshot.trigger() != v1::SNAPSHOT_TRIGGER_IMPORT;
}

std::string_view IdOf(const v1::Snapshot& snapshot) {
  const std::string_view name = snapshot.name();
  return name.substr(name.rfind('/') + 1);
}

// The number in an id that NextSnapshotId() chose; 0 for others.
uint64_t NumberOf(std::string_view id) {
  uint64_t number = 0;
  return id.starts_with('s') && absl::SimpleAtoi(ToAbsl(id.substr(1)), &number) ? number : 0;
}

}  // namespace

ModelFiles::ModelFiles(std::unique_ptr<SnapshotStore> snapshots, std::shared_ptr<LogWriter> log,
                       Restores replayed, Options options)
    : snapshots_(std::move(snapshots)),
      log_(std::move(log)),
      options_(std::move(options)),
      log_retention_(options_.log_retention),
      restores_(std::move(replayed)) {
  uint64_t last_number = 0;
  for (const DamagedSnapshot& damaged : snapshots_->damaged()) {
    last_number = std::max(last_number, NumberOf(damaged.id));
  }
  for (const v1::SnapshotFileHeader& header : snapshots_->List()) {
    last_number = std::max(last_number, NumberOf(IdOf(header.snapshot())));
    for (const v1::RestoreRecord& restore : header.restores()) {
      restores_.emplace(restore.offset(), restore.snapshot_id());
    }
  }
  next_snapshot_number_ = last_number + 1;
  const std::vector<v1::Snapshot> starts = RecoveryStarts();
  if (!starts.empty()) snapshot_offset_ = starts.back().offset();
}

std::string ModelFiles::NextSnapshotId() {
  std::string id;
  // Others may have been named like this by request, or where they come from.
  do {
    id = absl::StrFormat("s%06d", next_snapshot_number_.fetch_add(1));
  } while (!absl::IsNotFound(snapshots_->Get(id).status()));
  return id;
}

std::vector<v1::Snapshot> ModelFiles::RecoveryStarts() const {
  const uint64_t first = log_ == nullptr ? 0 : log_->first_offset();
  std::vector<v1::Snapshot> starts;
  for (v1::SnapshotFileHeader& header : snapshots_->List()) {
    v1::Snapshot& snapshot = *header.mutable_snapshot();
    if (snapshot.trigger() == v1::SNAPSHOT_TRIGGER_IMPORT || snapshot.offset() < first) continue;
    starts.push_back(std::move(snapshot));
  }
  return starts;
}

ModelFiles::AutomaticSnapshots ModelFiles::SortAutomatic() const {
  AutomaticSnapshots automatic;
  for (v1::SnapshotFileHeader& header : snapshots_->List()) {
    if (IsAutomatic(header.snapshot())) {
      automatic.kept.push_back(std::move(*header.mutable_snapshot()));
    }
  }
  if (automatic.kept.size() > options_.keep_snapshot_count) {
    const auto first_kept = automatic.kept.end() - options_.keep_snapshot_count;
    automatic.old.assign(automatic.kept.begin(), first_kept);
    automatic.kept.erase(automatic.kept.begin(), first_kept);
  }
  return automatic;
}

uint64_t ModelFiles::NeededFrom(const AutomaticSnapshots& automatic) const {
  if (automatic.kept.size() >= options_.keep_snapshot_count) return automatic.kept.front().offset();
  return log_ == nullptr ? 0 : log_->first_offset();
}

bool ModelFiles::IsRestored(std::string_view id, uint64_t needed_from) const {
  const absl::MutexLock lock(&mu_);
  return being_restored_.contains(id) ||
         std::any_of(restores_.lower_bound(needed_from), restores_.end(),
                     [&](const auto& restore) { return restore.second == id; });
}

void ModelFiles::BeginRestore(const std::string& id) {
  const absl::MutexLock lock(&mu_);
  being_restored_.insert(id);
}

void ModelFiles::AddRestore(const std::string& id, uint64_t offset) {
  const absl::MutexLock lock(&mu_);
  restores_[offset] = id;
}

void ModelFiles::EndRestore(const std::string& id) {
  const absl::MutexLock lock(&mu_);
  being_restored_.erase(being_restored_.find(id));
}

absl::StatusOr<v1::Snapshot> ModelFiles::WriteSnapshot(v1::SnapshotFileHeader header,
                                                       const SavedState& state) {
  absl::StatusOr<FileGate::Pass> pass = gate_.Enter();
  if (!pass.ok()) return pass.status();
  const uint64_t offset = header.snapshot().offset();
  {
    const absl::MutexLock lock(&mu_);
    for (const auto& [record, id] : restores_) {
      v1::RestoreRecord& restore = *header.add_restores();
      restore.set_offset(record);
      restore.set_snapshot_id(id);
    }
  }
  const absl::Time begin = options_.clock();
  absl::StatusOr<v1::SnapshotFileHeader> written =
      snapshots_->Write(std::move(header), FrameState(state).pieces);
  if (!written.ok()) return written.status();
  uint64_t newest = snapshot_offset_;
  while (newest < offset && !snapshot_offset_.compare_exchange_weak(newest, offset)) {
  }
  spdlog::info("event=snapshot name={} offset={} bytes={} pause_ms={:.2f} write_ms={:.1f}",
               written->snapshot().name(), offset, written->snapshot().size_bytes(),
               written->snapshot().pause_ms(),
               absl::ToDoubleMilliseconds(options_.clock() - begin));
  DeleteOld();
  return written->snapshot();
}

absl::StatusOr<v1::Snapshot> ModelFiles::ImportSnapshot(v1::SnapshotFileHeader header,
                                                        ByteSpan payload) {
  absl::StatusOr<FileGate::Pass> pass = gate_.Enter();
  if (!pass.ok()) return pass.status();
  const std::array<ByteSpan, 1> pieces = {payload};
  absl::StatusOr<v1::SnapshotFileHeader> written = snapshots_->Write(std::move(header), pieces);
  if (!written.ok()) return written.status();
  spdlog::info("event=snapshot_imported name={} offset={} bytes={}", written->snapshot().name(),
               written->snapshot().offset(), written->snapshot().size_bytes());
  return written->snapshot();
}

absl::Status ModelFiles::DeleteSnapshot(std::string_view id) {
  absl::StatusOr<FileGate::Pass> pass = gate_.Enter();
  if (!pass.ok()) return pass.status();
  const absl::MutexLock lock(&deletion_mu_);
  if (IsRestored(id, NeededFrom(SortAutomatic()))) {
    return absl::FailedPreconditionError(StrCat(
        "snapshot \"", id, "\" was restored, and recovery may have to do that again; it can ",
        "be deleted after ", options_.keep_snapshot_count, " more automatic snapshots"));
  }
  const std::vector<v1::Snapshot> starts = RecoveryStarts();
  const bool log_is_whole = log_ != nullptr && log_->first_offset() == 0;
  if (starts.size() == 1 && IdOf(starts.front()) == id && !log_is_whole) {
    return absl::FailedPreconditionError(
        StrCat("snapshot \"", id, "\" is the only one that the model can be recovered from; take ",
               "another one first"));
  }
  return snapshots_->Delete(id);
}

void ModelFiles::SetRetention(const Retention& retention) {
  const absl::MutexLock lock(&mu_);
  log_retention_ = retention;
}

void ModelFiles::DeleteOld() {
  absl::StatusOr<FileGate::Pass> pass = gate_.Enter();
  if (!pass.ok()) return;
  const absl::MutexLock lock(&deletion_mu_);
  const AutomaticSnapshots automatic = SortAutomatic();
  const uint64_t needed_from = NeededFrom(automatic);
  for (const v1::Snapshot& snapshot : automatic.old) {
    if (IsRestored(IdOf(snapshot), needed_from)) continue;
    const absl::Status status = snapshots_->Delete(IdOf(snapshot));
    if (!status.ok() && !absl::IsNotFound(status)) {
      spdlog::warn("event=snapshot_delete_failed name={} error=\"{}\"", snapshot.name(),
                   status.ToString());
    }
  }
  Retention retention;
  {
    const absl::MutexLock state_lock(&mu_);
    restores_.erase(restores_.begin(), restores_.lower_bound(needed_from));
    retention = log_retention_;
  }
  if (log_ == nullptr) return;
  const absl::Status status = log_->DropBefore(needed_from, retention, options_.clock());
  if (!status.ok()) spdlog::warn("event=log_delete_failed error=\"{}\"", status.ToString());
}

v1::Storage ModelFiles::Describe() const {
  v1::Storage storage;
  for (const v1::SnapshotFileHeader& header : snapshots_->List()) {
    storage.set_snapshot_bytes(storage.snapshot_bytes() + header.snapshot().size_bytes());
    storage.set_snapshot_count(storage.snapshot_count() + 1);
  }
  storage.set_snapshot_offset(snapshot_offset_);
  if (log_ == nullptr) return storage;
  storage.set_log_bytes(log_->size_bytes());
  storage.set_log_first_offset(log_->first_offset());
  storage.set_logged_offset(log_->logged_offset());
  const LatencyHistogram::Counts syncs = sync_latency();
  storage.set_sync_count(syncs.count);
  storage.set_sync_p50_ms(absl::ToDoubleMilliseconds(syncs.Quantile(0.5)));
  storage.set_sync_p99_ms(absl::ToDoubleMilliseconds(syncs.Quantile(0.99)));
  return storage;
}

}  // namespace freshet
