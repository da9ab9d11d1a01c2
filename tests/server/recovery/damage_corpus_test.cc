// A corpus of damage: files of models are cut, changed, emptied, removed, renamed, copied over each
// other and replaced by folders, at random. For each of them the start, `freshetd check` and
// `freshetd repair` must agree; what is printed must bring the model up; and no record may be lost
// that the files still hold.
//
// FRESHET_DAMAGE_COUNT and FRESHET_DAMAGE_SEED set how many cases are tried, and which.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "server/command_check.h"
#include "server/file/model_folder.h"
#include "server/log/log_survey.h"
#include "server/log/segment_reader.h"
#include "server/model/model_manifest.h"
#include "server/record/record.h"
#include "server/recovery/model_diagnosis.h"
#include "server/registry/new_model.h"
#include "tests/server/model/model_fixture.h"
#include "tests/server/model/served_model_peer.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

constexpr uint64_t kUid = 0xc0ffee0000000001;
constexpr char kSnapshotSuffix[] = ".snapshot";

uint64_t FromEnvironment(const char* name, uint64_t value) {
  const char* text = std::getenv(name);
  return text == nullptr ? value : std::strtoull(text, nullptr, 10);
}

// Copies a folder of one file system into another.
void CopyTree(FaultFileSystem& from, FaultFileSystem& to, const std::string& path) {
  const std::vector<DirEntry> entries = from.ListDir(path).value();
  for (const DirEntry& entry : entries) {
    const std::string child = StrCat(path == "/" ? "" : path, "/", entry.name);
    if (entry.is_directory) {
      ASSERT_TRUE(to.CreateDir(child).ok());
      CopyTree(from, to, child);
    } else {
      to.WriteAll(child, from.ReadAll(child));
    }
  }
}

std::unique_ptr<FaultFileSystem> CopyOf(FaultFileSystem& files) {
  auto copy = std::make_unique<FaultFileSystem>();
  CopyTree(files, *copy, "/");
  return copy;
}

// Where a record stands.
struct Place {
  std::string path;
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string restores;  // The snapshot that the record restores; empty: none.
};

// A model's files as a crash leaves them, and what is known of them.
struct Site {
  std::string name;
  std::unique_ptr<FaultFileSystem> files = std::make_unique<FaultFileSystem>();
  std::string folder;
  v1::Durability durability = v1::DURABILITY_FSYNC;
  uint64_t end = 0;                         // All records were acknowledged.
  std::map<uint64_t, std::string> digests;  // By offset.
  std::map<uint64_t, uint64_t> sequences;   // The producer's, by offset.
  std::map<uint64_t, Place> records;        // By offset; of those that the log keeps.
  std::map<std::string, uint64_t> starts;   // Offsets of snapshots to begin from, by path.

  std::string dir() const { return StrCat("/data/models/", folder); }
};

// Lets a model live as the test says, and notes what it was at each offset.
class SiteBuilder {
 public:
  SiteBuilder(std::string name, uint64_t uid, v1::Durability durability, uint32_t kept_snapshots) {
    site_.name = std::move(name);
    site_.durability = durability;
    v1::Model spec = Spec(durability);
    spec.set_uid(FormatUid(uid));
    site_.folder = FolderOf(spec);
    served_ = std::make_unique<Served>(*site_.files, site_.folder);
    served_->environment().keep_snapshot_count = kept_snapshots;
    served_->environment().log_retention = {.max_bytes = UINT64_MAX,
                                            .max_age = absl::InfiniteDuration()};
    EXPECT_TRUE(CreateModelFiles(served_->environment(), spec, nullptr).ok());
    served_->Recover();
    Note();
  }

  void Push(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      ASSERT_TRUE(served_->Push(++sequence_).status.ok());
      Note();
    }
  }

  void Snapshot(const std::string& id = "") {
    ASSERT_TRUE(served_
                    ->TakeSnapshot(id, id.empty() ? v1::SNAPSHOT_TRIGGER_INTERVAL
                                                  : v1::SNAPSHOT_TRIGGER_REQUEST)
                    .ok());
  }

  void Restore(const std::string& id) {
    ASSERT_TRUE(served_->Restore(id).ok());
    Note();
  }

  // Keeps only the records and snapshots that a model with little retention would.
  void DropOldRecords() {
    served_->environment().log_retention = {};
    FilesOf(served_->model()).SetRetention({});
    FilesOf(served_->model()).DeleteOld();
  }

  void Remove(const std::string& name) {
    EXPECT_TRUE(site_.files->Unlink(StrCat(site_.dir(), "/", name)).ok());
  }

  // Ends the server and looks at what it leaves.
  Site Finish() {
    served_.reset();
    for (const std::string& path : Paths("log")) FindRecords(path);
    for (const std::string& path : Paths("snapshots")) {
      const auto header = ReadSnapshotFileHeader(*site_.files, path);
      EXPECT_TRUE(header.ok()) << header.status();
      site_.starts[path] = header->snapshot().offset();
    }
    return std::move(site_);
  }

  // As a version without uids, checksums and ends leaves it.
  Site FinishAsOldVersion() {
    Remove("log/END");
    Remove("MODEL.copy");
    const std::string path = StrCat(site_.dir(), "/MODEL");
    const std::string text = site_.files->ReadAll(path);
    site_.files->WriteAll(path, text.substr(text.find('\n') + 1));
    return Finish();
  }

 private:
  void Note() {
    const v1::ComputeDigestResponse digest = served_->Digest();
    site_.digests[digest.offset()] = digest.digest();
    site_.sequences[digest.offset()] = sequence_;
    site_.end = digest.offset();
  }

  std::vector<std::string> Paths(const std::string& folder) {
    std::vector<std::string> paths;
    const std::string dir = StrCat(site_.dir(), "/", folder);
    const std::vector<DirEntry> entries = site_.files->ListDir(dir).value();
    for (const DirEntry& entry : entries) {
      if (entry.name != "END") paths.push_back(StrCat(dir, "/", entry.name));
    }
    return paths;
  }

  void FindRecords(const std::string& path) {
    const v1::Model spec = ReadManifestFile(*site_.files, site_.dir())->spec;
    const auto reader = SegmentReader::Open(*site_.files, path, UidOf(spec));
    ASSERT_TRUE(reader.ok()) << reader.status();
    const uint64_t size = site_.files->FileSize(path).value();
    while (true) {
      const uint64_t begin = (*reader)->position();
      const auto record = (*reader)->Next(size);
      if (!record.ok() || !record->has_value()) break;
      Place& place = site_.records[(*record)->offset];
      place = {.path = path, .begin = begin, .end = (*reader)->position(), .restores = {}};
      if ((*record)->kind == RecordKind::kRestore) {
        const auto restore = ParseRecord((*record)->kind, (*record)->payload, LossKind::kLogistic);
        place.restores = std::get<RestoreRecord>(restore->body).snapshot_id;
      }
    }
  }

  Site site_;
  std::unique_ptr<Served> served_;
  uint64_t sequence_ = 0;
};

std::vector<Site> MakeSites() {
  std::vector<Site> sites;
  {
    SiteBuilder builder("no snapshot", kUid, v1::DURABILITY_FSYNC, 1);
    builder.Push(30);
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("two snapshots, all of the log", kUid, v1::DURABILITY_FSYNC, 2);
    builder.Push(12);
    builder.Snapshot();
    builder.Push(11);
    builder.Snapshot();
    builder.Push(9);
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("two snapshots, what is needed of the log", kUid, v1::DURABILITY_OS, 2);
    builder.Push(17);
    builder.Snapshot();
    builder.Push(8);
    builder.Snapshot();
    builder.Push(11);
    builder.DropOldRecords();
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("a restore that is needed", kUid, v1::DURABILITY_FSYNC, 3);
    builder.Push(9);
    builder.Snapshot("kept");
    builder.Push(7);
    builder.Restore("kept");
    builder.Push(8);
    builder.Remove("snapshots/s000001.snapshot");
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("a stop", kUid, v1::DURABILITY_FSYNC, 2);
    builder.Push(14);
    builder.Snapshot();
    builder.Push(6);
    builder.Snapshot();
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("no log", kUid, v1::DURABILITY_NONE, 3);
    builder.Push(6);
    builder.Snapshot();
    builder.Push(6);
    builder.Snapshot();
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("an older version", 0, v1::DURABILITY_FSYNC, 2);
    builder.Push(12);
    builder.Snapshot();
    builder.Push(14);
    sites.push_back(builder.FinishAsOldVersion());
  }
  return sites;
}

// What damage took: bytes of files, by the paths that they had.
class Damage {
 public:
  Damage(const Site& site, FaultFileSystem& files, std::mt19937_64& random)
      : site_(site), files_(files), random_(random) {}

  // Does one thing to one file. Says what.
  std::string DoSomething() {
    const std::vector<std::string> paths = AllPaths();
    const std::string& path = paths[random_() % paths.size()];
    const std::string content = files_.ReadAll(path);
    switch (random_() % 9) {
      case 0: {
        const size_t size = content.empty() ? 0 : random_() % content.size();
        files_.WriteAll(path, content.substr(0, size));
        Lose(path, size, content.size());
        return StrCat("cut ", path, " to ", size);
      }
      case 1:
      case 2: {
        if (content.empty()) return StrCat("left empty ", path);
        const size_t at = random_() % content.size();
        std::string flipped = content;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << random_() % 8));
        files_.WriteAll(path, flipped);
        Lose(path, at, at + 1);
        return StrCat("flipped a bit in byte ", at, " of ", path);
      }
      case 3: {
        const std::string other = AnotherLike(path, paths);
        const std::string other_content = files_.ReadAll(other);
        files_.WriteAll(path, other_content);
        files_.WriteAll(other, content);
        moved_files_ = true;
        if (other.substr(0, other.rfind('/')) != path.substr(0, path.rfind('/'))) {
          // Nobody looks for a segment among the snapshots.
          LoseAll(path);
          LoseAll(other);
        }
        return StrCat("swapped ", path, " and ", other);
      }
      case 4: {
        const std::string other = AnotherLike(path, paths);
        if (other == path) return "nothing";
        LoseAll(other);
        files_.WriteAll(other, content);
        moved_files_ = true;
        return StrCat("copied ", path, " over ", other);
      }
      case 5: {
        const std::string name = NewName(path);
        EXPECT_TRUE(files_.Rename(path, name).ok());
        moved_files_ = true;
        renamed_manifest_ |= path.ends_with("/MODEL");
        // Older versions did not keep how far a log had come.
        if (site_.folder == kModel && path == site_.records.rbegin()->second.path) LoseAll(path);
        return StrCat("renamed ", path, " to ", name);
      }
      case 6:
        EXPECT_TRUE(files_.Unlink(path).ok());
        LoseAll(path);
        return StrCat("removed ", path);
      case 7:
        files_.WriteAll(path, "");
        LoseAll(path);
        return StrCat("emptied ", path);
      default:
        EXPECT_TRUE(files_.Unlink(path).ok());
        EXPECT_TRUE(files_.CreateDir(path).ok());
        LoseAll(path);
        return StrCat("made ", path, " a folder");
    }
  }

  // The offset up to which the files still lead.
  uint64_t Ideal() const {
    uint64_t offset = 0;
    for (const auto& [path, start] : site_.starts) {
      if (!lost_files_.contains(path)) offset = std::max(offset, start);
    }
    if (site_.durability == v1::DURABILITY_NONE) return offset;
    for (; offset < site_.end; ++offset) {
      const auto record = site_.records.find(offset);
      if (record == site_.records.end() || lost_records_.contains(offset)) break;
      const std::string restores =
          StrCat(site_.dir(), "/snapshots/", record->second.restores, kSnapshotSuffix);
      if (!record->second.restores.empty() && lost_files_.contains(restores)) break;
    }
    return offset;
  }

  bool manifest_is_lost() const {
    return lost_files_.contains(StrCat(site_.dir(), "/MODEL")) || renamed_manifest_;
  }
  // Whether what a file holds may stand elsewhere, which the oracle does not follow further.
  bool moved_files() const { return moved_files_; }
  // Whether a snapshot is left that says what the model is.
  bool has_snapshot() const {
    return std::any_of(site_.starts.begin(), site_.starts.end(),
                       [&](const auto& start) { return !lost_files_.contains(start.first); });
  }

 private:
  std::vector<std::string> AllPaths() {
    std::vector<std::string> paths;
    for (const std::string folder : {"", "/log", "/snapshots"}) {
      const std::string dir = StrCat(site_.dir(), folder);
      const auto entries = files_.ListDir(dir);
      if (!entries.ok()) continue;
      for (const DirEntry& entry : *entries) {
        if (!entry.is_directory) paths.push_back(StrCat(dir, "/", entry.name));
      }
    }
    return paths;
  }

  // Another file of the same folder, or any where there is none.
  std::string AnotherLike(const std::string& path, const std::vector<std::string>& paths) {
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    std::vector<std::string> others;
    for (const std::string& other : paths) {
      if (other != path && other.starts_with(folder)) others.push_back(other);
    }
    if (others.empty()) others = paths;
    return others[random_() % others.size()];
  }

  std::string NewName(const std::string& path) {
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    if (path.ends_with(".log") && random_() % 2 == 0) {
      return StrCat(folder, SegmentFileName(random_() % 100 + 1000));
    }
    if (path.ends_with(kSnapshotSuffix)) {
      return StrCat(folder, "x", random_() % 100, kSnapshotSuffix);
    }
    return StrCat(path, ".bak");
  }

  void LoseAll(const std::string& path) { Lose(path, 0, UINT64_MAX); }

  // The bytes from `begin` to before `end` are not what they were.
  void Lose(const std::string& path, uint64_t begin, uint64_t end) {
    if (begin < end) lost_files_.insert(path);
    const bool header = begin < kSegmentHeaderBytes;
    for (const auto& [offset, place] : site_.records) {
      if (place.path != path) continue;
      if (header || (begin < place.end && place.begin < end)) lost_records_.insert(offset);
    }
  }

  const Site& site_;
  FaultFileSystem& files_;
  std::mt19937_64& random_;
  std::set<std::string> lost_files_;
  std::set<uint64_t> lost_records_;
  bool renamed_manifest_ = false;
  bool moved_files_ = false;
};

// What came of a start.
struct Started {
  absl::Status status;
  uint64_t offset = 0;
  std::string digest;
};

Started Start(FaultFileSystem& files, const Site& site) {
  Started started;
  Served served(files, site.folder);
  started.status = served.TryRecover();
  if (!started.status.ok()) return started;
  const v1::ComputeDigestResponse digest = served.Digest();
  started.offset = digest.offset();
  started.digest = digest.digest();
  // It goes on, and a crash after that loses nothing.
  const auto sequence = site.sequences.find(started.offset);
  if (sequence != site.sequences.end()) {
    const LearnOutcome outcome = served.Push(sequence->second + 1);
    EXPECT_TRUE(outcome.status.ok()) << outcome.status;
  }
  return started;
}

std::string Words(const std::string& text, const std::string& begin) {
  const size_t at = text.find(begin);
  if (at == std::string::npos) return "";
  return text.substr(at + begin.size(), text.find('\'', at + 1) - at - begin.size());
}

// Runs the command "freshetd repair ..." that stands in quotes in a text.
absl::StatusOr<bool> RunPrinted(FileSystem& files, const std::string& text, std::ostream& out) {
  std::istringstream words(Words(text, "'freshetd repair "));
  RepairRequest request;
  std::string flag;
  uint64_t offset = 0;
  words >> request.path >> flag >> offset;
  if (flag == "--truncate-at") request.truncate_at = offset;
  return RunRepair(files, request, out);
}

class DamageCase {
 public:
  DamageCase(const Site& site, std::mt19937_64& random)
      : site_(site), files_(CopyOf(*site.files)), damage_(site, *files_, random) {
    what_ = StrCat(site.name, ": ", damage_.DoSomething());
    count_ = 1;
    if (random() % 8 == 0 && !damage_.moved_files()) {
      what_ += StrCat("; ", damage_.DoSomething());
      ++count_;
    }
  }

  const std::string& what() const { return what_; }

  void Try() {
    const auto untouched = CopyOf(*files_);
    std::ostringstream checked;
    const absl::StatusOr<bool> good = RunCheck(*files_, "/data", checked);
    ASSERT_TRUE(good.ok()) << good.status();
    SCOPED_TRACE(checked.str());
    const auto diagnosis = DiagnoseModel(*files_, site_.dir());
    ASSERT_TRUE(diagnosis.ok()) << diagnosis.status();
    EXPECT_EQ(*good, diagnosis->findings.empty());
    if (count_ == 1) {
      // Swapped files are two.
      EXPECT_LE(diagnosis->findings.size(), what_.find("swapped") != std::string::npos ? 2U : 1U);
    }
    const Started started = Start(*untouched, site_);
    EXPECT_EQ(started.status.ok(), !diagnosis->hinders()) << started.status;
    if (started.status.ok()) {
      ExpectAllKept(started);
    } else {
      EXPECT_TRUE(absl::IsDataLoss(started.status)) << started.status;
      const std::string message(started.status.message());
      EXPECT_EQ(Words(message, "'freshetd repair "), Words(checked.str(), "'freshetd repair "));
    }
    Repair(*diagnosis, checked.str());
  }

 private:
  void ExpectAllKept(const Started& started) {
    const auto known = site_.digests.find(started.offset);
    ASSERT_NE(known, site_.digests.end()) << started.offset;
    EXPECT_EQ(started.digest, known->second) << "at offset " << started.offset;
    EXPECT_GE(started.offset, damage_.Ideal());
  }

  void Repair(const ModelDiagnosis& diagnosis, const std::string& checked) {
    std::ostringstream out;
    if (diagnosis.hinders()) {
      EXPECT_FALSE(diagnosis.steps.empty());
      const absl::StatusOr<bool> mended = RunPrinted(*files_, checked, out);
      ASSERT_TRUE(mended.ok()) << mended.status();
      EXPECT_TRUE(*mended) << out.str();
    } else {
      const absl::StatusOr<bool> mended = RunRepair(*files_, {.path = "/data"}, out);
      ASSERT_TRUE(mended.ok()) << mended.status();
    }
    SCOPED_TRACE(out.str());
    if (!files_->ListDir(site_.dir()).ok()) {
      EXPECT_TRUE(damage_.manifest_is_lost() && !damage_.has_snapshot()) << "the model is gone";
      EXPECT_TRUE(count_ > 1 || site_.folder == kModel) << "the copy of the manifest was there";
      return;
    }
    const auto after = DiagnoseModel(*files_, site_.dir());
    ASSERT_TRUE(after.ok()) << after.status();
    EXPECT_FALSE(after->hinders()) << after->Explain();
    EXPECT_TRUE(after->steps.empty()) << "not done: " << after->steps.front().path;
    const Started started = Start(*files_, site_);
    ASSERT_TRUE(started.status.ok()) << started.status;
    ExpectAllKept(started);
    const Started again = Start(*files_, site_);
    EXPECT_TRUE(again.status.ok()) << again.status;
    if (site_.durability != v1::DURABILITY_NONE) {
      EXPECT_EQ(again.offset, started.offset + 1);
    }
  }

  const Site& site_;
  std::unique_ptr<FaultFileSystem> files_;
  Damage damage_;
  std::string what_;
  int count_ = 0;
};

TEST(DamageCorpusTest, StartCheckAndRepairAgreeAndNothingIsLostThatIsThere) {
  const std::vector<Site> sites = MakeSites();
  const uint64_t count = FromEnvironment("FRESHET_DAMAGE_COUNT", 350);
  const uint64_t seed = FromEnvironment("FRESHET_DAMAGE_SEED", 1);
  const bool keep_going = std::getenv("FRESHET_DAMAGE_KEEP_GOING") != nullptr;
  for (uint64_t i = 0; i < count; ++i) {
    std::mt19937_64 random(seed * 1'000'003 + i);
    DamageCase damage_case(sites[random() % sites.size()], random);
    SCOPED_TRACE(StrCat("case ", i, ": ", damage_case.what()));
    damage_case.Try();
    if (testing::Test::HasFailure() && !keep_going) return;
  }
}

TEST(DamageCorpusTest, WithoutDamageAllIsGood) {
  for (const Site& site : MakeSites()) {
    SCOPED_TRACE(site.name);
    const auto files = CopyOf(*site.files);
    std::ostringstream out;
    const absl::StatusOr<bool> good = RunCheck(*files, "/data", out);
    ASSERT_TRUE(good.ok()) << good.status();
    EXPECT_TRUE(*good) << out.str();
    EXPECT_TRUE(RunRepair(*files, {.path = "/data"}, out).value_or(false)) << out.str();
    const absl::Status cut = RunRepair(*files, {.path = "/data", .truncate_at = 1}, out).status();
    EXPECT_TRUE(absl::IsInvalidArgument(cut)) << cut;
    const Started started = Start(*files, site);
    ASSERT_TRUE(started.status.ok()) << started.status;
    EXPECT_EQ(started.offset, site.end);
    EXPECT_EQ(started.digest, site.digests.at(site.end));
  }
}

}  // namespace
}  // namespace freshet
