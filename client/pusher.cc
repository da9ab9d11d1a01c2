#include "client/pusher.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "client/backoff.h"
#include "client/call_token.h"
#include "client/packed_encoder.h"
#include "client/push_window.h"
#include "client/resource_names.h"
#include "client/rpc_status.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using Stream = grpc::ClientReaderWriterInterface<v1::LearnRequest, v1::LearnResponse>;

// How long a try waits for the connection; bounds how late the Pusher notices that it is to end.
constexpr milliseconds kConnectionWait(200);

// What a server says with its first answer: how many names of features each model keeps.
constexpr const char* kMaxNamesMetadata = "freshet-max-names";

// A server does not keep a client waiting for longer.
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

// How long the server asks to wait with the end of a call; 0 where it does not.
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

size_t WireBytes(const ExampleBatchBuilder& batch) {
  return batch.row_count() * 2 * sizeof(float) +
         batch.feature_count() * (batch.all_values_one() ? 1 : 2) * sizeof(uint32_t);
}

}  // namespace

// Two threads: Run() opens streams, sends and backs off; ReadResponses() receives on one stream.
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
        window_(options_.on_predictions != nullptr),
        open_(std::make_unique<ExampleBatchBuilder>()),
        sender_([this] { Run(); }) {}

  ~Impl() {
    {
      const std::lock_guard lock(mu_);
      cancelled_ = true;
      if (status_.ok()) status_ = absl::CancelledError("the Pusher was destroyed");
      if (context_ != nullptr) context_->TryCancel();
      WakeAll();
    }
    if (sender_.joinable()) sender_.join();
  }

  absl::Status Push(const Example& example) {
    std::unique_lock lock(mu_);
    if (absl::Status status = WaitForRoom(lock); !status.ok()) return status;
    open_->KeepNames(&names_);
    example.AppendTo(open_.get());
    ++pushed_;
    if (open_->row_count() == 1) {
      open_until_ = Clock::now() + milliseconds(options_.linger_ms);
      work_.notify_one();
    }
    if (IsFull(*open_, options_.batch_examples)) SealOpenBatch();
    return absl::OkStatus();
  }

  absl::Status PushBatch(const ExampleBatchBuilder& batch) {
    if (batch.row_count() == 0) return status();
    std::shared_ptr<PendingBatch> pending;
    {
      const std::lock_guard lock(mu_);
      pending = window_.NewBatch();
    }
    EncodePackedBatch(batch, PackedLabels::kKeep, pending->request.mutable_packed());
    EncodeNames(batch.namespaces(), batch.names(), pending.get());
    pending->row_count = batch.row_count();
    pending->bytes = WireBytes(batch);
    std::unique_lock lock(mu_);
    if (absl::Status status = WaitForRoom(lock); !status.ok()) return status;
    SealOpenBatch();
    pending->first_index = pushed_;
    pushed_ += pending->row_count;
    window_.Add(std::move(pending));
    work_.notify_one();
    return absl::OkStatus();
  }

  absl::Status Flush() {
    std::unique_lock lock(mu_);
    if (!status_.ok()) return status_;
    SealOpenBatch();
    const uint64_t until = pushed_;
    space_.wait(lock, [&] { return !status_.ok() || delivered_ >= until; });
    return status_;
  }

  absl::Status Close() {
    {
      const std::lock_guard lock(mu_);
      if (status_.ok()) SealOpenBatch();
      closing_ = true;
      WakeAll();
    }
    {
      const std::lock_guard lock(join_mu_);
      if (sender_.joinable()) sender_.join();
    }
    return status();
  }

  PusherStats stats() const {
    const std::lock_guard lock(mu_);
    PusherStats stats = stats_;
    stats.pushed = pushed_;
    stats.acknowledged = window_.acknowledged();
    stats.rejected = window_.rejected();
    stats.duplicates = window_.duplicates();
    stats.unacknowledged = Unacknowledged();
    stats.waiting = waiting_count_ > 0;
    return stats;
  }

  absl::Status status() const {
    const std::lock_guard lock(mu_);
    return status_;
  }

  const std::string& producer_id() const { return options_.producer_id; }

 private:
  uint64_t Unacknowledged() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return pushed_ - window_.acknowledged() - window_.rejected();
  }

  bool HasRoom() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return Unacknowledged() < options_.max_unacknowledged_examples &&
           window_.bytes() < options_.max_unacknowledged_bytes;
  }

  void WakeAll() {
    work_.notify_all();
    space_.notify_all();
    written_.notify_all();
  }

  absl::Status WaitForRoom(std::unique_lock<std::mutex>& lock) {
    if (status_.ok() && !closing_ && !HasRoom()) {
      SealOpenBatch();  // Else what is gathered could wait for room that it takes itself.
      ++waiting_count_;
      space_.wait(lock, [&] { return !status_.ok() || closing_ || HasRoom(); });
      --waiting_count_;
    }
    if (!status_.ok()) return status_;
    if (closing_) return absl::FailedPreconditionError("the Pusher is closed");
    return absl::OkStatus();
  }

  void SealOpenBatch() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (open_->row_count() == 0) return;
    std::shared_ptr<PendingBatch> batch = window_.NewBatch();
    batch->row_count = open_->row_count();
    batch->bytes = WireBytes(*open_);
    batch->first_index = pushed_ - batch->row_count;
    EncodeNames(open_->namespaces(), &names_, batch.get());
    batch->builder = std::move(open_);
    open_ = spare_builder_ != nullptr ? std::move(spare_builder_)
                                      : std::make_unique<ExampleBatchBuilder>();
    window_.Add(std::move(batch));
    work_.notify_one();
  }

  // Sends new names of features along with a batch. `names` belongs to the caller, or is null.
  void EncodeNames(std::span<const std::string> namespaces, NewNames* names,
                   PendingBatch* batch) const {
    v1::PackedBatch& packed = *batch->request.mutable_packed();
    if (names == nullptr) {
      packed.clear_names();
      return;
    }
    names->SetLimit(std::min<size_t>(names->limit(), name_limit_));
    freshet::EncodeNames(namespaces, names, &packed);
  }

  // The first error stays. What is in flight may still be acknowledged.
  void Fail(absl::Status status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (status_.ok()) status_ = std::move(status);
    window_.DropUnsent();
    WakeAll();
  }

  void Run();
  bool WaitForWork();
  absl::Status RunStream();
  std::shared_ptr<PendingBatch> NextBatch();
  bool Send(Stream* stream, PendingBatch* batch);
  void ReadResponses(const grpc::ClientContext& context, Stream* stream);
  void ReadNameLimit(const grpc::ClientContext& context);
  void Handle(const v1::LearnResponse& response);
  void Deliver(const std::vector<RejectedRow>& rejected,
               const std::vector<std::shared_ptr<PendingBatch>>& done) const;
  bool BackOff(const absl::Status& status);

  // Constant after construction; PusherOptions' callbacks are called by the reading thread only.
  const std::string server_;
  const std::string token_;
  const std::string model_;
  const PusherOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::LearningService::Stub> stub_;

  // Owned by the sending thread.
  Backoff backoff_;

  // Of each model, as the server says with its first answer.
  std::atomic<size_t> name_limit_{NewNames::kDefaultLimit};

  mutable std::mutex mu_;
  std::condition_variable work_;     // For the sending thread: something to send, or an end.
  std::condition_variable space_;    // For callers: room in the window, things delivered, an end.
  std::condition_variable written_;  // For the reading thread: a write has returned.
  PushWindow window_ ABSL_GUARDED_BY(mu_);
  std::unique_ptr<ExampleBatchBuilder> open_ ABSL_GUARDED_BY(mu_);  // What Push() gathers.
  NewNames names_ ABSL_GUARDED_BY(mu_);                             // Of its features.
  Clock::time_point open_until_ ABSL_GUARDED_BY(mu_);  // When open_ is sent, if it has rows.
  std::unique_ptr<ExampleBatchBuilder> spare_builder_ ABSL_GUARDED_BY(mu_);
  uint64_t pushed_ ABSL_GUARDED_BY(mu_) = 0;     // Examples.
  uint64_t delivered_ ABSL_GUARDED_BY(mu_) = 0;  // Examples done, their callbacks returned.
  int waiting_count_ ABSL_GUARDED_BY(mu_) = 0;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  PusherStats stats_ ABSL_GUARDED_BY(mu_);
  grpc::ClientContext* context_ ABSL_GUARDED_BY(mu_) = nullptr;  // Of the current stream.
  bool stream_ended_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t writing_sequence_ ABSL_GUARDED_BY(mu_) = 0;  // 0: no write is under way.
  bool progress_ ABSL_GUARDED_BY(mu_) = true;           // Since the last failure of a stream.
  milliseconds retry_after_ ABSL_GUARDED_BY(mu_){0};    // What the server asked for with it.
  Clock::time_point failing_since_ ABSL_GUARDED_BY(mu_);

  std::mutex join_mu_;  // Held to join sender_.
  std::thread sender_;  // The last member: it uses the others from the start.
};

void Pusher::Impl::Run() {
  while (WaitForWork()) {
    const absl::Status status = RunStream();
    if (status.ok()) continue;
    if (!BackOff(status)) return;
    // A connection that is being made gets no further while nobody waits for the channel: streams
    // that fail at once do not, and the server may be up again for many seconds unnoticed.
    channel_->WaitForConnected(std::chrono::system_clock::now() + kConnectionWait);
  }
}

// Waits for something to send; false at the end of everything.
bool Pusher::Impl::WaitForWork() {
  std::unique_lock lock(mu_);
  while (!cancelled_ && status_.ok()) {
    // What is gathered lingers in RunStream().
    if (!window_.empty() || open_->row_count() > 0) return true;
    if (closing_) return false;
    work_.wait(lock);
    failing_since_ = Clock::now();  // Time without anything to send does not count.
  }
  return false;
}

absl::Status Pusher::Impl::RunStream() {
  grpc::ClientContext context;
  AddCallToken(token_, &context);
  std::unique_ptr<Stream> stream = stub_->Learn(&context);
  {
    const std::lock_guard lock(mu_);
    context_ = &context;
    stream_ended_ = false;
    window_.StartStream();
    if (cancelled_) context.TryCancel();
  }
  std::thread reader([this, &context, &stream] { ReadResponses(context, stream.get()); });
  while (const std::shared_ptr<PendingBatch> batch = NextBatch()) {
    if (!Send(stream.get(), batch.get())) break;
  }
  stream->WritesDone();
  reader.join();
  const grpc::Status result = stream->Finish();
  const std::lock_guard lock(mu_);
  context_ = nullptr;
  retry_after_ = RetryAfter(context);
  if (!result.ok()) return FromRpcStatus(result, server_);
  if (window_.in_flight_empty()) return absl::OkStatus();
  return absl::UnavailableError(StrCat(server_, " ended the stream"));
}

// The next batch for the current stream, waited for; null where the stream is to end.
std::shared_ptr<PendingBatch> Pusher::Impl::NextBatch() {
  std::unique_lock lock(mu_);
  while (true) {
    if (cancelled_ || stream_ended_ || !status_.ok()) return nullptr;
    if (!window_.HasNextToSend() && open_->row_count() > 0 &&
        (closing_ || Clock::now() >= open_until_)) {
      SealOpenBatch();
    }
    if (window_.HasNextToSend()) {
      std::shared_ptr<PendingBatch> batch = window_.NextToSend();
      writing_sequence_ = batch->sequence;
      return batch;
    }
    // Rows left over from a rejected batch, if any, get a stream of their own.
    if (closing_) return nullptr;
    if (open_->row_count() > 0) {
      work_.wait_until(lock, open_until_);
    } else {
      work_.wait(lock);
    }
  }
}

// False where the stream is broken.
bool Pusher::Impl::Send(Stream* stream, PendingBatch* batch) {
  std::unique_ptr<ExampleBatchBuilder> used_builder = std::move(batch->builder);
  if (used_builder != nullptr) {
    EncodePackedBatch(*used_builder, PackedLabels::kKeep, batch->request.mutable_packed());
    used_builder->Clear();
  }
  v1::LearnRequest& request = batch->request;
  request.set_model(model_);
  request.set_producer_id(options_.producer_id);
  request.set_sequence(batch->sequence);
  request.set_return_predictions(options_.on_predictions != nullptr);
  const auto rows = static_cast<uint64_t>(request.packed().labels_size());
  const bool again = batch->send_count > 0;
  const bool ok = stream->Write(request);
  const std::lock_guard lock(mu_);
  if (used_builder != nullptr) spare_builder_ = std::move(used_builder);
  if (ok) {
    ++batch->send_count;
    stats_.sent_bytes += static_cast<size_t>(request.GetCachedSize());  // As Write() counted it.
    if (again) stats_.resent += rows;
  }
  writing_sequence_ = 0;
  written_.notify_all();
  return ok;
}

void Pusher::Impl::ReadResponses(const grpc::ClientContext& context, Stream* stream) {
  v1::LearnResponse response;
  for (bool first = true; stream->Read(&response); first = false) {
    if (first) ReadNameLimit(context);
    Handle(response);
  }
  const std::lock_guard lock(mu_);
  stream_ended_ = true;
  work_.notify_all();
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
  name_limit_ = limit;
}

void Pusher::Impl::Handle(const v1::LearnResponse& response) {
  std::vector<RejectedRow> rejected;
  std::vector<std::shared_ptr<PendingBatch>> done;
  {
    std::unique_lock lock(mu_);
    // An answer may overtake the return of its write, which still holds the batch.
    written_.wait(lock, [&] {
      return cancelled_ || writing_sequence_ == 0 || writing_sequence_ > response.sequence();
    });
    if (cancelled_) return;
    if (!progress_) ++stats_.reconnects;
    progress_ = true;
    stats_.connected = true;
    stats_.offset = std::max(stats_.offset, response.offset());
    if (response.has_error()) {
      absl::Status status = window_.Reject(response, options_.skip_bad_rows, &rejected);
      if (!status.ok()) Fail(std::move(status));
    } else {
      window_.Acknowledge(response);
    }
    done = window_.TakeDone();
  }
  Deliver(rejected, done);
  const std::lock_guard lock(mu_);
  for (std::shared_ptr<PendingBatch>& batch : done) {
    delivered_ = batch->first_index + batch->row_count;
    window_.Recycle(std::move(batch));
  }
  space_.notify_all();
  work_.notify_one();
}

void Pusher::Impl::Deliver(const std::vector<RejectedRow>& rejected,
                           const std::vector<std::shared_ptr<PendingBatch>>& done) const {
  if (options_.on_rejected != nullptr) {
    for (const RejectedRow& row : rejected) options_.on_rejected(row);
  }
  if (options_.on_predictions == nullptr) return;
  for (const std::shared_ptr<PendingBatch>& batch : done) {
    options_.on_predictions({batch->first_index, batch->predictions, batch->scores});
  }
}

// Waits before the next try; false where there is to be none.
bool Pusher::Impl::BackOff(const absl::Status& status) {
  std::unique_lock lock(mu_);
  stats_.connected = false;
  if (cancelled_ || !status_.ok()) return false;
  const Clock::time_point now = Clock::now();
  if (progress_) {
    progress_ = false;
    failing_since_ = now;
    backoff_.Reset();
  }
  const auto tried = std::chrono::duration_cast<milliseconds>(now - failing_since_);
  if (!IsTransient(status)) {
    Fail(status);
    return false;
  }
  if (tried.count() >= options_.retry_deadline_ms) {
    if (options_.retry_deadline_ms == 0) {
      Fail(status);
    } else {
      Fail({status.code(), ToAbsl(StrCat(ToStd(status.message()), "; gave up after ",
                                         tried.count() / 1000, " s"))});
    }
    return false;
  }
  const Clock::time_point until =
      std::min(now + std::max(backoff_.Next(), retry_after_),
               failing_since_ + milliseconds(options_.retry_deadline_ms));
  work_.wait_until(lock, until, [&] { return cancelled_ || !status_.ok(); });
  return !cancelled_ && status_.ok();
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

absl::Status Pusher::Push(const Example& example) { return impl_->Push(example); }
absl::Status Pusher::PushBatch(const ExampleBatchBuilder& batch) { return impl_->PushBatch(batch); }
absl::Status Pusher::Flush() { return impl_->Flush(); }
absl::Status Pusher::Close() { return impl_->Close(); }
PusherStats Pusher::stats() const { return impl_->stats(); }
absl::Status Pusher::status() const { return impl_->status(); }
const std::string& Pusher::producer_id() const { return impl_->producer_id(); }

}  // namespace freshet
