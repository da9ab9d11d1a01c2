#include "client/pusher.h"

#include <utility>

#include "client/push_stream.h"

namespace freshet {

absl::StatusOr<std::unique_ptr<Pusher>> Pusher::Start(const Client& client, std::string_view model,
                                                      PusherOptions options) {
  auto stream = PushStream::Start(client, model, std::move(options), PushKind::kExamples);
  if (!stream.ok()) return stream.status();
  return std::unique_ptr<Pusher>(new Pusher(*std::move(stream)));
}

Pusher::Pusher(std::unique_ptr<PushStream> stream) : stream_(std::move(stream)) {}
Pusher::~Pusher() = default;

absl::Status Pusher::Push(const Example& example) { return stream_->queue().Push(example); }
absl::Status Pusher::PushEvent(const Example& example, std::string_view event_id,
                               std::optional<int64_t> time_ms) {
  return stream_->queue().PushEvent(example, event_id, time_ms);
}
absl::Status Pusher::PushBatch(const ExampleBatchBuilder& batch) {
  return stream_->queue().PushBatch(batch);
}
absl::Status Pusher::PushBatch(const ExampleBatchBuilder& batch, RowNumbers numbers,
                               EventColumns events) {
  return stream_->queue().PushBatch(batch, numbers, events);
}
absl::Status Pusher::Flush() { return stream_->queue().Flush(); }
absl::StatusOr<bool> Pusher::FlushFor(std::chrono::milliseconds timeout) {
  return stream_->queue().FlushFor(timeout);
}
bool Pusher::WaitForRoom(std::chrono::milliseconds timeout) {
  return stream_->queue().WaitForRoom(timeout);
}
absl::Status Pusher::Close() { return stream_->Close(); }
PusherStats Pusher::stats() const { return stream_->queue().stats(); }
absl::Status Pusher::status() const { return stream_->queue().status(); }
const std::string& Pusher::producer_id() const { return stream_->producer_id(); }

}  // namespace freshet
