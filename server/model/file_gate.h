// Lets work on a model's files begin, until the model is being deleted.

#ifndef FRESHET_SERVER_MODEL_FILE_GATE_H_
#define FRESHET_SERVER_MODEL_FILE_GATE_H_

#include <functional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace freshet {

// Thread-safe; no method blocks. Outlives its passes.
class FileGate {
 public:
  // Work on the files goes on as long as the pass lives.
  class Pass {
   public:
    explicit Pass(FileGate* gate) : gate_(gate) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Pass& operator=(Pass&&) = delete;
    ~Pass() {
      if (gate_ != nullptr) gate_->Leave();
    }

   private:
    FileGate* gate_;
  };

  FileGate() = default;
  FileGate(const FileGate&) = delete;
  FileGate& operator=(const FileGate&) = delete;

  // Why the gate is closed, where it is.
  absl::StatusOr<Pass> Enter();

  // Lets nobody in from now on, who get `reason`; calls `alone`, once, when all passes are gone, on
  // the thread of the last one. REQUIRES: it is open.
  void Close(absl::Status reason, std::function<void()> alone);

  // Opens it again. REQUIRES: `alone` was called.
  void Open();

 private:
  void Leave();

  absl::Mutex mu_;
  int passes_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status closed_ ABSL_GUARDED_BY(mu_);  // OK while open.
  std::function<void()> alone_ ABSL_GUARDED_BY(mu_);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_FILE_GATE_H_
