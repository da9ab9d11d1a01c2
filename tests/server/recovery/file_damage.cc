#include "tests/server/recovery/file_damage.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "core/base/str_cat.h"
#include "server/log/segment.h"
#include "server/snapshot/snapshot_store.h"
#include "tests/server/model/model_fixture.h"

namespace freshet {
namespace {

std::string FolderOfPath(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }

}  // namespace

std::string FileDamage::DoSomething() {
  const std::vector<std::string> paths = AllPaths();
  const std::string& path = paths[random_() % paths.size()];
  const std::string content = files_.ReadAll(path);
  switch (random_() % 9) {
    case 0:
      return Cut(path, content);
    case 1:
    case 2:
      return FlipBit(path, content);
    case 3:
      return Swap(path, content, AnotherLike(path, paths));
    case 4:
      return CopyOver(path, content, AnotherLike(path, paths));
    case 5:
      return Rename(path);
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

std::string FileDamage::Cut(const std::string& path, const std::string& content) {
  const size_t size = content.empty() ? 0 : random_() % content.size();
  files_.WriteAll(path, content.substr(0, size));
  Lose(path, size, content.size());
  return StrCat("cut ", path, " to ", size);
}

std::string FileDamage::FlipBit(const std::string& path, const std::string& content) {
  if (content.empty()) return StrCat("left empty ", path);
  const size_t at = random_() % content.size();
  std::string flipped = content;
  flipped[at] = static_cast<char>(flipped[at] ^ (1 << random_() % 8));
  files_.WriteAll(path, flipped);
  Lose(path, at, at + 1);
  return StrCat("flipped a bit in byte ", at, " of ", path);
}

std::string FileDamage::Swap(const std::string& path, const std::string& content,
                             const std::string& other) {
  const std::string other_content = files_.ReadAll(other);
  files_.WriteAll(path, other_content);
  files_.WriteAll(other, content);
  moved_files_ = true;
  if (FolderOfPath(other) != FolderOfPath(path)) {
    // Nobody looks for a segment among the snapshots.
    LoseAll(path);
    LoseAll(other);
  }
  return StrCat("swapped ", path, " and ", other);
}

std::string FileDamage::CopyOver(const std::string& path, const std::string& content,
                                 const std::string& other) {
  if (other == path) return "nothing";
  LoseAll(other);
  files_.WriteAll(other, content);
  moved_files_ = true;
  return StrCat("copied ", path, " over ", other);
}

std::string FileDamage::Rename(const std::string& path) {
  const std::string name = NewName(path);
  EXPECT_TRUE(files_.Rename(path, name).ok());
  moved_files_ = true;
  renamed_manifest_ |= path.ends_with("/MODEL");
  // Older versions did not keep how far a log had come.
  if (site_.folder == kModel && path == site_.records.rbegin()->second.path) LoseAll(path);
  return StrCat("renamed ", path, " to ", name);
}

uint64_t FileDamage::Ideal() const {
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

bool FileDamage::manifest_is_lost() const {
  return lost_files_.contains(StrCat(site_.dir(), "/MODEL")) || renamed_manifest_;
}

bool FileDamage::has_snapshot() const {
  return std::any_of(site_.starts.begin(), site_.starts.end(),
                     [&](const auto& start) { return !lost_files_.contains(start.first); });
}

std::vector<std::string> FileDamage::AllPaths() const {
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

std::string FileDamage::AnotherLike(const std::string& path,
                                    const std::vector<std::string>& paths) {
  const std::string folder = FolderOfPath(path);
  std::vector<std::string> others;
  for (const std::string& other : paths) {
    if (other != path && other.starts_with(folder)) others.push_back(other);
  }
  if (others.empty()) others = paths;
  return others[random_() % others.size()];
}

std::string FileDamage::NewName(const std::string& path) {
  const std::string folder = FolderOfPath(path);
  if (path.ends_with(".log") && random_() % 2 == 0) {
    return StrCat(folder, SegmentFileName(random_() % 100 + 1000));
  }
  if (path.ends_with(kSnapshotSuffix)) {
    return StrCat(folder, "x", random_() % 100, kSnapshotSuffix);
  }
  return StrCat(path, ".bak");
}

void FileDamage::Lose(const std::string& path, uint64_t begin, uint64_t end) {
  if (begin < end) lost_files_.insert(path);
  const bool header = begin < kSegmentHeaderBytes;
  for (const auto& [offset, place] : site_.records) {
    if (place.path != path) continue;
    if (header || (begin < place.end && place.begin < end)) lost_records_.insert(offset);
  }
}

}  // namespace freshet
