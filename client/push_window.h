// What a Pusher has taken and the server has not acknowledged yet.

#ifndef FRESHET_CLIENT_PUSH_WINDOW_H_
#define FRESHET_CLIENT_PUSH_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "client/pusher.h"
#include "core/feature/example_batch.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// A batch on its way.
struct PendingBatch {
  uint64_t first_index = 0;  // Of its first row in the stream.
  size_t row_count = 0;      // As pushed; rejected rows that were dropped count.
  size_t bytes = 0;          // About what it takes on the wire.
  uint64_t sequence = 0;     // 0 until it is sent.
  uint32_t send_count = 0;
  bool done = false;  // Acknowledged, or all of it dropped.

  // The rows before they are encoded, else null; then `request` holds them.
  std::unique_ptr<ExampleBatchBuilder> builder;
  v1::LearnRequest request;
  // Of each row that `request` still holds, its place among the rows as pushed. Empty: all.
  std::vector<uint32_t> remaining_rows;

  // One number a row as pushed; empty unless predictions are wanted. NaN where there is none.
  std::vector<float> predictions;
  std::vector<float> scores;
};

// Keeps batches in the order they were pushed, and in the order they were sent. Not thread-safe; a
// batch may be encoded and written by one thread while others use the window, as long as no
// response for it is applied.
class PushWindow {
 public:
  // `keep_predictions`: whether to keep what responses predict, else it is dropped.
  explicit PushWindow(bool keep_predictions) : keep_predictions_(keep_predictions) {}

  // An empty batch to fill, with the memory of one that is done where there is one.
  std::shared_ptr<PendingBatch> NewBatch();

  // Puts a filled batch behind the others; `row_count` and `bytes` must be set.
  void Add(std::shared_ptr<PendingBatch> batch);

  // A new stream has been opened: everything sent and not acknowledged is to be sent again.
  void StartStream() { last_sent_sequence_ = 0; }

  // The batch to send next on the current stream: first those to send again, then new ones, which
  // get their sequence here. Null where there is none.
  std::shared_ptr<PendingBatch> NextToSend();
  bool HasNextToSend() const;

  // Applies an acknowledgement, which covers every sequence up to its own.
  void Acknowledge(const v1::LearnResponse& response);

  // Applies a rejection. With `skip_bad_rows` the named rows are dropped, and what is left of the
  // batch is to be sent under a new sequence; else, or where no row is named, the batch is dropped
  // and the error says why. Appends the rows that were named to `rejected`.
  absl::Status Reject(const v1::LearnResponse& response, bool skip_bad_rows,
                      std::vector<RejectedRow>* rejected);

  // Forgets what has not been sent.
  void DropUnsent();

  // Takes the batches that are done, in the order they were pushed, up to the first that is not.
  std::vector<std::shared_ptr<PendingBatch>> TakeDone();

  // Gives memory back for NewBatch().
  void Recycle(std::shared_ptr<PendingBatch> batch);

  bool empty() const { return unsent_.empty() && in_flight_.empty(); }
  bool in_flight_empty() const { return in_flight_.empty(); }
  size_t bytes() const { return bytes_; }
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t rejected() const { return rejected_; }
  uint64_t duplicates() const { return duplicates_; }

 private:
  using Queue = std::deque<std::shared_ptr<PendingBatch>>;

  void Finish(PendingBatch* batch);
  void KeepPredictions(const v1::LearnResponse& response, PendingBatch* batch) const;

  const bool keep_predictions_;
  Queue pushed_;     // Everything, in the order pushed.
  Queue unsent_;     // Not sent yet, or to be sent under a new sequence.
  Queue in_flight_;  // Sent; sequences rise.
  uint64_t next_sequence_ = 1;
  uint64_t last_sent_sequence_ = 0;  // On the current stream.
  size_t bytes_ = 0;                 // Of unsent_ and in_flight_.
  uint64_t acknowledged_ = 0;        // Examples.
  uint64_t rejected_ = 0;            // Examples.
  uint64_t duplicates_ = 0;          // Examples.
  std::vector<std::shared_ptr<PendingBatch>> spare_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_PUSH_WINDOW_H_
