// Reading a file whole, for tests.

#ifndef FRESHET_TESTS_SUPPORT_FILE_TEXT_H_
#define FRESHET_TESTS_SUPPORT_FILE_TEXT_H_

#include <fstream>
#include <iterator>
#include <string>

namespace freshet {

// The bytes of the file `path`; none if it cannot be read.
inline std::string FileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_FILE_TEXT_H_
