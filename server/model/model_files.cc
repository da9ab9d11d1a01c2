#include "server/model/model_files.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "server/file/resource_id.h"

namespace freshet {
namespace {

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
      retention_(*snapshots_, options_.keep_snapshots, std::move(replayed)),
      snapshot_offset_(retention_.NewestStart(log_begin())),
      log_retention_(options_.log_retention) {
  uint64_t last_number = 0;
  for (const DamagedSnapshot& damaged : snapshots_->damaged()) {
    last_number = std::max(last_number, NumberOf(damaged.id));
  }
  for (const v1::SnapshotFileHeader& header : snapshots_->List()) {
    last_number = std::max(last_number, NumberOf(LastId(header.snapshot().name())));
  }
  next_snapshot_number_ = last_number + 1;
}

std::string ModelFiles::NextSnapshotId() {
  std::string id;
  // Others may have been named like this by request, or where they come from.
  do {
    id = absl::StrFormat("s%06d", next_snapshot_number_.fetch_add(1));
  } while (!absl::IsNotFound(snapshots_->Get(id).status()));
  return id;
}

std::optional<uint64_t> ModelFiles::log_begin() const {
  if (log_ == nullptr) return std::nullopt;
  return log_->first_offset();
}

absl::StatusOr<v1::Snapshot> ModelFiles::WriteSnapshot(v1::SnapshotFileHeader header,
                                                       const SavedState& state) {
  absl::StatusOr<FileGate::Pass> pass = gate_.Enter();
  if (!pass.ok()) return pass.status();
  const uint64_t offset = header.snapshot().offset();
  retention_.NoteRestores(header);
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
  if (absl::Status status = retention_.CheckDeletion(id, log_begin()); !status.ok()) return status;
  return snapshots_->Delete(id);
}

void ModelFiles::SetFurtherNeed(std::function<uint64_t()> needed_from) {
  const absl::MutexLock lock(&mu_);
  further_need_ = std::move(needed_from);
}

void ModelFiles::SetRetention(const Retention& retention) {
  const absl::MutexLock lock(&mu_);
  log_retention_ = retention;
}

void ModelFiles::DeleteOld() {
  absl::StatusOr<FileGate::Pass> pass = gate_.Enter();
  if (!pass.ok()) return;
  const absl::MutexLock lock(&deletion_mu_);
  const uint64_t needed_from = retention_.NeededFrom(log_begin());
  for (const v1::Snapshot& snapshot : retention_.Old(log_begin())) {
    const absl::Status status = snapshots_->Delete(LastId(snapshot.name()));
    if (!status.ok() && !absl::IsNotFound(status)) {
      spdlog::warn("event=snapshot_delete_failed name={} error={}", snapshot.name(),
                   JsonString(status.ToString()));
    }
  }
  retention_.ForgetRestores(needed_from);
  if (log_ == nullptr) return;
  Retention retention;
  std::function<uint64_t()> further_need;
  {
    const absl::MutexLock state_lock(&mu_);
    retention = log_retention_;
    further_need = further_need_;
  }
  const uint64_t kept_from = further_need ? std::min(needed_from, further_need()) : needed_from;
  const absl::Status status = log_->DropBefore(kept_from, retention, options_.clock());
  if (!status.ok()) spdlog::warn("event=log_delete_failed error={}", JsonString(status.ToString()));
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
