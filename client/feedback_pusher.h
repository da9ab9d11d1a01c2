// Tells a model what happened to events, so that it learns them with the labels that follow.
//
//   auto feedback = freshet::FeedbackPusher::Start(**client, "ads", {});
//   if (!feedback.ok()) return feedback.status();
//   freshet::v1::FeedbackItem click;
//   click.set_event_id("impression-17");
//   click.set_name("click");
//   absl::Status status = (*feedback)->Push(click);
//   ...
//   status = (*feedback)->Close();

#ifndef FRESHET_CLIENT_FEEDBACK_PUSHER_H_
#define FRESHET_CLIENT_FEEDBACK_PUSHER_H_

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/client.h"
#include "client/pusher.h"
#include "freshet/v1/learning_service.pb.h"

namespace freshet {

// Gathers feedback into requests and sends them on one Feedback stream, in order. Keeps, resends
// and waits as a Pusher does, so that the model takes note of each item exactly once.
//
// Feedback and examples of one model need different producer ids. Items that are malformed are
// refused by themselves: PusherOptions::on_rejected gets them, PusherStats::rejected counts them,
// and the others are accepted. PusherOptions::skip_bad_rows and on_predictions have no effect. The
// other options, and PusherStats, count items as examples.
//
// Threads: as Pusher.
class FeedbackPusher {
 public:
  // As Pusher::Start(). A model without a label rule ends the push with FAILED_PRECONDITION.
  static absl::StatusOr<std::unique_ptr<FeedbackPusher>> Start(const Client& client,
                                                               std::string_view model,
                                                               PusherOptions options);

  // Drops what is not acknowledged; call Close() first to avoid that.
  ~FeedbackPusher();
  FeedbackPusher(const FeedbackPusher&) = delete;
  FeedbackPusher& operator=(const FeedbackPusher&) = delete;

  // Accepts one item. Waits while the window is full. Returns the error that ended the push, if
  // any.
  absl::Status Push(const v1::FeedbackItem& item);
  // Accepts items as one request. With `numbers`, a later FeedbackPusher with the same producer id
  // can go on after the last item that was acknowledged (see Pusher::PushBatch()).
  absl::Status PushBatch(std::span<const v1::FeedbackItem> items, RowNumbers numbers = {});

  // As the methods of Pusher.
  absl::Status Flush();
  absl::StatusOr<bool> FlushFor(std::chrono::milliseconds timeout);
  absl::Status Close();
  PusherStats stats() const;
  absl::Status status() const;
  const std::string& producer_id() const;

 private:
  explicit FeedbackPusher(std::unique_ptr<PushStream> stream);

  const std::unique_ptr<PushStream> stream_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_FEEDBACK_PUSHER_H_
