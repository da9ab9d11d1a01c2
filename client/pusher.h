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

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/example.h"
#include "core/feature/example_batch.h"

namespace freshet {

// A row that the server refused.
struct RejectedRow {
  uint64_t index = 0;  // Its place in the stream of this Pusher, from 0.
  std::string field;   // What is wrong with it, for example `label`.
  std::string reason;  // Why, and what is allowed.
};

// Predictions made just before learning, for rows that follow each other in the stream.
struct PushedPredictions {
  uint64_t first_index = 0;  // The first row's place in the stream of this Pusher, from 0.
  // One number a row (see Prediction). NaN where there is none: the row was rejected, or the server
  // had learned it before the connection was lost and its answer with it.
  std::span<const float> predictions;
  std::span<const float> scores;
};

// How to push. The defaults suit streams of any rate.
struct PusherOptions {
  // Who sends: 1 to 64 characters of [A-Za-z0-9._-]; the server drops what it already has from this
  // producer. Two pushers must never share one, also not one after the other, as each counts its
  // batches from 1. Empty: 32 random hexadecimal digits.
  std::string producer_id = {};
  // Push() sends a batch of this many examples, 1 to 65536.
  size_t batch_examples = 512;
  // Push() sends a smaller batch once its first example is this old, 0 to 60000.
  int64_t linger_ms = 50;
  // Push() waits while so many examples are not acknowledged, >= 1.
  size_t max_unacknowledged_examples = 65'536;
  // Push() waits while batches of so many bytes are not acknowledged, >= 1.
  size_t max_unacknowledged_bytes = size_t{64} << 20;
  // How long to go on trying while nothing is acknowledged, counted from the failure of the
  // connection; 0 does not try again. Errors that trying again cannot help end the push at once.
  int64_t retry_deadline_ms = 300'000;
  // The first and the longest wait between two tries, 1 <= initial <= max. Waits double, with
  // jitter.
  int64_t initial_backoff_ms = 100;
  int64_t max_backoff_ms = 2'000;
  // What to do with rows that the server rejects. True: drop them, count them, push the others of
  // their batch again. False: the push fails with INVALID_ARGUMENT; the batch is not learned.
  bool skip_bad_rows = false;

  // Callbacks, called one at a time from a thread of the Pusher; they may not call it, except for
  // stats().

  // When set, the server returns its predictions, and this gets them in the order of the stream.
  std::function<void(const PushedPredictions&)> on_predictions = {};
  // Called for each rejected row that the server names.
  std::function<void(const RejectedRow&)> on_rejected = {};
};

// What a Pusher has done so far. Counts are of examples where nothing else is said.
struct PusherStats {
  uint64_t pushed = 0;          // Taken from the caller.
  uint64_t acknowledged = 0;    // Learned, and as durable as the model's durability says.
  uint64_t rejected = 0;        // Refused by the server and dropped.
  uint64_t resent = 0;          // Sent again after a reconnect.
  uint64_t duplicates = 0;      // Acknowledged as learned before; part of `acknowledged`.
  uint64_t reconnects = 0;      // Times the connection was made anew.
  uint64_t sent_bytes = 0;      // Bytes of batches sent, resent ones too.
  uint64_t unacknowledged = 0;  // Waiting to be sent or acknowledged.
  uint64_t offset = 0;          // The model's offset, as last acknowledged.
  bool connected = false;       // Whether there is a stream now.
  bool waiting = false;         // Whether a caller is held back by the window.
};

// Gathers examples into batches and sends them on one Learn stream, in order.
//
// Everything is kept until it is acknowledged. When the connection breaks, the Pusher connects
// again with backoff and resends what was not acknowledged, with the same sequence numbers, so that
// the server learns each example exactly once. Rows left over from a partly rejected batch are sent
// again behind what was already on its way; otherwise the order is kept.
//
// When a push fails for good, what had been sent is still given the chance to be acknowledged;
// every later call returns the error.
//
// Threads: all methods may be called from any number of threads at once; examples of one thread
// keep their order. Two threads of its own send and receive.
class Pusher {
 public:
  // Starts a stream to the model `model` (id or full name). The client's connection is shared; the
  // Client itself may be destroyed first. Does not wait for the server: what it says about the
  // model comes with later calls. INVALID_ARGUMENT where an option is out of range.
  static absl::StatusOr<std::unique_ptr<Pusher>> Start(const Client& client, std::string_view model,
                                                       PusherOptions options);

  // Drops what is not acknowledged; call Close() first.
  ~Pusher();
  Pusher(const Pusher&) = delete;
  Pusher& operator=(const Pusher&) = delete;

  // Takes one example. Waits while the window is full. An error is the one that ended the push.
  absl::Status Push(const Example& example);

  // Takes the ended rows of `batch` as one batch, behind what came before; `batch` may be reused at
  // once. Waits while the window is full. An empty batch does nothing. Where the batch keeps names
  // (see ExampleBatchBuilder::KeepNames()), they are sent along and taken out, and their limit is
  // set to what the server keeps. Push() does so by itself.
  absl::Status PushBatch(const ExampleBatchBuilder& batch);

  // Sends what is gathered and waits until everything pushed so far is acknowledged or dropped.
  absl::Status Flush();

  // Flushes and ends the stream. Later pushes fail with FAILED_PRECONDITION.
  absl::Status Close();

  PusherStats stats() const;
  // What ended the push; OK while it goes on.
  absl::Status status() const;
  const std::string& producer_id() const;

 private:
  class Impl;
  explicit Pusher(std::unique_ptr<Impl> impl);

  const std::unique_ptr<Impl> impl_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_PUSHER_H_
