#include <atomic>
#include <deque>
#include <thread>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "client/client.h"
#include "client/resource_names.h"
#include "core/base/str_cat.h"
#include "core/thread/steady_mutex.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "tests/bench/bench_failure.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/learn_load.h"

namespace freshet {
namespace {

// One Learn stream with a thread that writes and one that reads.
class RawProducer {
 public:
  // Sends the requests at the indices first, first + stride, ...
  RawProducer(const std::string& address, const std::string& model,
              std::vector<v1::LearnRequest>& requests, size_t first, size_t stride,
              size_t window_examples, EventIds* event_ids)
      : model_(ModelName(model)),
        requests_(requests),
        first_(first),
        stride_(stride),
        window_examples_(window_examples),
        event_ids_(event_ids),
        client_(Client::Connect({.server = address}).value()),
        stream_(v1::LearningService::NewStub(client_->channel())->Learn(&context_)),
        writer_([this] { Write(); }),
        reader_([this] { Read(); }) {}

  ~RawProducer() {
    if (writer_.joinable()) Stop();
  }

  uint64_t acknowledged() const { return acknowledged_.load(std::memory_order_relaxed); }

  std::vector<TimedLatency> Stop() {
    stopping_ = true;
    writer_.join();
    reader_.join();
    return std::move(latencies_);
  }

 private:
  struct Sent {
    uint64_t sequence;
    size_t examples;
    BenchClock::time_point at;
  };

  void Write();
  void Read();
  void AwaitRoom(const Sent& next);

  const std::string model_;
  std::vector<v1::LearnRequest>& requests_;
  const size_t first_;
  const size_t stride_;
  const size_t window_examples_;
  EventIds* const event_ids_;  // Null: the examples have labels.
  const std::unique_ptr<Client> client_;
  grpc::ClientContext context_;
  const std::unique_ptr<grpc::ClientReaderWriterInterface<v1::LearnRequest, v1::LearnResponse>>
      stream_;

  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> acknowledged_{0};
  std::vector<TimedLatency> latencies_;  // Owned by the reader until it ends.

  SteadyMutex mu_;
  SteadyCondition room_;
  std::deque<Sent> in_flight_ ABSL_GUARDED_BY(mu_);
  size_t in_flight_examples_ ABSL_GUARDED_BY(mu_) = 0;
  bool broken_ ABSL_GUARDED_BY(mu_) = false;  // The stream ended.

  std::thread writer_;
  std::thread reader_;
};

void RawProducer::AwaitRoom(const Sent& next) {
  const SteadyLock lock(&mu_);
  while (!broken_ && !in_flight_.empty() &&
         in_flight_examples_ + next.examples > window_examples_) {
    room_.Wait(mu_);
  }
  in_flight_examples_ += next.examples;
  in_flight_.push_back(next);
  in_flight_.back().at = BenchClock::now();
}

void RawProducer::Write() {
  static std::atomic<int> producer_count{0};
  const std::string id = StrCat("bench-", ++producer_count);
  uint64_t sequence = 0;
  for (size_t i = first_; !stopping_; i = i + stride_ < requests_.size() ? i + stride_ : first_) {
    v1::LearnRequest& request = requests_[i];
    request.set_model(model_);
    request.set_producer_id(id);
    request.set_sequence(++sequence);
    if (event_ids_ != nullptr) event_ids_->Renew(*request.mutable_event_ids());
    AwaitRoom({sequence, RowCount(request), {}});
    if (!stream_->Write(request)) break;
  }
  stream_->WritesDone();
}

void RawProducer::Read() {
  v1::LearnResponse response;
  while (stream_->Read(&response)) {
    if (response.has_error()) FailBench(response.error().message());
    const BenchClock::time_point now = BenchClock::now();
    uint64_t examples = 0;
    {
      const SteadyLock lock(&mu_);
      while (!in_flight_.empty() && in_flight_.front().sequence <= response.sequence()) {
        examples += in_flight_.front().examples;
        latencies_.push_back({in_flight_.front().at, now});
        in_flight_.pop_front();
      }
      in_flight_examples_ -= examples;
    }
    room_.NotifyOne();
    acknowledged_.fetch_add(examples, std::memory_order_relaxed);
  }
  {
    const SteadyLock lock(&mu_);
    broken_ = true;
  }
  room_.NotifyOne();
  const grpc::Status status = stream_->Finish();
  if (!status.ok()) FailBench(StrCat("a stream ended with ", status.error_message()));
}

class RawLoad : public LearnLoad {
 public:
  RawLoad(const std::string& address, const std::string& model, int producers,
          std::vector<v1::LearnRequest>& requests, size_t window_examples, EventIds* event_ids) {
    const auto count = static_cast<size_t>(producers);
    for (size_t i = 0; i < count; ++i) {
      producers_.push_back(std::make_unique<RawProducer>(address, model, requests, i, count,
                                                         window_examples, event_ids));
    }
  }

  uint64_t acknowledged() const override {
    uint64_t sum = 0;
    for (const auto& producer : producers_) sum += producer->acknowledged();
    return sum;
  }

  std::vector<TimedLatency> Stop() override {
    std::vector<TimedLatency> all;
    for (const auto& producer : producers_) {
      const std::vector<TimedLatency> latencies = producer->Stop();
      all.insert(all.end(), latencies.begin(), latencies.end());
    }
    return all;
  }

 private:
  std::vector<std::unique_ptr<RawProducer>> producers_;
};

}  // namespace

std::unique_ptr<LearnLoad> StartRawLoad(const std::string& address, const std::string& model,
                                        int producers, std::vector<v1::LearnRequest>& requests,
                                        size_t window_examples, EventIds* event_ids) {
  return std::make_unique<RawLoad>(address, model, producers, requests, window_examples, event_ids);
}

}  // namespace freshet
