// A folder for the files of one test.

#ifndef FRESHET_TESTS_SUPPORT_TEMPORARY_FOLDER_H_
#define FRESHET_TESTS_SUPPORT_TEMPORARY_FOLDER_H_

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace freshet {

// A new folder, which the destructor removes with everything in it.
class TemporaryFolder {
 public:
  // In $TMPDIR, or in /tmp.
  TemporaryFolder() : TemporaryFolder(DefaultParent()) {}
  // The path is empty if the folder cannot be made.
  explicit TemporaryFolder(const std::string& parent) : path_(parent + "/freshet-test-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) path_.clear();
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  static std::string DefaultParent() {
    const char* parent = std::getenv("TMPDIR");
    return parent != nullptr ? parent : "/tmp";
  }

  std::string path_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_TEMPORARY_FOLDER_H_
