// A disk that is slow, hangs, or fails, as a test says, for one server process: see
// disk_library.cc, which does it.
//
//   FaultyDisk disk(data_dir);
//   auto server = ServerProcess::Start(data_dir, {}, disk.Environment());
//   disk.Set({{.call = DiskCall::kSync, .wait = absl::Seconds(40)}});
//   ...
//   disk.Heal();  // What waits goes on at once.

#ifndef FRESHET_TESTS_SUPPORT_FAULTY_DISK_H_
#define FRESHET_TESTS_SUPPORT_FAULTY_DISK_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/support/temporary_folder.h"

namespace freshet {

// Calls of the operating system.
enum class DiskCall {
  kOpen,    // Of files and folders.
  kChange,  // Writes, and all that creates, renames, or removes.
  kSync,
};

// What becomes of calls.
struct DiskRule {
  DiskCall call{};
  std::string path_part = "*";          // Of which paths; "*": of all in the folder.
  int error = 0;                        // They fail with this errno; or, where it is 0,
  absl::Duration wait = kUntilChanged;  // they wait this long, or until no rule is theirs any more.

  static constexpr absl::Duration kUntilChanged = absl::Hours(1);
};

// Not thread-safe; servers read the rules at any time.
class FaultyDisk {
 public:
  // All is well until Set().
  explicit FaultyDisk(std::string folder) : folder_(std::move(folder)) {}

  // What a process needs to see the folder on this disk; see ServerProcess.
  std::vector<std::string> Environment() const;

  // For what is called from now on, and for what waits.
  void Set(const std::vector<DiskRule>& rules) const;
  void Heal() const { Set({}); }
  // Nothing can be written any more.
  void FailChanges(int error) const;

  // Waits until a call waits whose path has `path_part`; counts from the last Set() on. False after
  // a minute.
  bool AwaitWaiting(std::string_view path_part = "") const;

 private:
  std::string RulesPath() const { return rules_.path() + "/rules"; }
  std::string WaitingPath() const { return RulesPath() + ".waiting"; }

  const std::string folder_;
  const TemporaryFolder rules_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_FAULTY_DISK_H_
