// The batches that a Pusher or a FeedbackPusher has accepted and the server has not acknowledged
// yet.

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

// A batch of examples, events or feedback that is waiting to be sent or acknowledged. Items of
// feedback count as rows.
struct PendingBatch {
  uint64_t first_index = 0;  // The index of its first row in the stream, from 0.
  size_t row_count = 0;      // Rows as pushed, including rejected ones that were dropped since.
  size_t bytes = 0;          // Its approximate size on the wire.
  uint64_t sequence = 0;     // 0 until it is first sent.
  RowNumbers numbers;        // All 0: batches are numbered instead of rows.
  uint32_t send_count = 0;
  size_t refused_count = 0;  // Rows that were refused while the others were accepted.
  bool done = false;         // Acknowledged, or all of it dropped.

  // The rows, until they are encoded. Null from then on, when `request` holds them.
  std::unique_ptr<ExampleBatchBuilder> builder;
  v1::LearnRequest request;
  v1::FeedbackRequest feedback;  // Instead of `request`, in a FeedbackPusher.
  // For each row that `request` still holds, its index among the rows as pushed. Empty: `request`
  // holds all rows.
  std::vector<uint32_t> remaining_rows;
  size_t remaining_count() const {
    return remaining_rows.empty() ? row_count : remaining_rows.size();
  }

  // One number for each row as pushed; NaN for rows without a prediction. Empty unless predictions
  // are kept.
  std::vector<float> predictions;
  std::vector<float> scores;
};

// Keeps batches both in the order in which they were pushed and in the order in which they were
// sent. Not thread-safe. However, one thread may encode and write a batch while others use the
// window, as long as no response for that batch is applied.
class PushWindow {
 public:
  // `keep_predictions`: whether to store the predictions in responses in the batches.
  explicit PushWindow(bool keep_predictions) : keep_predictions_(keep_predictions) {}

  // Returns an empty batch to fill; reuses the memory of a recycled batch if there is one.
  std::shared_ptr<PendingBatch> NewBatch();

  // Appends a filled batch. REQUIRES: its `row_count` and `bytes` are set.
  void Add(std::shared_ptr<PendingBatch> batch);

  // Call when a new stream has been opened: everything sent and not acknowledged is then resent.
  void StartStream() { sent_on_stream_ = 0; }

  // The batch to send next on the current stream: first those to resend, then new ones, which get
  // their sequence here: the number of their last row if the rows are numbered. Null if there is
  // none.
  std::shared_ptr<PendingBatch> NextToSend();
  bool HasNextToSend() const;

  // Applies an acknowledgement, which also covers lower sequences that were sent before it on this
  // stream.
  void Acknowledge(const v1::LearnResponse& response);

  // Notes the items that `response`, which acknowledges the others of its request, refuses; to be
  // called before Acknowledge(). Appends those that the response names to `rejected`.
  void Refuse(const v1::FeedbackResponse& response, std::vector<RejectedRow>* rejected);

  // Applies a rejection. If `skip_bad_rows` and the response names rows, drops these; the rest of
  // the batch is sent again, under a new sequence unless the rows are numbered. Otherwise drops the
  // whole batch and returns the reason as an error. Appends the rows that the response names to
  // `rejected`.
  absl::Status Reject(const v1::LearnResponse& response, bool skip_bad_rows,
                      std::vector<RejectedRow>* rejected);

  // Drops all batches that have not been sent.
  void DropUnsent();

  // Removes and returns the batches that are done, in the order in which they were pushed, up to
  // the first that is not done.
  std::vector<std::shared_ptr<PendingBatch>> TakeDone();

  // Returns a batch, so that NewBatch() can reuse its memory.
  void Recycle(std::shared_ptr<PendingBatch> batch);

  bool empty() const { return unsent_.empty() && in_flight_.empty(); }
  bool in_flight_empty() const { return in_flight_.empty(); }
  size_t bytes() const { return bytes_; }
  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t rejected() const { return rejected_; }
  uint64_t duplicates() const { return duplicates_; }
  uint64_t skipped() const { return skipped_; }

 private:
  using Queue = std::deque<std::shared_ptr<PendingBatch>>;

  // The place in in_flight_ of the batch with this sequence that was sent on the current stream.
  Queue::iterator FindSent(uint64_t sequence);
  // Removes a batch that was sent on the current stream from in_flight_; returns the place after.
  Queue::iterator TakeSent(const Queue::iterator& batch);
  void Finish(PendingBatch* batch);
  void KeepPredictions(const v1::LearnResponse& response, PendingBatch* batch) const;

  const bool keep_predictions_;
  Queue pushed_;     // All batches that TakeDone() has not returned, in the order pushed.
  Queue unsent_;     // Batches not sent yet, or to be sent again without their bad rows.
  Queue in_flight_;  // Batches sent and not answered, in the order in which they were sent.
  uint64_t next_sequence_ = 1;
  size_t sent_on_stream_ = 0;  // How many of in_flight_, from the front, the current stream has.
  size_t bytes_ = 0;           // The bytes of the batches in unsent_ and in_flight_.
  uint64_t acknowledged_ = 0;  // Examples.
  uint64_t rejected_ = 0;      // Examples.
  uint64_t duplicates_ = 0;    // Examples.
  uint64_t skipped_ = 0;       // Examples.
  std::vector<std::shared_ptr<PendingBatch>> spare_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_PUSH_WINDOW_H_
