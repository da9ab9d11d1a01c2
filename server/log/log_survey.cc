#include "server/log/log_survey.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/file_status.h"
#include "server/log/segment_reader.h"

namespace freshet {
namespace {

// A file that is named like a segment.
struct Candidate {
  SegmentFile file;
  std::string problem;  // Why it is not a segment of this log; empty if it is.
};

absl::StatusOr<Candidate> LookAt(FileSystem& file_system, std::string path, uint64_t uid,
                                 uint64_t first_offset, bool is_directory) {
  Candidate candidate;
  candidate.file.first_offset = first_offset;
  if (is_directory) {
    candidate.problem = "it is a folder, not a file";
  } else {
    const absl::StatusOr<SegmentHeader> header =
        ReadSegmentHeader(file_system, path, candidate.file.size_bytes);
    if (header.ok()) {
      candidate.file.header = *header;
      candidate.problem = ProblemOfPlace(*header, uid, first_offset);
    } else if (absl::IsDataLoss(header.status()) || absl::IsInvalidArgument(header.status())) {
      candidate.problem = ToStd(header.status().message());
    } else {
      return WithContext(path, header.status());
    }
  }
  candidate.file.path = std::move(path);
  return candidate;
}

// Sorts the candidates into segments, damage and strays, from the last one to the first.
class Surveyor {
 public:
  Surveyor(std::string dir, LogSurvey& survey) : dir_(std::move(dir)), survey_(survey) {}

  void Sort(std::vector<Candidate> candidates) {
    candidates = WithoutStraysBehindTheEnd(std::move(candidates));
    std::reverse(candidates.begin(), candidates.end());
    for (Candidate& candidate : candidates) {
      Take(candidate);
    }
    std::reverse(survey_.segments.begin(), survey_.segments.end());
    std::reverse(survey_.damages.begin(), survey_.damages.end());
    survey_.unbroken_from = survey_.segments.size() - unbroken_count_;
  }

 private:
  std::string PathOf(uint64_t first_offset) const {
    return StrCat(dir_, "/", SegmentFileName(first_offset));
  }

  // No record was acknowledged in a segment after the one that END names. So a later file that is
  // not a segment never was a segment of this log.
  std::vector<Candidate> WithoutStraysBehindTheEnd(std::vector<Candidate> candidates) {
    if (!survey_.end.has_value()) return candidates;
    const uint64_t last = survey_.end->segment;
    while (!candidates.empty() && !candidates.back().problem.empty() &&
           candidates.back().file.first_offset > last) {
      AddStray(candidates.back(), candidates.back().problem);
      candidates.pop_back();
    }
    if (candidates.empty() || candidates.back().file.first_offset < last) {
      AddDamage({.path = PathOf(last), .from = last, .reason = "the file is missing"});
    }
    return candidates;
  }

  void Take(const Candidate& candidate) {
    const uint64_t first_offset = candidate.file.first_offset;
    if (!next_.has_value()) {
      TakeUnfollowed(candidate);
      return;
    }
    const uint64_t wanted = next_->previous_first_offset;
    if (wanted == SegmentHeader::kNoPrevious) {
      if (candidate.problem.empty()) {
        survey_.obsolete.push_back(candidate.file.path);
      } else {
        AddStray(candidate, candidate.problem);
      }
    } else if (first_offset > wanted) {
      AddStray(candidate,
               candidate.problem.empty() ? "no segment of the log follows it" : candidate.problem);
    } else if (first_offset < wanted) {
      AddDamage({.path = PathOf(wanted), .from = wanted, .reason = "the file is missing"});
      TakeUnfollowed(candidate);
    } else {
      TakeFollowed(candidate);
    }
  }

  // Takes a candidate that no good segment names as its predecessor.
  void TakeUnfollowed(const Candidate& candidate) {
    if (candidate.problem.empty()) {
      AddSegment(candidate.file);
    } else {
      AddDamage({.path = candidate.file.path,
                 .from = candidate.file.first_offset,
                 .reason = candidate.problem,
                 .whole_file = true});
    }
  }

  // Takes the predecessor of the segment that was taken last, whose header gives its size.
  void TakeFollowed(const Candidate& candidate) {
    if (!candidate.problem.empty()) {
      TakeUnfollowed(candidate);
      return;
    }
    SegmentFile file = candidate.file;
    const uint64_t wanted_bytes = next_->previous_bytes;
    if (file.size_bytes < wanted_bytes) {
      const uint64_t next_offset = next_offset_;
      AddDamage({.path = file.path,
                 .position = file.size_bytes,
                 .from = file.first_offset,
                 .reason = StrCat("the file has ", file.size_bytes, " bytes, not ", wanted_bytes)});
      next_offset_ = next_offset;
    } else if (file.size_bytes > wanted_bytes) {
      survey_.damages.push_back(
          {.path = file.path,
           .position = wanted_bytes,
           .from = next_offset_,
           .to = next_offset_,
           .reason = StrCat("the file has ", file.size_bytes, " bytes, not ", wanted_bytes,
                            "; the bytes beyond that are ignored")});
      file.size_bytes = wanted_bytes;
    }
    AddSegment(std::move(file));
  }

  void AddSegment(SegmentFile file) {
    file.next_offset = next_offset_;
    next_offset_ = file.first_offset;
    survey_.segments.push_back(std::move(file));
    next_ = survey_.segments.back().header;
    if (!broken_) ++unbroken_count_;
  }

  void AddDamage(LogDamage damage) {
    damage.to = next_offset_;
    next_offset_ = damage.from;
    survey_.damages.push_back(std::move(damage));
    next_.reset();
    broken_ |= !survey_.segments.empty();
  }

  void AddStray(const Candidate& candidate, std::string_view reason) {
    survey_.strays.push_back({.path = candidate.file.path,
                              .from = candidate.file.first_offset,
                              .to = candidate.file.first_offset,
                              .reason = std::string(reason),
                              .whole_file = true});
  }

  const std::string dir_;
  LogSurvey& survey_;
  // The header of the segment that was taken last; none if damage was taken after it.
  std::optional<SegmentHeader> next_;
  uint64_t next_offset_ = kNoEnd;  // The first offset of what was taken last.
  size_t unbroken_count_ = 0;      // Of the segments after the last gap.
  bool broken_ = false;
};

// Reads the file END.
absl::Status ReadEnd(FileSystem& file_system, const std::string& dir, uint64_t uid,
                     bool is_directory, LogSurvey& survey) {
  survey.has_end = true;
  if (is_directory) {
    survey.damages.push_back({.path = StrCat(dir, "/", kLogEndName),
                              .from = kNoEnd,
                              .to = kNoEnd,
                              .reason = "it is a folder, not a file",
                              .whole_file = true});
    return absl::OkStatus();
  }
  const absl::StatusOr<LogEnd> end = ReadLogEnd(file_system, dir, uid);
  if (end.ok()) {
    survey.end = *end;
  } else if (absl::IsDataLoss(end.status()) || absl::IsInvalidArgument(end.status())) {
    survey.end_problem = ToStd(end.status().message());
  } else if (!absl::IsNotFound(end.status())) {
    return end.status();
  }
  return absl::OkStatus();
}

}  // namespace

std::string DescribeDamage(const LogDamage& damage) {
  const std::string at = damage.position == 0 ? "" : StrCat("byte ", damage.position, ": ");
  return StrCat(damage.path, ": ", at, damage.reason);
}

absl::Status LogDamageError(const LogDamage& damage) {
  return absl::DataLossError(StrCat("the log is damaged: ", DescribeDamage(damage)));
}

std::optional<std::string> ProblemOfEnd(uint64_t next_offset, const std::optional<LogEnd>& end,
                                        uint64_t needed_from, bool needed_from_was_durable) {
  if (end.has_value() && next_offset < end->next_offset) {
    return StrCat("the log ends at offset ", next_offset, ", and records up to offset ",
                  end->next_offset, " were on disk");
  }
  if (needed_from_was_durable && next_offset < needed_from) {
    return StrCat("the log ends at offset ", next_offset,
                  ", and all records up to the snapshot at offset ", needed_from,
                  " were on disk when that was taken");
  }
  return std::nullopt;
}

absl::StatusOr<SegmentHeader> ReadSegmentHeader(FileSystem& file_system, const std::string& path,
                                                uint64_t& size_bytes) {
  const absl::StatusOr<std::unique_ptr<ReadFile>> file = file_system.OpenRead(path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<uint64_t> size = (*file)->SizeBytes();
  if (!size.ok()) return size.status();
  size_bytes = *size;
  SegmentHeaderBytes bytes{};
  const absl::StatusOr<size_t> count = (*file)->ReadAt(0, bytes);
  if (!count.ok()) return count.status();
  return DecodeSegmentHeader(ByteSpan(bytes).first(*count));
}

absl::StatusOr<LogSurvey> SurveyLog(FileSystem& file_system, const std::string& dir, uint64_t uid,
                                    const MovedSegments& moved) {
  const absl::StatusOr<std::vector<DirEntry>> entries = file_system.ListDir(dir);
  if (!entries.ok()) return entries.status();
  LogSurvey survey;
  std::vector<Candidate> candidates;
  for (const DirEntry& entry : *entries) {
    const std::string path = StrCat(dir, "/", entry.name);
    if (entry.name == kLogEndName && !moved.contains(path)) {
      absl::Status status = ReadEnd(file_system, dir, uid, entry.is_directory, survey);
      if (!status.ok()) return status;
    }
    const auto move = moved.find(path);
    const std::optional<uint64_t> place =
        move == moved.end() ? ParseSegmentFileName(entry.name) : move->second;
    if (!place.has_value()) continue;
    absl::StatusOr<Candidate> candidate =
        LookAt(file_system, path, uid, *place, entry.is_directory);
    if (!candidate.ok()) return candidate.status();
    candidates.push_back(*std::move(candidate));
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.file.first_offset < b.file.first_offset;
  });
  Surveyor(dir, survey).Sort(std::move(candidates));
  return survey;
}

}  // namespace freshet
