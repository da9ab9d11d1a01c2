// States as bytes, for tests.

#ifndef FRESHET_TESTS_SERVER_VIEW_STATE_BYTES_H_
#define FRESHET_TESTS_SERVER_VIEW_STATE_BYTES_H_

#include <cstddef>
#include <vector>

#include "server/view/model_state.h"

namespace freshet {

// What a snapshot holds of the state.
inline std::vector<std::byte> BytesOfState(const SavedState& saved) {
  std::vector<std::byte> bytes;
  const FramedState framed = FrameState(saved);
  for (const ByteSpan piece : framed.pieces) bytes.insert(bytes.end(), piece.begin(), piece.end());
  return bytes;
}

}  // namespace freshet

#endif  // FRESHET_TESTS_SERVER_VIEW_STATE_BYTES_H_
