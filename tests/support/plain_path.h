// Makes tests take the code path of processors without wide vectors.

#ifndef FRESHET_TESTS_SUPPORT_PLAIN_PATH_H_
#define FRESHET_TESTS_SUPPORT_PLAIN_PATH_H_

#include "core/base/wide_path.h"

namespace freshet {

// While an object of this class lives, no thread takes the wide path.
class PlainPath {
 public:
  PlainPath() { SetWidePath(false); }
  PlainPath(const PlainPath&) = delete;
  PlainPath& operator=(const PlainPath&) = delete;
  ~PlainPath() { SetWidePath(ProcessorHasWidePath()); }
};

}  // namespace freshet

#endif  // FRESHET_TESTS_SUPPORT_PLAIN_PATH_H_
