// Finds the folders of models in a data folder.

#ifndef FRESHET_TESTS_SUPPORT_MODEL_DIR_H_
#define FRESHET_TESTS_SUPPORT_MODEL_DIR_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

namespace freshet {

// The folders of the model `id` in a data folder, with or without a uid in their names.
inline std::vector<std::string> ModelDirsOf(const std::string& data_dir, const std::string& id) {
  constexpr size_t kUidDigits = 16;
  std::vector<std::string> dirs;
  for (const auto& entry : std::filesystem::directory_iterator(data_dir + "/models")) {
    const std::string name = entry.path().filename().string();
    const bool with_uid = name.size() == id.size() + 1 + kUidDigits && name.starts_with(id + "-");
    if (name == id || with_uid) dirs.push_back(entry.path().string());
  }
  return dirs;
}

// The folder of the model `id`; fails the test unless there is exactly one.
inline std::string ModelDirOf(const std::string& data_dir, const std::string& id) {
  const std::vector<std::string> dirs = ModelDirsOf(data_dir, id);
  EXPECT_EQ(dirs.size(), 1U) << data_dir << " " << id;
  return dirs.empty() ? data_dir + "/models/" + id : dirs.front();
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_MODEL_DIR_H_
