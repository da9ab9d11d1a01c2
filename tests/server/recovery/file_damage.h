// Random damage to the files of a model, and what is left to recover after it.

#ifndef FRESHET_TESTS_SERVER_RECOVERY_FILE_DAMAGE_H_
#define FRESHET_TESTS_SERVER_RECOVERY_FILE_DAMAGE_H_

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/server/recovery/model_sites.h"
#include "tests/support/fault_file_system.h"

namespace freshet {

// Damages a copy of a site's files, and keeps account of the bytes that are lost, by the paths that
// the files had. Keeps references to its arguments.
class FileDamage {
 public:
  FileDamage(const Site& site, FaultFileSystem& files, std::mt19937_64& random)
      : site_(site), files_(files), random_(random) {}

  // Cuts, changes, swaps, copies, renames, removes or empties one file, or makes it a folder.
  // Returns what was done, in words.
  std::string DoSomething();

  // The offset that a recovery has to reach with what is left of the files.
  uint64_t Ideal() const;

  bool manifest_is_lost() const;
  // Whether a file was moved or copied. Ideal() does not follow further damage to it.
  bool moved_files() const { return moved_files_; }
  // Whether a snapshot is left that says what the model is.
  bool has_snapshot() const;

 private:
  std::vector<std::string> AllPaths() const;
  // Another file of the same folder, or any file if there is none.
  std::string AnotherLike(const std::string& path, const std::vector<std::string>& paths);
  std::string NewName(const std::string& path);

  // The kinds of damage, to the file `path` with this content.
  std::string Cut(const std::string& path, const std::string& content);
  std::string FlipBit(const std::string& path, const std::string& content);
  std::string Swap(const std::string& path, const std::string& content, const std::string& other);
  std::string CopyOver(const std::string& path, const std::string& content,
                       const std::string& other);
  std::string Rename(const std::string& path);

  void LoseAll(const std::string& path) { Lose(path, 0, UINT64_MAX); }
  // The bytes from `begin` to before `end` are not what they were.
  void Lose(const std::string& path, uint64_t begin, uint64_t end);

  const Site& site_;
  FaultFileSystem& files_;
  std::mt19937_64& random_;
  std::set<std::string> lost_files_;
  std::set<uint64_t> lost_records_;
  bool renamed_manifest_ = false;
  bool moved_files_ = false;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_RECOVERY_FILE_DAMAGE_H_
