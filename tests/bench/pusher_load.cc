#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/pusher.h"
#include "tests/bench/bench_failure.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/learn_load.h"

namespace freshet {
namespace {

constexpr int kDistinctExamples = 20'000;

const std::vector<Example>& TheExamples() {
  static const std::vector<Example>* const kExamples = [] {
    auto* result = new std::vector<Example>;
    BenchStream stream(7);
    for (int i = 0; i < kDistinctExamples; ++i) result->push_back(stream.NextExample());
    return result;
  }();
  return *kExamples;
}

void CheckPush(const absl::Status& status) {
  if (!status.ok()) FailBench(status.ToString());
}

// A pusher with a thread that pushes example by example.
class TimedPusher {
 public:
  TimedPusher(const std::string& address, const std::string& model, int batch_examples)
      : marked_examples_(std::max<uint64_t>(static_cast<uint64_t>(batch_examples), 64)) {
    PusherOptions options;
    options.batch_examples = static_cast<size_t>(batch_examples);
    const std::unique_ptr<Client> client = Client::Connect({.server = address}).value();
    pusher_ = Pusher::Start(*client, model, options).value();
    thread_ = std::thread([this] { Push(); });
  }

  uint64_t acknowledged() const { return pusher_->stats().acknowledged; }

  std::vector<TimedLatency> Stop() {
    stopping_ = true;
    thread_.join();
    return std::move(latencies_);
  }

 private:
  struct Mark {
    uint64_t index;
    BenchClock::time_point pushed;
  };

  void Push() {
    const std::vector<Example>& examples = TheExamples();
    for (uint64_t i = 0; !stopping_; ++i) {
      if (i % marked_examples_ == 0) {
        TakeAcknowledged();
        marks_.push_back({i, BenchClock::now()});
      }
      CheckPush(pusher_->Push(examples[i % examples.size()]));
    }
    CheckPush(pusher_->Close());
    TakeAcknowledged();
  }

  // Times only marked examples: asking after every example would cost more than pushing it.
  void TakeAcknowledged() {
    const uint64_t acknowledged = pusher_->stats().acknowledged;
    const BenchClock::time_point now = BenchClock::now();
    for (; !marks_.empty() && marks_.front().index < acknowledged; marks_.pop_front()) {
      latencies_.push_back({marks_.front().pushed, now});
    }
  }

  const uint64_t marked_examples_;  // The first of every so many examples is timed.
  std::unique_ptr<Pusher> pusher_;
  std::atomic<bool> stopping_{false};

  // Owned by the thread until it ends.
  std::deque<Mark> marks_;  // Not acknowledged yet.
  std::vector<TimedLatency> latencies_;

  std::thread thread_;
};

class PusherLoad : public LearnLoad {
 public:
  PusherLoad(const std::string& address, const std::string& model, int producers,
             int batch_examples) {
    TheExamples();
    for (int i = 0; i < producers; ++i) {
      pushers_.push_back(std::make_unique<TimedPusher>(address, model, batch_examples));
    }
  }

  uint64_t acknowledged() const override {
    uint64_t sum = 0;
    for (const auto& pusher : pushers_) sum += pusher->acknowledged();
    return sum;
  }

  std::vector<TimedLatency> Stop() override {
    std::vector<TimedLatency> all;
    for (const auto& pusher : pushers_) {
      const std::vector<TimedLatency> latencies = pusher->Stop();
      all.insert(all.end(), latencies.begin(), latencies.end());
    }
    return all;
  }

 private:
  std::vector<std::unique_ptr<TimedPusher>> pushers_;
};

}  // namespace

std::unique_ptr<LearnLoad> StartPusherLoad(const std::string& address, const std::string& model,
                                           int producers, int batch_examples) {
  return std::make_unique<PusherLoad>(address, model, producers, batch_examples);
}

}  // namespace freshet
