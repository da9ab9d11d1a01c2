#include "tests/server/recovery/model_sites.h"

#include <gtest/gtest.h>

#include <utility>
#include <variant>

#include "server/file/model_folder.h"
#include "server/log/segment_reader.h"
#include "server/model/model_manifest.h"
#include "server/record/record.h"
#include "server/registry/new_model.h"
#include "server/snapshot/snapshot_file.h"
#include "tests/server/model/model_fixture.h"
#include "tests/server/model/served_model_peer.h"

namespace freshet {
namespace {

constexpr uint64_t kSiteUid = 0xc0ffee0000000001;

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

}  // namespace

std::unique_ptr<FaultFileSystem> CopyOf(FaultFileSystem& files) {
  auto copy = std::make_unique<FaultFileSystem>();
  CopyTree(files, *copy, "/");
  return copy;
}

std::vector<Site> MakeSites() {
  std::vector<Site> sites;
  {
    SiteBuilder builder("no snapshot", kSiteUid, v1::DURABILITY_FSYNC, 1);
    builder.Push(30);
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("two snapshots, all of the log", kSiteUid, v1::DURABILITY_FSYNC, 2);
    builder.Push(12);
    builder.Snapshot();
    builder.Push(11);
    builder.Snapshot();
    builder.Push(9);
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("two snapshots, what is needed of the log", kSiteUid, v1::DURABILITY_OS, 2);
    builder.Push(17);
    builder.Snapshot();
    builder.Push(8);
    builder.Snapshot();
    builder.Push(11);
    builder.DropOldRecords();
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("a restore that is needed", kSiteUid, v1::DURABILITY_FSYNC, 3);
    builder.Push(9);
    builder.Snapshot("kept");
    builder.Push(7);
    builder.Restore("kept");
    builder.Push(8);
    builder.Remove("snapshots/s000001.snapshot");
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("a stop", kSiteUid, v1::DURABILITY_FSYNC, 2);
    builder.Push(14);
    builder.Snapshot();
    builder.Push(6);
    builder.Snapshot();
    sites.push_back(builder.Finish());
  }
  {
    SiteBuilder builder("no log", kSiteUid, v1::DURABILITY_NONE, 3);
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

}  // namespace freshet
