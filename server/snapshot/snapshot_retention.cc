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

constexpr int64_t kSecondsOfHour = 3600;
constexpr int64_t kSecondsOfDay = 24 * kSecondsOfHour;

// Which of these snapshots, oldest first, is the last one of its period of so many seconds, for the
// newest `count` periods that have any. Clocks are not consulted: what is kept depends on the
// snapshots alone.
std::vector<bool> LastOfEach(const std::vector<v1::SnapshotFileHeader>& headers,
                             int64_t period_seconds, uint32_t count) {
  std::vector<bool> last(headers.size());
  std::optional<int64_t> period;
  uint32_t found = 0;
  for (size_t i = headers.size(); i-- > 0;) {
    const int64_t seconds = headers[i].snapshot().create_time().seconds();
    const int64_t own = seconds / period_seconds - (seconds % period_seconds < 0 ? 1 : 0);
    if (own == period) continue;
    if (++found > count) break;
    period = own;
    last[i] = true;
  }
  return last;
}

}  // namespace

SnapshotRetention::SnapshotRetention(const SnapshotStore& snapshots, KeptSnapshots keep,
                                     Restores replayed)
    : snapshots_(snapshots), keep_(keep), restores_(std::move(replayed)) {
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
  const size_t old_count = headers.size() - std::min<size_t>(headers.size(), keep_.count);
  const std::vector<bool> last_of_hour = LastOfEach(headers, kSecondsOfHour, keep_.hourly);
  const std::vector<bool> last_of_day = LastOfEach(headers, kSecondsOfDay, keep_.daily);
  Automatic automatic;
  for (size_t i = 0; i < headers.size(); ++i) {
    v1::Snapshot& snapshot = *headers[i].mutable_snapshot();
    if (i >= old_count) {
      const uint64_t lag = std::max(headers[i].variant_lag(), headers[i].events_lag());
      automatic.needed_from = std::min(automatic.needed_from, snapshot.offset() - lag);
      automatic.kept.push_back(std::move(snapshot));
    } else if (!last_of_hour[i] && !last_of_day[i]) {
      automatic.old.push_back(std::move(snapshot));
    }
  }
  return automatic;
}

uint64_t SnapshotRetention::NeededFrom(const Automatic& automatic,
                                       std::optional<uint64_t> log_begin) const {
  if (automatic.kept.size() >= keep_.count) return automatic.needed_from;
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
               "can be deleted after ", keep_.count, " more automatic snapshots"));
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
