// The state bytes of a snapshot: parts, one a view, in a frame that says where each begins, so that
// a reader takes those that it knows. server/snapshot/FORMAT.md gives the bytes.

#ifndef FRESHET_SERVER_VIEW_SNAPSHOT_PARTS_H_
#define FRESHET_SERVER_VIEW_SNAPSHOT_PARTS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/base/state.h"
#include "server/file/file_system.h"

namespace freshet {

// The version of the state that stands in front of the frame. States of lower versions have none:
// see ModelState::Load().
inline constexpr uint32_t kFramedStateVersion = 6;

// One view, as it was saved.
struct SavedPart {
  std::string id;        // See View::id().
  uint32_t version = 0;  // See View::version().
  uint64_t offset = 0;   // See View::offset().
  StateWriter bytes;
};

struct SavedState {
  int64_t time_ms = 0;  // When the last record was sequenced; see Record.
  std::vector<SavedPart> parts;
};

// The state bytes, in pieces, which refer to the saved state and to `head`. Moved, never copied.
struct FramedState {
  FramedState() = default;
  FramedState(FramedState&&) = default;
  FramedState& operator=(FramedState&&) = default;

  std::unique_ptr<std::string> head = std::make_unique<std::string>();
  std::vector<ByteSpan> pieces;
};

// Computes the checksums of all parts, which takes a while for large ones.
FramedState FrameState(const SavedState& state);

// A part of a snapshot that was read. Refers to the state bytes.
struct LoadedPart {
  std::string id;
  uint32_t version = 0;
  uint64_t offset = 0;
  ByteSpan bytes;
};

struct LoadedState {
  int64_t time_ms = 0;
  std::vector<LoadedPart> parts;

  // The part of this id; null where there is none.
  const LoadedPart* Find(const std::string& id) const;
};

// DATA_LOSS for a saved state that does not hold; says why, and to restore an older snapshot.
absl::Status DamagedState(std::string_view reason);

// Reads the frame, and verifies the checksums of all parts. REQUIRES: the state begins with
// kFramedStateVersion. DATA_LOSS names the part that is damaged.
absl::StatusOr<LoadedState> ParseState(ByteSpan state);

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_SNAPSHOT_PARTS_H_
