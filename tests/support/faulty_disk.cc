#include "tests/support/faulty_disk.h"

#include <filesystem>
#include <fstream>
#include <string_view>

#include "absl/time/clock.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

constexpr absl::Duration kWaitPatience = absl::Minutes(1);

std::string_view NameOf(DiskCall call) {
  switch (call) {
    case DiskCall::kOpen:
      return "open";
    case DiskCall::kChange:
      return "change";
    case DiskCall::kSync:
      return "sync";
  }
  return "";
}

}  // namespace

std::vector<std::string> FaultyDisk::Environment() const {
  // A sanitizer requires its own library to come first.
  const char* const sanitizer = FRESHET_SANITIZER_LIBRARY;
  return {StrCat("LD_PRELOAD=", sanitizer, *sanitizer == '\0' ? "" : ":", FRESHET_DISK_LIBRARY),
          "FRESHET_TEST_DISK=" + folder_, "FRESHET_TEST_DISK_RULES=" + RulesPath()};
}

void FaultyDisk::Set(const std::vector<DiskRule>& rules) const {
  const std::string written = RulesPath() + ".new";
  {
    std::ofstream file(written);
    for (const DiskRule& rule : rules) {
      file << NameOf(rule.call) << ' ' << rule.path_part << ' ';
      if (rule.error != 0) {
        file << "fail " << rule.error << '\n';
      } else {
        file << "wait " << absl::ToInt64Milliseconds(rule.wait) << '\n';
      }
    }
  }
  std::filesystem::remove(WaitingPath());
  std::filesystem::rename(written, RulesPath());
}

bool FaultyDisk::AwaitWaiting(std::string_view path_part) const {
  for (const absl::Time deadline = absl::Now() + kWaitPatience; absl::Now() < deadline;) {
    std::ifstream file(WaitingPath());
    for (std::string line; std::getline(file, line);) {
      if (line.find(path_part) != std::string::npos) return true;
    }
    absl::SleepFor(absl::Milliseconds(2));
  }
  return false;
}

void FaultyDisk::FailChanges(int error) const {
  Set({{.call = DiskCall::kChange, .error = error}, {.call = DiskCall::kSync, .error = error}});
}

}  // namespace freshet
