#include "client/push_stream.h"

#include <algorithm>
#include <random>
#include <utility>

#include "absl/strings/numbers.h"
#include "client/call_token.h"
#include "client/packed_encoder.h"
#include "client/resource_names.h"
#include "client/rpc_status.h"
#include "core/base/str_cat.h"

namespace freshet {
namespace {

using Clock = PushQueue::Clock;
using std::chrono::milliseconds;

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

// What the calls of both kinds have in common.
template <typename Request, typename Response>
class StreamCall : public PushCall {
 public:
  using Stream = std::unique_ptr<grpc::ClientReaderWriter<Request, Response>>;

  StreamCall(Stream stream, const std::string& model, const std::string& producer_id)
      : stream_(std::move(stream)), model_(model), producer_id_(producer_id) {}

  bool Read() override { return stream_->Read(&response_); }
  std::optional<PushQueue::Settled> Apply(PushQueue* queue) const override {
    return queue->Apply(response_);
  }
  void WritesDone() override { stream_->WritesDone(); }
  grpc::Status Finish() override { return stream_->Finish(); }

 protected:
  bool WriteNumbered(const PendingBatch& batch, Request& request) {
    request.set_model(model_);
    request.set_producer_id(producer_id_);
    request.set_sequence(batch.sequence);
    request.set_first_sequence(batch.numbers.first);
    return stream_->Write(request);
  }

 private:
  const Stream stream_;
  const std::string& model_;
  const std::string& producer_id_;
  Response response_;  // Used by the receiving thread.
};

class LearnCall : public StreamCall<v1::LearnRequest, v1::LearnResponse> {
 public:
  LearnCall(Stream stream, const std::string& model, const std::string& producer_id,
            bool return_predictions)
      : StreamCall(std::move(stream), model, producer_id),
        return_predictions_(return_predictions) {}

  bool Write(PendingBatch* batch) override {
    v1::LearnRequest& request = batch->request;
    if (batch->builder != nullptr) {
      EncodePackedBatch(*batch->builder, PackedLabels::kKeep, request.mutable_packed());
    }
    request.set_return_predictions(return_predictions_);
    return WriteNumbered(*batch, request);
  }

 private:
  const bool return_predictions_;
};

class FeedbackCall : public StreamCall<v1::FeedbackRequest, v1::FeedbackResponse> {
 public:
  using StreamCall::StreamCall;

  bool Write(PendingBatch* batch) override { return WriteNumbered(*batch, batch->feedback); }
};

}  // namespace

absl::StatusOr<std::unique_ptr<PushStream>> PushStream::Start(const Client& client,
                                                              std::string_view model,
                                                              PusherOptions options,
                                                              PushKind kind) {
  if (absl::Status status = CheckOptions(options); !status.ok()) return status;
  if (options.producer_id.empty()) options.producer_id = RandomProducerId();
  return std::unique_ptr<PushStream>(new PushStream(client.channel(), client.options(),
                                                    ModelName(model), std::move(options), kind));
}

PushStream::PushStream(const std::shared_ptr<grpc::Channel>& channel, const ClientOptions& client,
                       std::string model, PusherOptions options, PushKind kind)
    : server_(client.server),
      token_(client.token),
      model_(std::move(model)),
      options_(std::move(options)),
      kind_(kind),
      channel_(channel),
      stub_(v1::LearningService::NewStub(channel)),
      backoff_(milliseconds(options_.initial_backoff_ms), milliseconds(options_.max_backoff_ms),
               RandomWord()),
      queue_(options_),
      sender_([this] { Run(); }) {}

PushStream::~PushStream() {
  queue_.Cancel(absl::CancelledError("the Pusher was destroyed"));
  {
    const SteadyLock lock(&context_mu_);
    if (context_ != nullptr) context_->TryCancel();
  }
  Join();
}

absl::Status PushStream::Close() {
  queue_.Close();
  Join();
  return queue_.status();
}

// Waits for the sending thread to end. That happens only once the queue has been closed or
// cancelled, or has failed.
void PushStream::Join() {
  const SteadyLock lock(&join_mu_);
  if (sender_.joinable()) sender_.join();
}

void PushStream::Run() {
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

bool PushStream::WaitForWork() {
  if (queue_.HasWork()) return true;
  const bool more = queue_.WaitForWork();
  failing_since_ = Clock::now();  // Idle time does not count towards retry_deadline_ms.
  return more;
}

absl::Status PushStream::RunStream() {
  grpc::ClientContext context;
  AddCallToken(token_, &context);
  const std::unique_ptr<PushCall> call = Open(&context);
  SetContext(&context);
  if (!queue_.BeginStream()) context.TryCancel();
  std::thread reader([this, &context, &call] { ReadResponses(context, call.get()); });
  while (const std::shared_ptr<PendingBatch> batch = queue_.NextBatch()) {
    const bool ok = call->Write(batch.get());
    queue_.EndWrite(batch.get(), ok);
    if (!ok) break;
  }
  call->WritesDone();
  reader.join();
  const grpc::Status result = call->Finish();
  SetContext(nullptr);
  retry_after_ = RetryAfter(context);
  if (!result.ok()) return FromRpcStatus(result, server_);
  if (queue_.AllAnswered()) return absl::OkStatus();
  return absl::UnavailableError(StrCat(server_, " ended the stream"));
}

void PushStream::SetContext(grpc::ClientContext* context) {
  const SteadyLock lock(&context_mu_);
  context_ = context;
}

std::unique_ptr<PushCall> PushStream::Open(grpc::ClientContext* context) const {
  const std::string& producer_id = options_.producer_id;
  if (kind_ == PushKind::kFeedback) {
    return std::make_unique<FeedbackCall>(stub_->Feedback(context), model_, producer_id);
  }
  return std::make_unique<LearnCall>(stub_->Learn(context), model_, producer_id,
                                     options_.on_predictions != nullptr);
}

void PushStream::ReadResponses(const grpc::ClientContext& context, PushCall* call) {
  for (bool first = true; call->Read(); first = false) {
    if (first) ReadNameLimit(context);
    if (std::optional<PushQueue::Settled> settled = call->Apply(&queue_)) {
      Deliver(*settled);
      queue_.Delivered(*std::move(settled));
    }
  }
  queue_.EndStream();
}

void PushStream::ReadNameLimit(const grpc::ClientContext& context) {
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

void PushStream::Deliver(const PushQueue::Settled& settled) const {
  if (options_.on_rejected != nullptr) {
    for (const RejectedRow& row : settled.rejected) options_.on_rejected(row);
  }
  if (options_.on_predictions == nullptr) return;
  for (const std::shared_ptr<PendingBatch>& batch : settled.done) {
    options_.on_predictions({batch->first_index, batch->predictions, batch->scores});
  }
}

// Waits before the next retry. Returns false, and ends the queue, if there should be no retry.
bool PushStream::BackOff(const absl::Status& status) {
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

}  // namespace freshet
