#include "client/pusher.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "client/backoff.h"
#include "client/call_token.h"
#include "client/packed_encoder.h"
#include "client/push_queue.h"
#include "client/resource_names.h"
#include "client/rpc_status.h"
#include "core/base/str_cat.h"
#include "core/thread/steady_mutex.h"

namespace freshet {
namespace {

using Clock = PushQueue::Clock;
using std::chrono::milliseconds;
using Stream = grpc::ClientReaderWriterInterface<v1::LearnRequest, v1::LearnResponse>;

// How long a retry waits for the connection. The Pusher may notice this late that it should end.
constexpr milliseconds kConnectionWait(200);

// The initial metadata in which a server says how many names of features each model keeps.
constexpr const char* kMaxNamesMetadata = "freshet-max-names";

// The longest wait that a server can ask for.
constexpr int64_t kMaxRetryAfterMs = 60'000;

uint64_t RandomWord() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

std::string RandomProducerId() {
  std::string id;
  for (int i = 0; i < 2; ++i) absl::StrAppend(&id, absl::Hex(RandomWord(), absl::kZeroPad16));
  return id;
}

bool IsProducerId(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return id.size() <= 64 && std::all_of(id.begin(), id.end(), allowed);
}

absl::Status CheckOptions(const PusherOptions& options) {
  const auto bad = [](std::string_view name, auto value, std::string_view allowed) {
    return absl::InvalidArgumentError(StrCat(name, " is ", value, "; it must be ", allowed));
  };
  if (!IsProducerId(options.producer_id)) {
    return bad("producer_id", StrCat("'", options.producer_id, "'"),
               "at most 64 characters of [A-Za-z0-9._-]");
  }
  if (options.batch_examples < 1 || options.batch_examples > 65'536) {
    return bad("batch_examples", options.batch_examples, "1 to 65536");
  }
  if (options.linger_ms < 0 || options.linger_ms > 60'000) {
    return bad("linger_ms", options.linger_ms, "0 to 60000");
  }
  if (options.max_unacknowledged_examples < 1) {
    return bad("max_unacknowledged_examples", options.max_unacknowledged_examples, "above 0");
  }
  if (options.max_unacknowledged_bytes < 1) {
    return bad("max_unacknowledged_bytes", options.max_unacknowledged_bytes, "above 0");
  }
  if (options.retry_deadline_ms < 0) {
    return bad("retry_deadline_ms", options.retry_deadline_ms, "0 or more");
  }
  if (options.initial_backoff_ms < 1 || options.initial_backoff_ms > options.max_backoff_ms) {
    return bad("initial_backoff_ms", options.initial_backoff_ms, "1 to max_backoff_ms");
  }
  return absl::OkStatus();
}

// How long the server asked to wait before retrying, from the trailing metadata of a call; 0 if it
// did not.
milliseconds RetryAfter(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerTrailingMetadata();
  const auto found = metadata.find("retry-after-ms");
  int64_t ms = 0;
  if (found == metadata.end() ||
      !absl::SimpleAtoi(absl::string_view(found->second.data(), found->second.size()), &ms)) {
    return milliseconds(0);
  }
  return milliseconds(std::clamp<int64_t>(ms, 0, kMaxRetryAfterMs));
}

}  // namespace

// The state of a Pusher and its two threads: one executes Run(), which opens streams, sends and
// backs off; the other executes ReadResponses(), which receives on the current stream.
class Pusher::Impl {
 public:
  Impl(std::shared_ptr<grpc::Channel> channel, const ClientOptions& client, std::string model,
       PusherOptions options)
      : server_(client.server),
        token_(client.token),
        model_(std::move(model)),
        options_(std::move(options)),
        channel_(channel),
        stub_(v1::LearningService::NewStub(channel)),
        backoff_(milliseconds(options_.initial_backoff_ms), milliseconds(options_.max_backoff_ms),
                 RandomWord()),
        queue_(options_),
        sender_([this] { Run(); }) {}

  ~Impl() {
    queue_.Cancel(absl::CancelledError("the Pusher was destroyed"));
    {
      const SteadyLock lock(&context_mu_);
      if (context_ != nullptr) context_->TryCancel();
    }
    Join();
  }

  PushQueue& queue() { return queue_; }
  const std::string& producer_id() const { return options_.producer_id; }

  // Waits for the sending thread to end. That happens only once the queue has been closed or
  // cancelled, or has failed.
  void Join() {
    const SteadyLock lock(&join_mu_);
    if (sender_.joinable()) sender_.join();
  }

 private:
  void Run();
  bool WaitForWork();
  absl::Status RunStream();
  bool Send(Stream* stream, PendingBatch* batch);
  void ReadResponses(const grpc::ClientContext& context, Stream* stream);
  void ReadNameLimit(const grpc::ClientContext& context);
  void Deliver(const PushQueue::Settled& settled) const;
  bool BackOff(const absl::Status& status);
  void SetContext(grpc::ClientContext* context);

  // Constant after construction. The callbacks in options_ are called by the receiving thread only.
  const std::string server_;
  const std::string token_;
  const std::string model_;
  const PusherOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::LearningService::Stub> stub_;

  // Owned by the sending thread.
  Backoff backoff_;
  milliseconds retry_after_{0};  // How long the server asked to wait when it ended the last stream.
  Clock::time_point failing_since_;

  PushQueue queue_;

  SteadyMutex context_mu_;
  // The context of the current stream; null between streams.
  grpc::ClientContext* context_ ABSL_GUARDED_BY(context_mu_) = nullptr;

  SteadyMutex join_mu_;  // Held while joining sender_.
  std::thread sender_;   // Must be the last member: it uses the others as soon as it starts.
};

void Pusher::Impl::Run() {
  while (WaitForWork()) {
    const absl::Status status = RunStream();
    if (status.ok()) continue;
    if (!BackOff(status)) return;
    // Wait for the connection here: a channel makes progress on connecting only while somebody
    // waits for it. Streams that fail at once do not wait, so it could take many seconds to notice
    // that the server is up again.
    channel_->WaitForConnected(std::chrono::system_clock::now() + kConnectionWait);
  }
}

bool Pusher::Impl::WaitForWork() {
  if (queue_.HasWork()) return true;
  const bool more = queue_.WaitForWork();
  failing_since_ = Clock::now();  // Idle time does not count towards retry_deadline_ms.
  return more;
}

absl::Status Pusher::Impl::RunStream() {
  grpc::ClientContext context;
  AddCallToken(token_, &context);
  std::unique_ptr<Stream> stream = stub_->Learn(&context);
  SetContext(&context);
  if (!queue_.BeginStream()) context.TryCancel();
  std::thread reader([this, &context, &stream] { ReadResponses(context, stream.get()); });
  while (const std::shared_ptr<PendingBatch> batch = queue_.NextBatch()) {
    if (!Send(stream.get(), batch.get())) break;
  }
  stream->WritesDone();
  reader.join();
  const grpc::Status result = stream->Finish();
  SetContext(nullptr);
  retry_after_ = RetryAfter(context);
  if (!result.ok()) return FromRpcStatus(result, server_);
  if (queue_.AllAnswered()) return absl::OkStatus();
  return absl::UnavailableError(StrCat(server_, " ended the stream"));
}

void Pusher::Impl::SetContext(grpc::ClientContext* context) {
  const SteadyLock lock(&context_mu_);
  context_ = context;
}

// Encodes the batch, unless that was done before, and writes it. Returns false if the stream is
// broken.
bool Pusher::Impl::Send(Stream* stream, PendingBatch* batch) {
  v1::LearnRequest& request = batch->request;
  if (batch->builder != nullptr) {
    EncodePackedBatch(*batch->builder, PackedLabels::kKeep, request.mutable_packed());
  }
  request.set_model(model_);
  request.set_producer_id(options_.producer_id);
  request.set_sequence(batch->sequence);
  request.set_first_sequence(batch->numbers.first);
  request.set_return_predictions(options_.on_predictions != nullptr);
  const bool ok = stream->Write(request);
  queue_.EndWrite(batch, ok);
  return ok;
}

void Pusher::Impl::ReadResponses(const grpc::ClientContext& context, Stream* stream) {
  v1::LearnResponse response;
  for (bool first = true; stream->Read(&response); first = false) {
    if (first) ReadNameLimit(context);
    if (std::optional<PushQueue::Settled> settled = queue_.Apply(response)) {
      Deliver(*settled);
      queue_.Delivered(*std::move(settled));
    }
  }
  queue_.EndStream();
}

void Pusher::Impl::ReadNameLimit(const grpc::ClientContext& context) {
  const auto& metadata = context.GetServerInitialMetadata();
  const auto found = metadata.find(kMaxNamesMetadata);
  uint32_t limit = 0;
  if (found == metadata.end() ||
      !absl::SimpleAtoi(ToAbsl(std::string_view(found->second.data(), found->second.size())),
                        &limit)) {
    return;
  }
  queue_.SetNameLimit(limit);
}

void Pusher::Impl::Deliver(const PushQueue::Settled& settled) const {
  if (options_.on_rejected != nullptr) {
    for (const RejectedRow& row : settled.rejected) options_.on_rejected(row);
  }
  if (options_.on_predictions == nullptr) return;
  for (const std::shared_ptr<PendingBatch>& batch : settled.done) {
    options_.on_predictions({batch->first_index, batch->predictions, batch->scores});
  }
}

// Waits before the next retry. Returns false, and ends the queue, if there should be no retry.
bool Pusher::Impl::BackOff(const absl::Status& status) {
  const Clock::time_point now = Clock::now();
  if (queue_.Disconnected()) {
    failing_since_ = now;
    backoff_.Reset();
  }
  const auto tried = std::chrono::duration_cast<milliseconds>(now - failing_since_);
  if (!IsTransient(status) || options_.retry_deadline_ms == 0) {
    queue_.Fail(status);
    return false;
  }
  if (tried.count() >= options_.retry_deadline_ms) {
    queue_.Fail({status.code(), ToAbsl(StrCat(ToStd(status.message()), "; gave up after ",
                                              tried.count() / 1000, " s"))});
    return false;
  }
  return queue_.WaitUntil(std::min(now + std::max(backoff_.Next(), retry_after_),
                                   failing_since_ + milliseconds(options_.retry_deadline_ms)));
}

absl::StatusOr<std::unique_ptr<Pusher>> Pusher::Start(const Client& client, std::string_view model,
                                                      PusherOptions options) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  if (options.producer_id.empty()) options.producer_id = RandomProducerId();
  auto impl = std::make_unique<Impl>(client.channel(), client.options(), ModelName(model),
                                     std::move(options));
  return std::unique_ptr<Pusher>(new Pusher(std::move(impl)));
}

Pusher::Pusher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Pusher::~Pusher() = default;

absl::Status Pusher::Push(const Example& example) { return impl_->queue().Push(example); }
absl::Status Pusher::PushBatch(const ExampleBatchBuilder& batch) {
  return impl_->queue().PushBatch(batch);
}
absl::Status Pusher::PushBatch(const ExampleBatchBuilder& batch, RowNumbers numbers) {
  return impl_->queue().PushBatch(batch, numbers);
}
absl::Status Pusher::Flush() { return impl_->queue().Flush(); }
absl::Status Pusher::Close() {
  impl_->queue().Close();
  impl_->Join();
  return impl_->queue().status();
}
PusherStats Pusher::stats() const { return impl_->queue().stats(); }
absl::Status Pusher::status() const { return impl_->queue().status(); }
const std::string& Pusher::producer_id() const { return impl_->producer_id(); }

}  // namespace freshet
