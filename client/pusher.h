// Pushes a stream of examples to a model.
//
//   auto pusher = freshet::Pusher::Start(**client, "ctr", {});
//   if (!pusher.ok()) return pusher.status();
//   freshet::Example click;
//   click.label = 1;
//   click.Add("user", "u42");
//   absl::Status status = (*pusher)->Push(click);
//   ...
//   status = (*pusher)->Close();

#ifndef FRESHET_CLIENT_PUSHER_H_
#define FRESHET_CLIENT_PUSHER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/example.h"
#include "core/feature/example_batch.h"

namespace freshet {

class PushStream;

// A row that the server refused.
struct RejectedRow {
  uint64_t index = 0;  // Its index in the stream of this Pusher, from 0.
  std::string field;   // The field that is wrong, for example `label`.
  std::string reason;  // What is wrong with it, and what is allowed.
};

// Predictions made just before learning, for rows that follow each other in the stream.
struct PushedPredictions {
  uint64_t first_index = 0;  // The index of the first row in the stream of this Pusher, from 0.
  // One number for each row (see Prediction). NaN if there is none: the row was rejected, or the
  // server learned it but its answer was lost with the connection.
  std::span<const float> predictions;
  std::span<const float> scores;
};

// The rows of a batch in the stream of their producer, which numbers them from 1. Rows between that
// the batch leaves out, for example because they are bad, count as learned with it.
struct RowNumbers {
  uint64_t first = 0;
  uint64_t last = 0;
};

// The ids and times of events, which the rows of a batch are (see LearnRequest.event_ids): views
// that are used during the call only.
struct EventColumns {
  std::span<const std::string> ids = {};  // One for each row; empty: the rows have labels.
  // When each event happened, in milliseconds since 1970; empty: when the server accepts them.
  std::span<const int64_t> times_ms = {};
};

// How to push. The defaults suit streams of any rate.
struct PusherOptions {
  // The id of the producer, 1 to 64 characters of [A-Za-z0-9._-]. The server recognises a resent
  // batch by this id and the batch's number, and learns it only once. Two Pushers must never use
  // the same id, not even one after the other, unless the rows are numbered (see PushBatch()): each
  // numbers its batches from 1, so the batches of the second would be taken for duplicates. Empty:
  // 32 random hexadecimal digits.
  std::string producer_id = {};
  // Whether the model knows the producer already, so that the first batch need not begin with its
  // first row (see Client::GetProducer()).
  bool producer_is_known = false;
  // Push() sends a batch of this many examples, 1 to 65536.
  size_t batch_examples = 512;
  // Push() sends a smaller batch once its first example is this old, 0 to 60000.
  int64_t linger_ms = 50;
  // Push() waits while this many examples are not acknowledged, >= 1.
  size_t max_unacknowledged_examples = 65'536;
  // Push() waits while batches of this many bytes are not acknowledged, >= 1.
  size_t max_unacknowledged_bytes = size_t{64} << 20;
  // How long to keep retrying while nothing is acknowledged, counted from the failure of the
  // connection; 0: do not retry. Errors that a retry cannot fix end the push at once.
  int64_t retry_deadline_ms = 300'000;
  // The first and the longest wait between retries, 1 <= initial <= max. Waits double, with jitter.
  int64_t initial_backoff_ms = 100;
  int64_t max_backoff_ms = 2'000;
  // What to do about rows that the server rejects. True: drop and count them, and push the other
  // rows of their batch again. False: the push fails with INVALID_ARGUMENT; the batch is not
  // learned.
  bool skip_bad_rows = false;

  // Callbacks, called one at a time from a thread of the Pusher. They must not call methods of the
  // Pusher other than stats().

  // When set, the server returns its predictions, and the callback gets them in stream order.
  std::function<void(const PushedPredictions&)> on_predictions = {};
  // Called for each rejected row that the server names.
  std::function<void(const RejectedRow&)> on_rejected = {};
};

// What a Pusher has done so far. Counts are of examples unless stated otherwise.
struct PusherStats {
  uint64_t pushed = 0;        // Accepted from callers.
  uint64_t acknowledged = 0;  // Learned, and as durable as the model's durability says.
  uint64_t rejected = 0;      // Refused by the server and dropped.
  // Acknowledged, but not learned, because their update would not have been finite; included in
  // `acknowledged`.
  uint64_t skipped = 0;
  uint64_t resent = 0;          // Resent after a reconnect.
  uint64_t duplicates = 0;      // Acknowledged as learned before; included in `acknowledged`.
  uint64_t reconnects = 0;      // How often the connection was reestablished.
  uint64_t sent_bytes = 0;      // Bytes of batches sent, resent ones too.
  uint64_t unacknowledged = 0;  // Waiting to be sent or acknowledged.
  uint64_t offset = 0;          // The model's offset in the latest acknowledgement.
  bool connected = false;       // Whether the server has answered since the stream last failed.
  bool waiting = false;         // Whether a caller is waiting because the window is full.
};

// Gathers examples into batches and sends them on one Learn stream, in order.
//
// Everything is kept until it is acknowledged. When the connection breaks, the Pusher connects
// again with backoff and resends what was not acknowledged, with the same sequence numbers, so that
// the server learns each example exactly once. The good rows of a partly rejected batch are sent
// again after the batches that were already in flight; otherwise the order is kept.
//
// When a push fails for good, batches already sent may still be acknowledged; every later call
// returns the error.
//
// Threads: all methods may be called from any number of threads at once; the examples of each
// thread keep their order. The Pusher has two threads of its own, which send and receive.
class Pusher {
 public:
  // Starts a stream to the model `model` (id or full name). Shares the connection of `client`,
  // which may be destroyed before the Pusher. Does not wait for the server: an error such as a
  // missing model is returned by later calls. INVALID_ARGUMENT if an option is out of range.
  static absl::StatusOr<std::unique_ptr<Pusher>> Start(const Client& client, std::string_view model,
                                                       PusherOptions options);

  // Drops what is not acknowledged; call Close() first to avoid that.
  ~Pusher();
  Pusher(const Pusher&) = delete;
  Pusher& operator=(const Pusher&) = delete;

  // Accepts one example. Waits while the window is full. Returns the error that ended the push, if
  // any.
  absl::Status Push(const Example& example);

  // Accepts one event, that is an example whose label comes later (see feedback_pusher.h), as
  // LearnRequest.event_ids says. Its label is ignored; its weight counts. Without a time, it
  // happens when the server accepts it.
  absl::Status PushEvent(const Example& example, std::string_view event_id,
                         std::optional<int64_t> time_ms = std::nullopt);

  // Accepts the completed rows of `batch` as one batch, to be sent after everything pushed before;
  // `batch` may be reused when the call returns. Waits while the window is full. Does nothing for
  // an empty batch. If the batch keeps names (see ExampleBatchBuilder::KeepNames()), they are sent
  // along and removed from there, and their limit is lowered to what the server keeps; Push() sends
  // names by itself.
  absl::Status PushBatch(const ExampleBatchBuilder& batch);

  // The same for rows that are numbered, so that a later Pusher with the same producer id can go on
  // after the last row that the server has acknowledged, whatever the size of the batches (see
  // Client::GetProducer()). The numbers of all batches must be different. REQUIRES: the Pusher is
  // used for numbered batches alone. With `events`, the rows are events. INVALID_ARGUMENT if these
  // are not as many as the rows.
  absl::Status PushBatch(const ExampleBatchBuilder& batch, RowNumbers numbers,
                         EventColumns events = {});

  // Sends what Push() has gathered and waits until everything pushed so far is acknowledged or
  // dropped.
  absl::Status Flush();
  // The same, but waits at most for `timeout`. Returns whether everything is acknowledged or
  // dropped.
  absl::StatusOr<bool> FlushFor(std::chrono::milliseconds timeout);

  // Waits, at most for `timeout`, until the window has room, so that the next push need not wait.
  // Returns whether it has room; true also if the push has ended. For callers that have something
  // else to look after while they wait, such as signals.
  bool WaitForRoom(std::chrono::milliseconds timeout);

  // Flushes and ends the stream. Later pushes fail with FAILED_PRECONDITION.
  absl::Status Close();

  PusherStats stats() const;
  // The error that ended the push; OK if there was none.
  absl::Status status() const;
  const std::string& producer_id() const;

 private:
  explicit Pusher(std::unique_ptr<PushStream> stream);

  const std::unique_ptr<PushStream> stream_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_PUSHER_H_
