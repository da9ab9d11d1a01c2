#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "client/client.h"
#include "client/pusher.h"
#include "tests/bench/bench_stream.h"
#include "tests/bench/learn_load.h"

namespace freshet {
namespace {

constexpr int kDistinctExamples = 20'000;

const std::vector<Example>& TheExamples() {
  static const std::vector<Example>* const examples = [] {
    auto* result = new std::vector<Example>;
    BenchStream stream(7);
    for (int i = 0; i < kDistinctExamples; ++i) result->push_back(stream.NextExample());
    return result;
  }();
  return *examples;
}

void CheckPush(const absl::Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "e2e_bench: %s\n", status.ToString().c_str());
  std::_Exit(1);
}

class PusherLoad : public LearnLoad {
 public:
  PusherLoad(const std::string& address, const std::string& model, int producers,
             int batch_examples) {
    const std::vector<Example>& examples = TheExamples();
    PusherOptions options;
    options.batch_examples = static_cast<size_t>(batch_examples);
    for (int i = 0; i < producers; ++i) {
      const std::unique_ptr<Client> client = Client::Connect({.server = address}).value();
      pushers_.push_back(Pusher::Start(*client, model, options).value());
    }
    for (const auto& pusher : pushers_) {
      threads_.emplace_back([this, &examples, &pusher = *pusher] {
        for (size_t i = 0; !stopping_; ++i) CheckPush(pusher.Push(examples[i % examples.size()]));
        CheckPush(pusher.Close());
      });
    }
  }

  uint64_t acknowledged() const override {
    uint64_t sum = 0;
    for (const auto& pusher : pushers_) sum += pusher->stats().acknowledged;
    return sum;
  }

  std::vector<TimedLatency> Stop() override {
    stopping_ = true;
    for (std::thread& thread : threads_) thread.join();
    return {};
  }

 private:
  std::vector<std::unique_ptr<Pusher>> pushers_;
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> threads_;
};

}  // namespace

std::unique_ptr<LearnLoad> StartPusherLoad(const std::string& address, const std::string& model,
                                           int producers, int batch_examples) {
  return std::make_unique<PusherLoad>(address, model, producers, batch_examples);
}

}  // namespace freshet
