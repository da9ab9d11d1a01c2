#include "client/feedback_pusher.h"

#include <utility>

#include "client/push_stream.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<FeedbackPusher>> FeedbackPusher::Start(const Client& client,
                                                                      std::string_view model,
                                                                      PusherOptions options) {
  options.on_predictions = nullptr;  // Feedback is not predicted.
  auto stream = PushStream::Start(client, model, std::move(options), PushKind::kFeedback);
  if (!stream.ok()) return stream.status();
  return std::unique_ptr<FeedbackPusher>(new FeedbackPusher(*std::move(stream)));
}

FeedbackPusher::FeedbackPusher(std::unique_ptr<PushStream> stream) : stream_(std::move(stream)) {}
FeedbackPusher::~FeedbackPusher() = default;

absl::Status FeedbackPusher::Push(const v1::FeedbackItem& item) {
  return stream_->queue().PushFeedback(item);
}
absl::Status FeedbackPusher::PushBatch(std::span<const v1::FeedbackItem> items,
                                       RowNumbers numbers) {
  return stream_->queue().PushFeedback(items, numbers);
}
absl::Status FeedbackPusher::Flush() { return stream_->queue().Flush(); }
absl::StatusOr<bool> FeedbackPusher::FlushFor(std::chrono::milliseconds timeout) {
  return stream_->queue().FlushFor(timeout);
}
absl::Status FeedbackPusher::Close() { return stream_->Close(); }
PusherStats FeedbackPusher::stats() const { return stream_->queue().stats(); }
absl::Status FeedbackPusher::status() const { return stream_->queue().status(); }
const std::string& FeedbackPusher::producer_id() const { return stream_->producer_id(); }

}  // namespace freshet
