#ifndef FRESHET_SERVER_MODEL_RECOVERY_PROGRESS_H_
#define FRESHET_SERVER_MODEL_RECOVERY_PROGRESS_H_

#include <atomic>
#include <cstdint>
#include <memory>

#include "server/model/predictor.h"
#include "server/thread/published.h"

namespace freshet {

// How far the recovery of one model has come: written by who recovers it, read by anybody.
struct RecoveryProgress {
  std::atomic<uint64_t> offset{0};      // Records that its state includes so far.
  std::atomic<uint64_t> end_offset{0};  // Records that it will include; 0 until that is known.
  std::atomic<bool> cancelled{false};   // Set by anybody: the recovery ends soon, with CANCELLED.
  // What the model may predict with meanwhile; null: nothing.
  Published<const Predictor> predictor;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_RECOVERY_PROGRESS_H_
