#include "tests/bench/stream_swarm.h"

#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "client/client.h"
#include "client/resource_names.h"
#include "core/base/str_cat.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "tests/bench/bench_failure.h"
#include "tests/bench/bench_stream.h"

namespace freshet {

// Writes one request at a time: the next once the last is written and few enough are in flight. Its
// callbacks run on gRPC's threads.
class StreamSwarm::Stream : public grpc::ClientBidiReactor<v1::LearnRequest, v1::LearnResponse> {
 public:
  Stream(const std::string& address, const std::string& model, int number,
         const std::vector<v1::LearnRequest>& requests, std::atomic<uint64_t>& acknowledged)
      : requests_(requests),
        acknowledged_(acknowledged),
        next_(static_cast<size_t>(number) % requests.size()),
        client_(Client::Connect({.server = address}).value()),
        stub_(v1::LearningService::NewStub(client_->channel())) {
    request_.set_model(ModelName(model));
    request_.set_producer_id(StrCat("swarm-", number));
    stub_->async()->Learn(&context_, this);
    StartRead(&response_);
    AddHold();  // Writes start outside of callbacks.
    StartCall();
  }

  // Pushes while `in_flight` is above 0, with at least one batch.
  void Start(int in_flight) {
    const absl::MutexLock lock(&mu_);
    in_flight_ = in_flight;
    WriteMore();
  }

  void Stop() {
    const absl::MutexLock lock(&mu_);
    in_flight_ = 0;
  }

  void AwaitAcknowledged() {
    const absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](Stream* stream) ABSL_EXCLUSIVE_LOCKS_REQUIRED(stream->mu_) {
          return stream->sent_.empty() && !stream->writing_;
        },
        this));
  }

  void Close() {
    {
      const absl::MutexLock lock(&mu_);
      closing_ = true;
    }
    StartWritesDone();
    RemoveHold();
    const absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&done_));
  }

  void OnWriteDone(bool ok) override {
    const absl::MutexLock lock(&mu_);
    writing_ = false;
    if (ok) WriteMore();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;  // OnDone() has the reason.
    if (response_.has_error()) FailBench(response_.error().message());
    {
      const absl::MutexLock lock(&mu_);
      for (; !sent_.empty() && sent_.front().sequence <= response_.sequence(); sent_.pop_front()) {
        acknowledged_.fetch_add(sent_.front().examples, std::memory_order_relaxed);
      }
      WriteMore();
    }
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    const absl::MutexLock lock(&mu_);
    if (!closing_) FailBench(StrCat("a stream ended with ", status.error_message()));
    done_ = true;
  }

 private:
  struct Sent {
    uint64_t sequence;
    uint64_t examples;
  };

  void WriteMore() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_ || sent_.size() >= static_cast<size_t>(in_flight_)) return;
    writing_ = true;
    const v1::LearnRequest& batch = requests_[next_];
    next_ = (next_ + 1) % requests_.size();
    *request_.mutable_packed() = batch.packed();
    request_.set_sequence(request_.sequence() + 1);
    sent_.push_back({request_.sequence(), RowCount(batch)});
    StartWrite(&request_);
  }

  const std::vector<v1::LearnRequest>& requests_;
  std::atomic<uint64_t>& acknowledged_;
  size_t next_;
  const std::unique_ptr<Client> client_;
  const std::unique_ptr<v1::LearningService::Stub> stub_;
  grpc::ClientContext context_;
  v1::LearnRequest request_;    // Owned by the write under way.
  v1::LearnResponse response_;  // Owned by the read under way.

  absl::Mutex mu_;
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
  std::deque<Sent> sent_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool closing_ ABSL_GUARDED_BY(mu_) = false;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
};

StreamSwarm::StreamSwarm(const std::string& address, const std::vector<std::string>& models,
                         int count, const std::vector<v1::LearnRequest>& requests) {
  for (int i = 0; i < count; ++i) {
    const std::string& model = models[static_cast<size_t>(i) % models.size()];
    streams_.push_back(std::make_unique<Stream>(address, model, i, requests, acknowledged_));
    // Pushes one batch now: a stream to a model that cannot be opened would otherwise end in the
    // middle of a measurement.
    streams_.back()->Start(1);
    streams_.back()->Stop();
  }
  for (const auto& stream : streams_) stream->AwaitAcknowledged();
}

StreamSwarm::~StreamSwarm() {
  for (const auto& stream : streams_) stream->Close();
}

void StreamSwarm::Start(int in_flight) {
  for (const auto& stream : streams_) stream->Start(in_flight);
}

void StreamSwarm::Stop() {
  for (const auto& stream : streams_) stream->Stop();
  for (const auto& stream : streams_) stream->AwaitAcknowledged();
}

}  // namespace freshet
