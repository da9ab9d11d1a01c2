#include "tests/e2e/producer.h"

#include <random>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/support/random_examples.h"

namespace freshet {
namespace {

// The pause between batches: long enough for records to be acknowledged soon, and for the log to
// stay small.
constexpr absl::Duration kPace = absl::Milliseconds(2);

std::unique_ptr<Pusher> StartPusher(const Client& client, const std::string& model) {
  PusherOptions options;
  options.max_unacknowledged_examples = 2000;
  options.initial_backoff_ms = 5;
  options.max_backoff_ms = 50;
  options.retry_deadline_ms = 60'000;
  return Pusher::Start(client, model, options).value();
}

}  // namespace

Producer::Producer(const Client& client, std::string model, uint32_t seed)
    : model_(std::move(model)),
      seed_(seed),
      pusher_(StartPusher(client, model_)),
      thread_([this] { Run(); }) {}

Producer::~Producer() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void Producer::Run() {
  RandomExamples examples(seed_);
  std::mt19937 sizes(seed_);
  ExampleBatchBuilder batch;
  while (!stopping_) {
    batch.Clear();
    examples.Append(1 + static_cast<int>(sizes() % 32), batch);
    if (!pusher_->PushBatch(batch).ok()) return;
    absl::SleepFor(kPace);
  }
}

absl::Status Producer::Stop() {
  stopping_ = true;
  thread_.join();
  return pusher_->Close();
}

}  // namespace freshet
