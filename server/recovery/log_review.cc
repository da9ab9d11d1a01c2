#include "server/recovery/log_review.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <variant>

#include "core/base/str_cat.h"
#include "server/file/small_file.h"
#include "server/log/segment.h"
#include "server/model/model_manifest.h"
#include "server/record/record.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

// The first offset of the segments whose headers are good; 0 if there are none.
uint64_t FirstOffset(const LogCheckReport& report) {
  return report.segments.empty() ? 0 : report.segments.front().first_offset;
}

}  // namespace

bool LogReview::hinders() const {
  return !absent.empty() || !unreached.empty() || report.FirstHindering(needed_from) != nullptr ||
         (!lost_restores.empty() && lost_restores.back().offset >= needed_from);
}

uint64_t LogReview::comes_to() const {
  uint64_t offset = kNoEnd;
  if (!absent.empty() || !unreached.empty()) offset = needed_from;
  for (const LogDamage& damage : report.damages) {
    if (!damage.hinders(needed_from)) continue;
    offset = std::min(offset, std::max(damage.from, needed_from));
  }
  for (const LostRestore& restore : lost_restores) {
    if (restore.offset >= needed_from) offset = std::min(offset, restore.offset);
  }
  return offset;
}

LogReviewer::LogReviewer(FileSystem& file_system, std::string dir, bool is_file,
                         const v1::Model& spec, const SnapshotReview& snapshots)
    : file_system_(file_system),
      dir_(std::move(dir)),
      is_file_(is_file),
      spec_(spec),
      snapshots_(snapshots) {}

absl::StatusOr<LogReview> LogReviewer::Review(SnapshotReview::Names names,
                                              const MovedSegments& moved) const {
  LogReview review;
  LogCheckOptions options;
  options.uid = UidOf(spec_);
  options.moved = moved;
  if (const ReviewedSnapshot* newest = snapshots_.Newest(names)) {
    options.needed_from = newest->header->snapshot().offset() - newest->header->events_lag();
    options.needed_from_was_durable = WasDurable(newest->header);
  }
  review.needed_from = options.needed_from;
  std::map<uint64_t, RestoreRecord> restores;  // Of the good records, by their offsets.
  options.check_record = [&restores, loss = LossKindOf(spec_.variants(0).learner())](
                             const LogRecord& logged) -> absl::Status {
    const absl::StatusOr<Record> record = ParseRecord(logged.kind, logged.payload, loss);
    if (!record.ok()) return record.status();
    if (const auto* restore = std::get_if<RestoreRecord>(&record->body)) {
      restores[logged.offset] = *restore;
    }
    return absl::OkStatus();
  };
  if (is_file_) {
    review.absent = StrCat(dir_, ": it is a file, not a folder");
    return review;
  }
  absl::StatusOr<LogCheckReport> report = CheckLog(file_system_, dir_, options);
  if (absl::IsNotFound(report.status())) {
    review.absent = StrCat(dir_, ": the folder of the log is missing");
    return review;
  }
  if (!report.ok()) return report.status();
  review.report = *std::move(report);
  const bool empty = review.report.segments.empty() && review.report.damages.empty();
  if (empty && !MayLackLog(spec_, review.needed_from)) {
    review.absent = StrCat(dir_, ": all segments of the log are missing");
  }
  const uint64_t first = FirstOffset(review.report);
  const LogDamage* damage = review.report.FirstHindering(review.needed_from);
  if (review.needed_from < first && (damage == nullptr || damage->from > review.needed_from)) {
    review.unreached = StrCat(dir_, ": the log begins at offset ", first,
                              ", and no snapshot that can be read reaches it");
  }
  for (const auto& [offset, restore] : restores) {
    const absl::Status status = snapshots_.CheckRestore(restore, names);
    if (status.ok()) continue;
    review.lost_restores.push_back({.offset = offset,
                                    .snapshot_id = restore.snapshot_id,
                                    .problem = std::string(ToStd(status.message()))});
  }
  return review;
}

absl::StatusOr<MovedSegments> LogReviewer::FindMisplaced(bool hinders) const {
  MovedSegments moved;
  const uint64_t uid = UidOf(spec_);
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(dir_);
  const absl::StatusOr<LogSurvey> survey = SurveyLog(file_system_, dir_, uid);
  if (absl::IsNotFound(entries.status())) return moved;
  if (!entries.ok()) return entries.status();
  if (!survey.ok()) return survey.status();
  const auto is_damaged = [&](const std::string& path) {
    return std::any_of(
        survey->damages.begin(), survey->damages.end(),
        [&](const LogDamage& damage) { return damage.path == path && damage.position == 0; });
  };
  const auto is_good = [&](const std::string& path) {
    return std::any_of(survey->segments.begin(), survey->segments.end(),
                       [&](const SegmentFile& segment) { return segment.path == path; });
  };
  std::map<std::string, SegmentHeader> headers;  // Of files that are not good where they are.
  std::set<uint64_t> wanted;  // The first offsets before theirs that good headers give.
  for (const SegmentFile& segment : survey->segments) {
    wanted.insert(segment.header.previous_first_offset);
  }
  for (const DirEntry& entry : *entries) {
    const std::string path = StrCat(dir_, "/", entry.name);
    if (entry.is_directory || entry.name.ends_with(".tmp") || is_good(path)) continue;
    uint64_t size_bytes = 0;
    const absl::StatusOr<SegmentHeader> header = ReadSegmentHeader(file_system_, path, size_bytes);
    if (!header.ok() || header->uid != uid) continue;
    headers[path] = *header;
    wanted.insert(header->previous_first_offset);
  }
  const auto is_vacant = [&](const std::string& path) {
    return std::none_of(entries->begin(), entries->end(),
                        [&](const DirEntry& entry) { return entry.name == NameAtEnd(path); });
  };
  std::map<std::string, std::string> sources;  // By their places.
  for (const auto& [path, header] : headers) {
    const std::string place = StrCat(dir_, "/", SegmentFileName(header.first_offset));
    if (place == path || is_good(place)) continue;
    const bool named_like_one = ParseSegmentFileName(NameAtEnd(path)).has_value();
    const bool missed = wanted.contains(header.first_offset) || is_damaged(place) ||
                        is_damaged(path) || (is_vacant(place) && (named_like_one || hinders));
    if (missed && sources.emplace(place, path).second) moved[path] = header.first_offset;
  }
  for (const DirEntry& entry : *entries) {
    const std::string path = StrCat(dir_, "/", entry.name);
    if (sources.contains(path) && !moved.contains(path)) moved[path] = std::nullopt;
  }
  return moved;
}

}  // namespace freshet
