// Makes the disk of one server process slow, hanging or faulty, as a test says, by preloading
// disk_library.cc into the process.
//
//   FaultyDisk disk(data_dir);
//   auto server = ServerProcess::Start(data_dir, {}, disk.Environment());
//   disk.Set({{.call = DiskCall::kSync, .wait = absl::Seconds(40)}});
//   ...
//   disk.Heal();  // Waiting calls go on at once.

#ifndef FRESHET_TESTS_SUPPORT_FAULTY_DISK_H_
#define FRESHET_TESTS_SUPPORT_FAULTY_DISK_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/support/temporary_folder.h"

namespace freshet {

// System calls that rules can match.
enum class DiskCall {
  kOpen,    // Of files and folders.
  kChange,  // Writes, and all calls that create, rename, or remove.
  kSync,
};

// A rule: which calls match it, and what happens to them.
struct DiskRule {
  DiskCall call{};
  // Matches paths that contain this text; "*" matches all paths in the folder.
  std::string path_part = "*";
  // If `error` is not 0, the calls fail with this errno. Otherwise they wait for `wait`, or until
  // no rule matches them any more.
  int error = 0;
  absl::Duration wait = kUntilChanged;

  static constexpr absl::Duration kUntilChanged = absl::Hours(1);
};

// Not thread-safe. Processes may read the rules at any time.
class FaultyDisk {
 public:
  // Nothing is slow or fails until Set().
  explicit FaultyDisk(std::string folder) : folder_(std::move(folder)) {}

  // The environment that puts the folder of a process on this disk; see ServerProcess.
  std::vector<std::string> Environment() const;

  // Replaces the rules, for later calls and for those already waiting.
  void Set(const std::vector<DiskRule>& rules) const;
  void Heal() const { Set({}); }
  // Fails everything that writes, and every sync.
  void FailChanges(int error) const;

  // Waits until a call on a path with `path_part` is waiting, counting from the last Set(). Returns
  // false after a minute.
  bool AwaitWaiting(std::string_view path_part = "") const;

 private:
  std::string RulesPath() const { return rules_.path() + "/rules"; }
  std::string WaitingPath() const { return RulesPath() + ".waiting"; }

  const std::string folder_;
  const TemporaryFolder rules_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_FAULTY_DISK_H_
