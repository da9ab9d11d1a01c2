#include "tests/e2e/stop_fixture.h"

#include <csignal>
#include <cstdlib>
#include <utility>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "core/base/str_cat.h"
#include "tests/support/random_examples.h"

namespace freshet {
namespace {

constexpr absl::Duration kStopPatience = absl::Seconds(60);
constexpr absl::Duration kStopPollInterval = absl::Milliseconds(2);

// Features of a row of which a slow model makes so many by three that a batch takes about a tenth
// of a second. ThreadSanitizer makes learning some ten times slower.
#ifdef __SANITIZE_THREAD__
constexpr uint32_t kSlowRowFeatures = 28;
#else
constexpr uint32_t kSlowRowFeatures = 60;
#endif

}  // namespace

#ifdef __SANITIZE_THREAD__
// A forced stop leaves threads behind on purpose, and has no second to wait for reports.
StopTest::StopTest() {
  const char* const options = std::getenv("TSAN_OPTIONS");
  environment_.push_back(StrCat("TSAN_OPTIONS=", options == nullptr ? "" : options,
                                ":report_thread_leaks=0:atexit_sleep_ms=0"));
}
#else
StopTest::StopTest() = default;
#endif

Load::Load(const Client& client, std::string model, std::function<void(ExampleBatchBuilder&)> fill,
           size_t max_unacknowledged_examples)
    : model_(std::move(model)),
      pusher_(Pusher::Start(client, model_,
                            {.max_unacknowledged_examples = max_unacknowledged_examples,
                             .retry_deadline_ms = 0})
                  .value()),
      thread_([this, fill = std::move(fill)] {
        ExampleBatchBuilder batch;
        do {
          batch.Clear();
          fill(batch);
        } while (pusher_->PushBatch(batch).ok());
      }) {}

Load::~Load() {
  if (thread_.joinable()) thread_.join();
}

uint64_t Load::Acknowledged() {
  if (thread_.joinable()) thread_.join();
  pusher_->Close().IgnoreError();
  return pusher_->stats().acknowledged;
}

int StopTest::StopCount() {
  const char* text = std::getenv("FRESHET_STOPS");
  return text == nullptr ? 2 : std::atoi(text);
}

void StopTest::Create(const std::string& id, v1::Durability durability, bool slow) const {
  v1::LearnerSpec learner = SmallLearner();
  if (slow) {
    v1::Interaction& triples = *learner.mutable_features()->add_interactions();
    for (int i = 0; i < 3; ++i) triples.add_namespaces("x");
  }
  const auto created = client_->CreateModel(id, learner, durability);
  ASSERT_TRUE(created.ok()) << created.status();
}

void StopTest::FillSlowly(ExampleBatchBuilder& batch) {
  for (int row = 0; row < 20; ++row) {
    batch.BeginRow(static_cast<float>(row % 2), 1.0f);
    for (uint32_t i = 0; i < kSlowRowFeatures; ++i) {
      batch.AddFeature(batch.Namespace("x"), i * 2654435761U, 1.0f);
    }
    batch.EndRow();
  }
}

std::unique_ptr<Load> StopTest::StartSlowLoad(const std::string& model) const {
  // Batches for a few seconds. More would take too long: the next start learns those that were
  // logged.
  constexpr size_t kMaxUnacknowledged = 1500;
  return std::make_unique<Load>(*client_, model, FillSlowly, kMaxUnacknowledged);
}

std::unique_ptr<Load> StopTest::StartLoad(const std::string& model) {
  const auto examples = std::make_shared<RandomExamples>(static_cast<uint32_t>(random_()));
  return std::make_unique<Load>(
      *client_, model, [examples](ExampleBatchBuilder& batch) { examples->Append(100, batch); });
}

void StopTest::AwaitAcknowledged(const Load& load, uint64_t count) {
  const absl::Time deadline = absl::Now() + kStopPatience;
  while (load.stats().acknowledged < count) {
    ASSERT_LT(absl::Now(), deadline) << load.model();
    absl::SleepFor(kStopPollInterval);
  }
}

void StopTest::PauseAtRandom(uint32_t max_ms) {
  absl::SleepFor(absl::Milliseconds(static_cast<int64_t>(random_() % max_ms)));
}

ExitState StopTest::StopInTime() const {
  const auto begin = std::chrono::steady_clock::now();
  server_->Signal(SIGTERM);
  ExitState ended = server_->Wait();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kInTime) << ended.log;
  EXPECT_EQ(ended.signal, 0) << ended.log;
  return ended;
}

void StopTest::ExpectNothingIsLost(const std::vector<std::unique_ptr<Load>>& loads) {
  ASSERT_NO_FATAL_FAILURE(StartWithConfig(kShortGrace));
  for (const auto& load : loads) {
    const auto model = client_->GetModel(load->model());
    ASSERT_TRUE(model.ok()) << model.status();
    EXPECT_GE(model->example_count(), load->Acknowledged()) << load->model();
  }
}

}  // namespace freshet
