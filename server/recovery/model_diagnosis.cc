#include "server/recovery/model_diagnosis.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/strings/str_replace.h"
#include "core/base/str_cat.h"
#include "server/file/small_file.h"
#include "server/log/log_check.h"
#include "server/log/segment.h"
#include "server/model/imported_snapshot.h"
#include "server/model/model_manifest.h"
#include "server/record/record.h"
#include "server/recovery/snapshot_review.h"
#include "server/snapshot/snapshot_file.h"
#include "server/view/learner_spec.h"

namespace freshet {
namespace {

using Kind = RepairStep::Kind;
using Names = SnapshotReview::Names;

// Stands in advice for the command that carries the steps out, which is not known before all of
// them are.
constexpr std::string_view kRepair = "{repair}";

std::string_view NameAtEnd(std::string_view path) { return path.substr(path.rfind('/') + 1); }

std::string Records(uint64_t count) {
  return StrCat(count, " acknowledged record", count == 1 ? "" : "s");
}

// Where the good segments begin; 0 where there are none.
uint64_t FirstOffset(const LogCheckReport& report) {
  return report.segments.empty() ? 0 : report.segments.front().first_offset;
}

// A restore that cannot be replayed.
struct LostRestore {
  uint64_t offset = 0;  // Of the record.
  std::string snapshot_id;
  std::string problem;
};

// What a recovery from some snapshots and segments comes to.
struct LogOutcome {
  uint64_t needed_from = 0;
  LogCheckReport report;
  std::string absent;     // Why there is no log at all; empty: there is one.
  std::string unreached;  // Why the log does not go on from the state; empty: it does.
  std::vector<LostRestore> lost_restores;

  bool hinders() const {
    return !absent.empty() || !unreached.empty() || report.FirstHindering(needed_from) != nullptr ||
           (!lost_restores.empty() && lost_restores.back().offset >= needed_from);
  }

  // Recovery comes so far; REQUIRES: hinders().
  uint64_t comes_to() const {
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
};

class ModelDiagnoser {
 public:
  ModelDiagnoser(FileSystem& file_system, const std::string& dir)
      : file_system_(file_system), dir_(dir), log_dir_(StrCat(dir, "/log")) {
    diagnosis_.dir = dir;
    diagnosis_.name = NameAtEnd(dir);
  }

  absl::StatusOr<ModelDiagnosis> Run() {
    absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(dir_);
    if (!entries.ok()) return entries.status();
    for (const DirEntry& entry : *entries) {
      is_folder_[entry.name] = LeadsToFolder(file_system_, dir_, entry);
    }
    absl::Status status = ReviewManifest();
    if (status.ok() && diagnosis_.spec.has_value() && !is_copy_) status = ReviewFiles();
    if (!status.ok()) return status;
    Finish();
    return std::move(diagnosis_);
  }

 private:
  // What the model is.
  absl::Status ReviewManifest();
  absl::StatusOr<std::string> ProblemOfManifest();
  std::optional<v1::SnapshotFileHeader> NewestHeader();
  std::optional<v1::Model> SpecFromCopy();
  void ReviewManifestCopy();
  void ReviewFolderName();

  // What it holds.
  absl::Status ReviewFiles();
  bool HasFolder(std::string_view name) const;
  absl::StatusOr<LogOutcome> TryLog(Names names, const MovedSegments& moved);
  absl::StatusOr<MovedSegments> FindMisplaced(bool hinders);
  absl::Status ReviewLog();
  void ReviewUnlogged();

  // What to say and to do about it.
  void AddStep(Kind kind, std::string path, std::string to = "", uint64_t offset = 0);
  void AddFinding(std::string what, bool hinders, std::string advice);
  void AddUnneeded(std::string what, std::string path);
  void AddMendable(std::string what, bool hinders, std::string_view how);
  void AddLost(std::string what, std::string path);
  void AddSnapshotFindings(Names names, bool renames_hinder, uint64_t log_end);
  void AddMisplaced(const MovedSegments& moved, bool hinders);
  std::string NameOfLostBeginning(const LogCheckReport& report) const;
  void AddLogFindings(const LogOutcome& outcome);
  void PlanLog(const LogOutcome& outcome);
  void Finish();

  FileSystem& file_system_;
  const std::string dir_;
  const std::string log_dir_;
  std::map<std::string, bool, std::less<>> is_folder_;  // What the model's folder holds.
  bool end_is_misplaced_ = false;  // A segment stands in the place of the file END.
  bool is_copy_ = false;           // Of the folder of a model that stands in its place.
  SnapshotReview snapshots_;
  std::set<std::string> restored_ids_;  // Of snapshots that recovery needs and cannot have.
  ModelDiagnosis diagnosis_;
};

void ModelDiagnoser::AddStep(Kind kind, std::string path, std::string to, uint64_t offset) {
  diagnosis_.steps.push_back(
      {.kind = kind, .path = std::move(path), .to = std::move(to), .offset = offset});
}

void ModelDiagnoser::AddFinding(std::string what, bool hinders, std::string advice) {
  diagnosis_.findings.push_back(
      {.what = std::move(what), .hinders = hinders, .advice = std::move(advice)});
}

// A file that nobody needs.
void ModelDiagnoser::AddUnneeded(std::string what, std::string path) {
  AddFinding(std::move(what), /*hinders=*/false,
             StrCat("recovery does not need it; ", kRepair, " moves it away"));
  AddStep(Kind::kMoveAway, std::move(path));
}

// What can be mended without giving anything up.
void ModelDiagnoser::AddMendable(std::string what, bool hinders, std::string_view how) {
  AddFinding(std::move(what), hinders, StrCat(kRepair, " ", how, "; nothing is lost"));
}

// What a copy alone can bring back.
void ModelDiagnoser::AddLost(std::string what, std::string path) {
  AddFinding(std::move(what), /*hinders=*/true,
             "put the file back from a copy; without one, see the way out");
  if (diagnosis_.wanted_copy.empty()) diagnosis_.wanted_copy = std::move(path);
}

// The header of the newest snapshot of this model that can be read, whatever its name.
std::optional<v1::SnapshotFileHeader> ModelDiagnoser::NewestHeader() {
  const std::string folder = StrCat(dir_, "/snapshots");
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(folder);
  std::optional<v1::SnapshotFileHeader> newest;
  if (!entries.ok()) return newest;
  for (const DirEntry& entry : *entries) {
    if (entry.is_directory || !entry.name.ends_with(".snapshot")) continue;
    absl::StatusOr<v1::SnapshotFileHeader> header =
        ReadSnapshotFileHeader(file_system_, StrCat(folder, "/", entry.name));
    if (!header.ok() || !CheckSpec(header->model()).ok()) continue;
    if (FolderOf(header->model()) != NameAtEnd(dir_)) continue;
    if (newest.has_value() && header->snapshot().offset() < newest->snapshot().offset()) continue;
    newest = *std::move(header);
  }
  return newest;
}

// Takes the spec from the manifest, and says what is wrong with it; empty: nothing.
absl::StatusOr<std::string> ModelDiagnoser::ProblemOfManifest() {
  const auto entry = is_folder_.find(kManifestName);
  if (entry == is_folder_.end()) return "the manifest is missing";
  if (entry->second) return "the manifest is a folder, not a file";
  const absl::StatusOr<std::string> text =
      ReadSmallFile(file_system_, StrCat(dir_, "/", kManifestName));
  if (absl::IsPermissionDenied(text.status())) return text.status();
  if (!text.ok()) return std::string(ToStd(text.status().message()));
  absl::StatusOr<Manifest> manifest = ParseManifest(*text);
  if (!manifest.ok()) return std::string(ToStd(manifest.status().message()));
  if (!manifest->has_checksum) {
    const std::optional<v1::SnapshotFileHeader> newest = NewestHeader();
    const absl::Status same =
        newest.has_value() ? CheckSameLearners(*newest, manifest->spec) : absl::OkStatus();
    if (!same.ok()) return std::string(ToStd(same.message()));
  }
  diagnosis_.spec = std::move(manifest->spec);
  return "";
}

// What the copy of the manifest says that the model is; none where it does not.
std::optional<v1::Model> ModelDiagnoser::SpecFromCopy() {
  const absl::StatusOr<std::string> text =
      ReadSmallFile(file_system_, StrCat(dir_, "/", kManifestCopyName));
  if (!text.ok()) return std::nullopt;
  absl::StatusOr<Manifest> copy = ParseManifest(*text);
  if (!copy.ok() || !copy->has_checksum || FolderOf(copy->spec) != NameAtEnd(dir_)) {
    return std::nullopt;
  }
  return std::move(copy->spec);
}

// Models of older versions have no copy.
void ModelDiagnoser::ReviewManifestCopy() {
  const std::string path = StrCat(dir_, "/", kManifestCopyName);
  const auto entry = is_folder_.find(kManifestCopyName);
  if (is_copy_ || NameAtEnd(dir_) != FolderOf(*diagnosis_.spec)) return;
  if (entry == is_folder_.end() && UidOf(*diagnosis_.spec) == 0) return;
  if (entry != is_folder_.end() && entry->second) {
    AddUnneeded(StrCat(path, ": it is a folder, not a file"), path);
  } else if (!SpecFromCopy().has_value()) {
    AddFinding(
        StrCat(path, entry == is_folder_.end() ? ": the file is missing" : ": it is damaged"),
        /*hinders=*/false, "the server writes it anew when it starts");
  }
}

absl::Status ModelDiagnoser::ReviewManifest() {
  const absl::StatusOr<std::string> problem = ProblemOfManifest();
  if (!problem.ok()) return problem.status();
  if (problem->empty()) {
    diagnosis_.name = diagnosis_.spec->name();
    ReviewFolderName();
    ReviewManifestCopy();
    return absl::OkStatus();
  }
  const std::string path = StrCat(dir_, "/", kManifestName);
  const std::string what = StrCat(path, ": ", *problem);
  diagnosis_.spec = SpecFromCopy();
  if (!diagnosis_.spec.has_value()) {
    if (const auto newest = NewestHeader()) diagnosis_.spec = newest->model();
  }
  if (diagnosis_.spec.has_value()) {
    diagnosis_.name = diagnosis_.spec->name();
    AddMendable(what, /*hinders=*/true, "writes it anew, as its copy or a snapshot has it");
    if (is_folder_.contains(kManifestName)) AddStep(Kind::kMoveAway, path);
    AddStep(Kind::kWriteManifest, path);
    return absl::OkStatus();
  }
  AddLost(what, path);
  AddStep(Kind::kRemoveModel, dir_);
  diagnosis_.more_may_be_lost = true;
  return absl::OkStatus();
}

void ModelDiagnoser::ReviewFolderName() {
  const std::string wanted = FolderOf(*diagnosis_.spec);
  if (NameAtEnd(dir_) == wanted) return;
  const std::string place = StrCat(ParentFolder(dir_), "/", wanted);
  const std::string what = StrCat(dir_, ": the folder was copied or renamed: it holds ",
                                  diagnosis_.name, ", whose folder is called ", wanted);
  if (file_system_.FileSize(place).ok()) {
    is_copy_ = true;
    AddMendable(what, /*hinders=*/true, "moves the copy away");
    AddStep(Kind::kRemoveModel, dir_);
  } else {
    AddMendable(what, /*hinders=*/true, "gives the folder its name back");
    AddStep(Kind::kMoveFolder, dir_, place);
  }
}

bool ModelDiagnoser::HasFolder(std::string_view name) const {
  const auto entry = is_folder_.find(name);
  return entry != is_folder_.end() && entry->second;
}

absl::Status ModelDiagnoser::ReviewFiles() {
  if (is_folder_.contains("snapshots") && !HasFolder("snapshots")) {
    const std::string path = StrCat(dir_, "/snapshots");
    AddMendable(StrCat(path, ": it is a file, not a folder"), /*hinders=*/true, "moves it away");
    AddStep(Kind::kMoveAway, path);
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
  if (diagnosis_.spec->durability() != v1::DURABILITY_NONE) return ReviewLog();
  ReviewUnlogged();
  return absl::OkStatus();
}

// The newest snapshot is all that a model without a log has.
void ModelDiagnoser::ReviewUnlogged() {
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

// Snapshots that lost their names are given them back, unless they are of offsets that the log does
// not have.
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
        AddUnneeded(what, snapshot.path);
        continue;
      }
      AddMendable(what, renames_hinder, "gives the file its name back");
      AddStep(Kind::kRename, snapshot.path, snapshot.renamed_to);
    } else if (restored_ids_.erase(snapshot.id) > 0) {
      AddLost(StrCat(problem, "; a record restores it"), snapshot.path);
      AddStep(Kind::kMoveAway, snapshot.path);
    } else if (absl::IsFailedPrecondition(snapshot.problem)) {
      AddFinding(problem, /*hinders=*/false, "recovery does without it");
    } else if (!logged && MayBeNewer(file_system_, snapshot.path, snapshot.id, *diagnosis_.spec,
                                     newest == nullptr ? nullptr : &*newest->header)) {
      AddLost(problem, snapshot.path);
      AddStep(Kind::kMoveAway, snapshot.path);
      diagnosis_.more_may_be_lost |=
          !snapshot.header.has_value() || SnapshotIdOf(*snapshot.header) != snapshot.id;
    } else {
      AddUnneeded(problem, snapshot.path);
    }
  }
}

// Segments that stand under another name than their own, and are missed in their places, with these
// places; and files that stand in such a place without being the segment, without one.
absl::StatusOr<MovedSegments> ModelDiagnoser::FindMisplaced(bool hinders) {
  MovedSegments moved;
  const uint64_t uid = UidOf(*diagnosis_.spec);
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system_.ListDir(log_dir_);
  const absl::StatusOr<LogSurvey> survey = SurveyLog(file_system_, log_dir_, uid);
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
  std::map<std::string, SegmentHeader>
      headers;                // Of files that are no good segments where they are.
  std::set<uint64_t> wanted;  // What good headers say is before them.
  for (const SegmentFile& segment : survey->segments) {
    wanted.insert(segment.header.previous_first_offset);
  }
  for (const DirEntry& entry : *entries) {
    const std::string path = StrCat(log_dir_, "/", entry.name);
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
    const std::string place = StrCat(log_dir_, "/", SegmentFileName(header.first_offset));
    if (place == path || is_good(place)) continue;
    const bool named_like_one = ParseSegmentFileName(NameAtEnd(path)).has_value();
    const bool missed = wanted.contains(header.first_offset) || is_damaged(place) ||
                        is_damaged(path) || (is_vacant(place) && (named_like_one || hinders));
    if (missed && sources.emplace(place, path).second) moved[path] = header.first_offset;
  }
  for (const DirEntry& entry : *entries) {
    const std::string path = StrCat(log_dir_, "/", entry.name);
    if (sources.contains(path) && !moved.contains(path)) moved[path] = std::nullopt;
  }
  return moved;
}

absl::StatusOr<LogOutcome> ModelDiagnoser::TryLog(Names names, const MovedSegments& moved) {
  LogOutcome outcome;
  const v1::Model& spec = *diagnosis_.spec;
  LogCheckOptions options;
  options.uid = UidOf(spec);
  options.moved = moved;
  if (const ReviewedSnapshot* newest = snapshots_.Newest(names)) {
    options.needed_from = newest->header->snapshot().offset();
    options.needed_from_was_durable = WasDurable(newest->header);
  }
  outcome.needed_from = options.needed_from;
  std::map<uint64_t, RestoreRecord> restores;  // Of the good records, by their offsets.
  options.check_record = [&restores, loss = LossKindOf(spec.variants(0).learner())](
                             const LogRecord& logged) -> absl::Status {
    const absl::StatusOr<Record> record = ParseRecord(logged.kind, logged.payload, loss);
    if (!record.ok()) return record.status();
    if (const auto* restore = std::get_if<RestoreRecord>(&record->body)) {
      restores[logged.offset] = *restore;
    }
    return absl::OkStatus();
  };
  if (is_folder_.contains("log") && !HasFolder("log")) {
    outcome.absent = StrCat(log_dir_, ": it is a file, not a folder");
    return outcome;
  }
  absl::StatusOr<LogCheckReport> report = CheckLog(file_system_, log_dir_, options);
  if (absl::IsNotFound(report.status())) {
    outcome.absent = StrCat(log_dir_, ": the folder of the log is missing");
    return outcome;
  }
  if (!report.ok()) return report.status();
  outcome.report = *std::move(report);
  const bool empty = outcome.report.segments.empty() && outcome.report.damages.empty();
  if (empty && !MayLackLog(spec, outcome.needed_from)) {
    outcome.absent = StrCat(log_dir_, ": all segments of the log are missing");
  }
  const uint64_t first = FirstOffset(outcome.report);
  const LogDamage* damage = outcome.report.FirstHindering(outcome.needed_from);
  if (outcome.needed_from < first && (damage == nullptr || damage->from > outcome.needed_from)) {
    outcome.unreached = StrCat(log_dir_, ": the log begins at offset ", first,
                               ", and no snapshot that can be read reaches it");
  }
  for (const auto& [offset, restore] : restores) {
    const absl::Status status = snapshots_.CheckRestore(restore, names);
    if (status.ok()) continue;
    outcome.lost_restores.push_back({.offset = offset,
                                     .snapshot_id = restore.snapshot_id,
                                     .problem = std::string(ToStd(status.message()))});
  }
  return outcome;
}

absl::Status ModelDiagnoser::ReviewLog() {
  absl::StatusOr<LogOutcome> outcome = TryLog(Names::kAsTheyAre, {});
  if (!outcome.ok()) return outcome.status();
  const bool hinders = outcome->hinders();
  const absl::StatusOr<MovedSegments> moved = FindMisplaced(hinders);
  if (!moved.ok()) return moved.status();
  if (hinders || !moved->empty()) {
    absl::StatusOr<LogOutcome> mended =
        TryLog(hinders ? Names::kMended : Names::kAsTheyAre, *moved);
    if (!mended.ok()) return mended.status();
    if (hinders || !mended->hinders()) {
      outcome = std::move(mended);
      AddMisplaced(*moved, hinders);
    }
  }
  for (const LostRestore& restore : outcome->lost_restores) {
    if (restore.offset >= outcome->needed_from) restored_ids_.insert(restore.snapshot_id);
  }
  diagnosis_.starts_from = outcome->needed_from;
  diagnosis_.goes_on_at = outcome->needed_from;
  uint64_t log_end = outcome->needed_from;
  if (!outcome->report.segments.empty()) {
    log_end = std::max(log_end, outcome->report.segments.back().next_offset);
    diagnosis_.goes_on_at = log_end;
  }
  AddSnapshotFindings(hinders ? Names::kMended : Names::kAsTheyAre, hinders, log_end);
  AddLogFindings(*outcome);
  if (outcome->hinders()) PlanLog(*outcome);
  return absl::OkStatus();
}

void ModelDiagnoser::AddMisplaced(const MovedSegments& moved, bool hinders) {
  for (const auto& [path, place] : moved) {
    if (!place.has_value()) {
      AddUnneeded(StrCat(path, ": it stands in the place of a segment that has another name now"),
                  path);
      continue;
    }
    end_is_misplaced_ |= path == StrCat(log_dir_, "/", kLogEndName);
    const std::string name = SegmentFileName(*place);
    AddMendable(StrCat(path, ": it is the segment ", name, ", and does not have that name"),
                hinders, "gives the file its name back");
    AddStep(Kind::kRename, path, StrCat(log_dir_, "/", name));
  }
}

// The newest snapshot that is there and cannot be used, or else the segment before the log.
std::string ModelDiagnoser::NameOfLostBeginning(const LogCheckReport& report) const {
  const std::vector<ReviewedSnapshot>& snapshots = snapshots_.snapshots;
  for (size_t i = snapshots.size(); i-- > 0;) {
    if (absl::IsDataLoss(snapshots[i].problem)) return snapshots[i].path;
  }
  const SegmentHeader& header = report.segments.front().header;
  return StrCat(log_dir_, "/", SegmentFileName(header.previous_first_offset));
}

void ModelDiagnoser::AddLogFindings(const LogOutcome& outcome) {
  const LogCheckReport& report = outcome.report;
  if (!outcome.absent.empty()) AddLost(outcome.absent, log_dir_);
  if (!outcome.unreached.empty()) AddLost(outcome.unreached, NameOfLostBeginning(report));
  for (const LogDamage& damage : report.damages) {
    const std::string what = DescribeDamage(damage);
    if (damage.from == kNoEnd) {
      AddMendable(what, /*hinders=*/true, "moves it away");
      AddStep(Kind::kMoveAway, damage.path);
    } else if (damage.hinders(outcome.needed_from)) {
      AddLost(StrCat(what, " (offset ", damage.from, ")"), damage.path);
    } else if (damage.from >= report.opens_at) {
      AddFinding(what, /*hinders=*/false, "recovery does not need it; nothing is to be done");
    } else if (damage.whole_file) {
      AddUnneeded(what, damage.path);
    } else {
      AddFinding(what, /*hinders=*/false,
                 StrCat("recovery does not need it; ", kRepair,
                        " moves the segments away that end there"));
    }
  }
  // What stands before a gap leads nowhere. Where the log is cut off or begun anew it goes with
  // that.
  const bool cuts = outcome.hinders() && outcome.comes_to() != kNoEnd;
  for (const SegmentFile& segment : report.segments) {
    if (segment.first_offset < report.opens_at && !cuts) AddStep(Kind::kMoveAway, segment.path);
  }
  for (const LogDamage& stray : report.strays) AddUnneeded(DescribeDamage(stray), stray.path);
  for (const LostRestore& restore : outcome.lost_restores) {
    const std::string what =
        StrCat("the record at offset ", restore.offset, " restores the snapshot ",
               restore.snapshot_id, ", which ", restore.problem);
    if (restore.offset >= outcome.needed_from) {
      if (!restored_ids_.contains(restore.snapshot_id)) continue;  // Its file was found.
      AddLost(what, StrCat(dir_, "/snapshots/", restore.snapshot_id, ".snapshot"));
    } else {  // It was deleted, as everybody may.
      diagnosis_.notes.push_back(
          StrCat(what, "; only a recovery from before that record would need it"));
    }
  }
  const bool lacks_end =
      !report.has_end && !report.segments.empty() && UidOf(*diagnosis_.spec) != 0;
  const std::string end_path = StrCat(log_dir_, "/", kLogEndName);
  if (!end_is_misplaced_ && (lacks_end || !report.end_problem.empty())) {
    AddFinding(lacks_end ? StrCat(end_path, ": the file is missing") : report.end_problem,
               /*hinders=*/false, "the server writes it anew when it starts");
  }
  if (report.segments.empty()) return;
  diagnosis_.log_begin = report.segments.front().first_offset;
  diagnosis_.log_end = report.segments.back().next_offset;
  diagnosis_.segment_count = report.segments.size();
  for (const SegmentFile& segment : report.segments) diagnosis_.log_bytes += segment.size_bytes;
  diagnosis_.torn_bytes = report.torn_bytes;
}

// The log is kept as far as recovery comes. Where the log has nothing that the state it begins from
// goes on with, the log is begun anew at that state.
void ModelDiagnoser::PlanLog(const LogOutcome& outcome) {
  const uint64_t cut = outcome.comes_to();
  if (cut == kNoEnd) return;  // Something only stands in the way.
  const uint64_t start = outcome.needed_from;
  const std::vector<OffsetRange>& ranges = outcome.report.ranges;
  const bool reaches = std::any_of(ranges.begin(), ranges.end(), [&](const OffsetRange& range) {
    return range.begin <= start && start <= range.end && cut <= range.end && cut > range.begin;
  });
  if (!outcome.absent.empty() && is_folder_.contains("log") && !HasFolder("log")) {
    AddStep(Kind::kMoveAway, log_dir_);
  }
  AddStep(reaches ? Kind::kTruncateLog : Kind::kBeginLogAnew, log_dir_, "", cut);
  diagnosis_.goes_on_at = cut;
  const uint64_t known_end = std::max({cut, outcome.report.known_end, snapshots_.known_offset()});
  diagnosis_.lost_count = known_end - cut;
  diagnosis_.more_may_be_lost =
      !outcome.absent.empty() ||
      std::any_of(
          outcome.report.damages.begin(), outcome.report.damages.end(),
          [](const LogDamage& damage) { return damage.to == kNoEnd && damage.from != kNoEnd; });
}

void ModelDiagnoser::Finish() {
  std::set<std::string> moved_away;
  for (const RepairStep& step : diagnosis_.steps) {
    if (step.kind == Kind::kMoveAway) moved_away.insert(step.path);
  }
  std::erase_if(diagnosis_.steps, [&](const RepairStep& step) {
    return step.kind == Kind::kRename && moved_away.contains(step.path);
  });
  std::stable_sort(diagnosis_.steps.begin(), diagnosis_.steps.end(),
                   [](const RepairStep& a, const RepairStep& b) { return a.kind < b.kind; });
  std::stable_sort(diagnosis_.findings.begin(), diagnosis_.findings.end(),
                   [](const Finding& a, const Finding& b) { return a.hinders && !b.hinders; });
  const std::string command = StrCat("'", diagnosis_.Command(), "'");
  for (Finding& finding : diagnosis_.findings) {
    finding.advice = absl::StrReplaceAll(finding.advice, {{ToAbsl(kRepair), command}});
  }
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
