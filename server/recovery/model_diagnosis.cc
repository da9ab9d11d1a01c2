#include "server/recovery/model_diagnosis.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include "core/base/str_cat.h"
#include "server/log/log_check.h"
#include "server/log/segment.h"
#include "server/model/imported_snapshot.h"
#include "server/model/model_manifest.h"
#include "server/recovery/diagnosis_builder.h"
#include "server/recovery/log_review.h"
#include "server/recovery/manifest_review.h"
#include "server/recovery/snapshot_review.h"
#include "server/snapshot/snapshot_store.h"

namespace freshet {
namespace {

using Kind = RepairStep::Kind;
using Names = SnapshotReview::Names;

std::string Records(uint64_t count) {
  return StrCat(count, " acknowledged record", count == 1 ? "" : "s");
}

// Turns the reviews of the manifest, the snapshots and the log into findings and steps.
class ModelDiagnoser {
 public:
  ModelDiagnoser(FileSystem& file_system, const std::string& dir)
      : file_system_(file_system), dir_(dir), log_dir_(StrCat(dir, "/log")), builder_(dir) {}

  absl::StatusOr<ModelDiagnosis> Run() {
    absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(dir_);
    if (!entries.ok()) return entries.status();
    for (const DirEntry& entry : *entries) {
      entries_[entry.name] = LeadsToFolder(file_system_, dir_, entry);
    }
    const absl::StatusOr<bool> goes_on = ReviewManifest(file_system_, entries_, builder_);
    if (!goes_on.ok()) return goes_on.status();
    if (*goes_on) {
      if (absl::Status status = DiagnoseFiles(); !status.ok()) return status;
    }
    return std::move(builder_).Finish();
  }

 private:
  // Whether the model's folder has a file of this name, which ought to be a folder.
  bool HasFile(std::string_view name) const;
  absl::Status DiagnoseFiles();
  void DiagnoseUnlogged();
  absl::Status DiagnoseLog();
  void AddSnapshotFindings(Names names, bool renames_hinder, uint64_t log_end);
  void AddMisplaced(const MovedSegments& moved, bool hinders);
  std::string NameOfLostBeginning(const LogCheckReport& report) const;
  void AddLogFindings(const LogReview& review);
  void AddLostRestores(const LogReview& review);
  void AddProblemOfEnd(const LogCheckReport& report);
  void DescribeLog(const LogCheckReport& report);
  void PlanLog(const LogReview& review);

  FileSystem& file_system_;
  const std::string dir_;
  const std::string log_dir_;
  FolderEntries entries_;          // Of the model's folder.
  bool end_is_misplaced_ = false;  // A segment is in the place of the file END.
  SnapshotReview snapshots_;
  std::set<std::string> restored_ids_;  // Of snapshots that recovery needs and cannot have.
  DiagnosisBuilder builder_;
  ModelDiagnosis& diagnosis_ = builder_.diagnosis();
};

bool ModelDiagnoser::HasFile(std::string_view name) const {
  const auto entry = entries_.find(name);
  return entry != entries_.end() && !entry->second;
}

absl::Status ModelDiagnoser::DiagnoseFiles() {
  if (HasFile("snapshots")) {
    const std::string path = StrCat(dir_, "/snapshots");
    builder_.AddMendable(StrCat(path, ": it is a file, not a folder"), /*hinders=*/true,
                         "moves it away");
    builder_.AddStep(Kind::kMoveAway, path);
  } else {
    absl::StatusOr<SnapshotReview> review =
        ReviewSnapshots(file_system_, StrCat(dir_, "/snapshots"), *diagnosis_.spec);
    if (!review.ok()) return review.status();
    snapshots_ = *std::move(review);
  }
  for (const ReviewedSnapshot& snapshot : snapshots_.snapshots) {
    if (!snapshot.problem.ok()) continue;
    ++diagnosis_.good_snapshot_count;
    if (!StartOffsetOf(*snapshot.header).has_value()) ++diagnosis_.imported_snapshot_count;
  }
  if (diagnosis_.spec->durability() != v1::DURABILITY_NONE) return DiagnoseLog();
  DiagnoseUnlogged();
  return absl::OkStatus();
}

// For a model without a log, which has nothing but its newest snapshot.
void ModelDiagnoser::DiagnoseUnlogged() {
  const ReviewedSnapshot* as_it_is = snapshots_.Newest(Names::kAsTheyAre);
  const ReviewedSnapshot* newest = snapshots_.Newest(Names::kMended);
  const bool renames_hinder = newest != as_it_is;
  diagnosis_.starts_from = newest == nullptr ? 0 : newest->header->snapshot().offset();
  diagnosis_.goes_on_at = diagnosis_.starts_from;
  AddSnapshotFindings(Names::kMended, renames_hinder, kNoEnd);
  if (!diagnosis_.wanted_copy.empty()) {
    diagnosis_.lost_count = snapshots_.known_offset() - diagnosis_.starts_from;
  }
}

// Gives snapshots that lost their names these names back, unless a snapshot is of an offset beyond
// the end of the log, which goes on without it.
void ModelDiagnoser::AddSnapshotFindings(Names names, bool renames_hinder, uint64_t log_end) {
  const bool logged = diagnosis_.spec->durability() != v1::DURABILITY_NONE;
  const ReviewedSnapshot* newest = snapshots_.Newest(names);
  for (const ReviewedSnapshot& snapshot : snapshots_.snapshots) {
    const std::string problem(ToStd(snapshot.problem.message()));
    if (snapshot.problem.ok()) {
      if (snapshot.renamed_to.empty()) continue;
      const std::string what = StrCat(snapshot.path, ": it holds the snapshot ", snapshot.id,
                                      ", and does not have that name");
      if (StartOffsetOf(*snapshot.header).value_or(0) > log_end) {
        builder_.AddUnneeded(what, snapshot.path);
        continue;
      }
      builder_.AddMendable(what, renames_hinder, "gives the file its name back");
      builder_.AddStep(Kind::kRename, snapshot.path, snapshot.renamed_to);
    } else if (restored_ids_.erase(snapshot.id) > 0) {
      builder_.AddLost(StrCat(problem, "; a record restores it"), snapshot.path);
      builder_.AddStep(Kind::kMoveAway, snapshot.path);
    } else if (absl::IsFailedPrecondition(snapshot.problem)) {
      builder_.AddFinding(problem, /*hinders=*/false, "recovery does not need it");
    } else if (!logged && MayBeNewer(file_system_, snapshot.path, snapshot.id, *diagnosis_.spec,
                                     newest == nullptr ? nullptr : &*newest->header)) {
      builder_.AddLost(problem, snapshot.path);
      builder_.AddStep(Kind::kMoveAway, snapshot.path);
      diagnosis_.more_may_be_lost |=
          !snapshot.header.has_value() || SnapshotIdOf(*snapshot.header) != snapshot.id;
    } else {
      builder_.AddUnneeded(problem, snapshot.path);
    }
  }
}

absl::Status ModelDiagnoser::DiagnoseLog() {
  const LogReviewer reviewer(file_system_, log_dir_, HasFile("log"), *diagnosis_.spec, snapshots_);
  absl::StatusOr<LogReview> review = reviewer.Review(Names::kAsTheyAre, {});
  if (!review.ok()) return review.status();
  const bool hinders = review->hinders();
  const absl::StatusOr<MovedSegments> moved = reviewer.FindMisplaced(hinders);
  if (!moved.ok()) return moved.status();
  if (hinders || !moved->empty()) {
    absl::StatusOr<LogReview> mended =
        reviewer.Review(hinders ? Names::kMended : Names::kAsTheyAre, *moved);
    if (!mended.ok()) return mended.status();
    if (hinders || !mended->hinders()) {
      review = std::move(mended);
      AddMisplaced(*moved, hinders);
    }
  }
  for (const LostRestore& restore : review->lost_restores) {
    if (restore.offset >= review->needed_from) restored_ids_.insert(restore.snapshot_id);
  }
  diagnosis_.starts_from = review->needed_from;
  diagnosis_.goes_on_at = review->needed_from;
  uint64_t log_end = review->needed_from;
  if (!review->report.segments.empty()) {
    log_end = std::max(log_end, review->report.segments.back().next_offset);
    diagnosis_.goes_on_at = log_end;
  }
  AddSnapshotFindings(hinders ? Names::kMended : Names::kAsTheyAre, hinders, log_end);
  AddLogFindings(*review);
  DescribeLog(review->report);
  if (review->hinders()) PlanLog(*review);
  return absl::OkStatus();
}

void ModelDiagnoser::AddMisplaced(const MovedSegments& moved, bool hinders) {
  for (const auto& [path, place] : moved) {
    if (!place.has_value()) {
      builder_.AddUnneeded(
          StrCat(path, ": it has the name of a segment that is in another file now"), path);
      continue;
    }
    end_is_misplaced_ |= path == StrCat(log_dir_, "/", kLogEndName);
    const std::string name = SegmentFileName(*place);
    builder_.AddMendable(
        StrCat(path, ": it is the segment ", name, ", and does not have that name"), hinders,
        "gives the file its name back");
    builder_.AddStep(Kind::kRename, path, StrCat(log_dir_, "/", name));
  }
}

// The file whose loss leaves a gap before the log: the newest snapshot that is damaged or, if there
// is none, the segment before the first one.
std::string ModelDiagnoser::NameOfLostBeginning(const LogCheckReport& report) const {
  const std::vector<ReviewedSnapshot>& snapshots = snapshots_.snapshots;
  for (size_t i = snapshots.size(); i-- > 0;) {
    if (absl::IsDataLoss(snapshots[i].problem)) return snapshots[i].path;
  }
  const SegmentHeader& header = report.segments.front().header;
  return StrCat(log_dir_, "/", SegmentFileName(header.previous_first_offset));
}

void ModelDiagnoser::AddLogFindings(const LogReview& review) {
  const LogCheckReport& report = review.report;
  if (!review.absent.empty()) builder_.AddLost(review.absent, log_dir_);
  if (!review.unreached.empty()) builder_.AddLost(review.unreached, NameOfLostBeginning(report));
  for (const LogDamage& damage : report.damages) {
    const std::string what = DescribeDamage(damage);
    if (damage.from == kNoEnd) {
      builder_.AddMendable(what, /*hinders=*/true, "moves it away");
      builder_.AddStep(Kind::kMoveAway, damage.path);
    } else if (damage.hinders(review.needed_from)) {
      builder_.AddLost(StrCat(what, " (offset ", damage.from, ")"), damage.path);
    } else if (damage.from >= report.opens_at) {
      builder_.AddFinding(what, /*hinders=*/false,
                          "recovery does not need it; nothing needs to be done");
    } else if (damage.whole_file) {
      builder_.AddUnneeded(what, damage.path);
    } else {
      builder_.AddFinding(what, /*hinders=*/false,
                          StrCat("recovery does not need it; ", DiagnosisBuilder::kRepair,
                                 " moves away the segments that end there"));
    }
  }
  // Nothing follows on the segments before a gap. A step that cuts the log off or begins it anew
  // removes them too.
  const bool cuts = review.hinders() && review.comes_to() != kNoEnd;
  for (const SegmentFile& segment : report.segments) {
    if (segment.first_offset < report.opens_at && !cuts) {
      builder_.AddStep(Kind::kMoveAway, segment.path);
    }
  }
  for (const LogDamage& stray : report.strays) {
    builder_.AddUnneeded(DescribeDamage(stray), stray.path);
  }
  AddLostRestores(review);
  AddProblemOfEnd(report);
}

void ModelDiagnoser::AddLostRestores(const LogReview& review) {
  for (const LostRestore& restore : review.lost_restores) {
    const std::string what =
        StrCat("the record at offset ", restore.offset, " restores the snapshot ",
               restore.snapshot_id, ", which ", restore.problem);
    if (restore.offset >= review.needed_from) {
      // Otherwise another finding names its file already.
      if (!restored_ids_.contains(restore.snapshot_id)) continue;
      builder_.AddLost(what, StrCat(dir_, "/snapshots/", restore.snapshot_id, kSnapshotSuffix));
    } else {  // No recovery needs the snapshot, so somebody was free to delete it.
      diagnosis_.notes.push_back(
          StrCat(what, "; only a recovery from before that record would need it"));
    }
  }
}

void ModelDiagnoser::AddProblemOfEnd(const LogCheckReport& report) {
  const bool lacks_end =
      !report.has_end && !report.segments.empty() && UidOf(*diagnosis_.spec) != 0;
  const std::string end_path = StrCat(log_dir_, "/", kLogEndName);
  if (!end_is_misplaced_ && (lacks_end || !report.end_problem.empty())) {
    builder_.AddFinding(lacks_end ? StrCat(end_path, ": the file is missing") : report.end_problem,
                        /*hinders=*/false, "the server writes it anew when it starts");
  }
}

void ModelDiagnoser::DescribeLog(const LogCheckReport& report) {
  if (report.segments.empty()) return;
  diagnosis_.log_begin = report.segments.front().first_offset;
  diagnosis_.log_end = report.segments.back().next_offset;
  diagnosis_.segment_count = report.segments.size();
  for (const SegmentFile& segment : report.segments) diagnosis_.log_bytes += segment.size_bytes;
  diagnosis_.torn_bytes = report.torn_bytes;
}

// Plans to cut the log off where recovery gets to. If no record of the log continues the state that
// recovery begins from, plans to begin the log anew at that state instead.
void ModelDiagnoser::PlanLog(const LogReview& review) {
  const uint64_t cut = review.comes_to();
  if (cut == kNoEnd) return;  // No record is damaged; another step removes what is in the way.
  const uint64_t start = review.needed_from;
  const std::vector<OffsetRange>& ranges = review.report.ranges;
  const bool reaches = std::any_of(ranges.begin(), ranges.end(), [&](const OffsetRange& range) {
    return range.begin <= start && start <= range.end && cut <= range.end && cut > range.begin;
  });
  if (!review.absent.empty() && HasFile("log")) {
    builder_.AddStep(Kind::kMoveAway, log_dir_);
  }
  builder_.AddStep(reaches ? Kind::kTruncateLog : Kind::kBeginLogAnew, log_dir_, "", cut);
  diagnosis_.goes_on_at = cut;
  const uint64_t known_end = std::max({cut, review.report.known_end, snapshots_.known_offset()});
  diagnosis_.lost_count = known_end - cut;
  diagnosis_.more_may_be_lost =
      !review.absent.empty() ||
      std::any_of(
          review.report.damages.begin(), review.report.damages.end(),
          [](const LogDamage& damage) { return damage.to == kNoEnd && damage.from != kNoEnd; });
}

}  // namespace

bool ModelDiagnosis::hinders() const {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.hinders; });
}

bool ModelDiagnosis::loses() const { return lost_count > 0 || more_may_be_lost; }

std::string ModelDiagnosis::DescribeLoss() const {
  if (!more_may_be_lost) return Records(lost_count);
  return StrCat(lost_count > 0 ? StrCat(Records(lost_count), " and ") : "",
                "acknowledged records that left no trace, if there were any");
}

std::optional<uint64_t> ModelDiagnosis::truncates_at() const {
  for (const RepairStep& step : steps) {
    if (step.kind == Kind::kTruncateLog) return step.offset;
  }
  return std::nullopt;
}

std::string ModelDiagnosis::Command() const {
  const std::optional<uint64_t> offset = truncates_at();
  return StrCat("freshetd repair ", dir, offset ? StrCat(" --truncate-at ", *offset) : "");
}

std::string ModelDiagnosis::WayOut() const {
  if (steps.empty()) return "";
  const std::string command = StrCat("'", Command(), "'");
  if (!loses()) return StrCat(command, ", which loses nothing");
  std::string how;
  switch (steps.back().kind) {
    case Kind::kTruncateLog:
      how = StrCat("cuts the log off at offset ", goes_on_at);
      break;
    case Kind::kBeginLogAnew:
      how = StrCat("begins the log anew at offset ", goes_on_at);
      break;
    case Kind::kRemoveModel:
      return StrCat("put ", wanted_copy, " back from a copy; without one ", command,
                    ", which moves the model out of the data folder");
    default:
      how = "moves what is damaged away";
  }
  return StrCat("put ", wanted_copy, " back from a copy; without one ", command, ", which ", how,
                ": the model goes on at offset ", goes_on_at, ", without ", DescribeLoss());
}

std::string ModelDiagnosis::Explain() const {
  return StrCat(name, " cannot be recovered: ", findings.front().what, ". Way out: ", WayOut(),
                ". 'freshetd check ", dir, "' lists all that is wrong");
}

absl::StatusOr<ModelDiagnosis> DiagnoseModel(FileSystem& file_system, const std::string& dir) {
  return ModelDiagnoser(file_system, dir).Run();
}

}  // namespace freshet
