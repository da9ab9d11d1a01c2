// Folders of models for tests that damage them: what a server that crashed left, and what it held.

#ifndef FRESHET_TESTS_SERVER_RECOVERY_MODEL_SITES_H_
#define FRESHET_TESTS_SERVER_RECOVERY_MODEL_SITES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "freshet/v1/model.pb.h"
#include "tests/support/fault_file_system.h"

namespace freshet {

// Where a record is.
struct Place {
  std::string path;
  uint64_t begin = 0;
  uint64_t end = 0;
  std::string restores;  // The snapshot that the record restores; empty: none.
};

// A model's files as a crash leaves them, and what the model was at each offset.
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

// Models of every kind that recovery tells apart: with and without snapshots, a log, a restore that
// recovery needs, and one of a version without uids, whose folder is named like the model.
std::vector<Site> MakeSites();

// A file system with the same files.
std::unique_ptr<FaultFileSystem> CopyOf(FaultFileSystem& files);

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_RECOVERY_MODEL_SITES_H_
