#include "server/model/challenger.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <latch>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "tests/server/model/model_fixture.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

constexpr uint64_t kPushed = 60;
// Of the window, or of the queue of a model and with it of the windows: a few records.
constexpr uint64_t kFewRecordsBytes = 10'000;

v1::LearnerSpec TrialLearner() {
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(10);
  learner.mutable_ftrl();
  return ResolveLearnerSpec(learner).value();
}

v1::Model SpecOfTwo() {
  v1::Model spec = Spec(v1::DURABILITY_FSYNC);
  spec.mutable_variants(0)->set_name("models/ctr/variants/main");
  v1::Variant& trial = *spec.add_variants();
  trial.set_name("models/ctr/variants/trial");
  *trial.mutable_learner() = TrialLearner();
  return spec;
}

// The model whose champion is the other's challenger.
v1::Model SpecOfTrialAlone() {
  v1::Model spec = Spec(v1::DURABILITY_FSYNC);
  *spec.mutable_variants(0)->mutable_learner() = TrialLearner();
  return spec;
}

struct Learned {
  uint64_t offset = 0;
  std::string digest;
};

Learned LearnedBy(Challenger& challenger) {
  return Await<Learned>([&](auto done) {
    challenger.RunOnWriter(
        [done](const Variant& variant) {
          done({.offset = variant.offset(), .digest = variant.ComputeDigest()});
        },
        WriterShare::kAtOnce);
  });
}

// Waits until the challenger has the records below `offset`.
std::string DigestAt(Challenger& challenger, uint64_t offset) {
  const absl::Time deadline = absl::Now() + kPatience;
  while (challenger.Now().offset < offset && absl::Now() < deadline) {
    absl::SleepFor(absl::Milliseconds(1));
  }
  const Learned learned = LearnedBy(challenger);
  EXPECT_EQ(learned.offset, offset);
  return learned.digest;
}

// Keeps the strand of a challenger busy while it lives.
class Busy {
 public:
  explicit Busy(Challenger& challenger) {
    std::latch running(1);
    challenger.RunOnWriter(
        [&, release = release_](const Variant&) {
          running.count_down();
          release->WaitForNotification();
        },
        WriterShare::kAtOnce);
    running.wait();
  }
  ~Busy() { release_->Notify(); }
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  const std::shared_ptr<absl::Notification> release_ = std::make_shared<absl::Notification>();
};

// The body of the record of a batch.
std::shared_ptr<const BatchRecord> EnvelopedBatch(uint64_t sequence) {
  std::unique_ptr<BatchRecord> batch = Message(sequence);
  batch->set_envelope({.sender = "", .max_producers = 1});
  return batch;
}

class ChallengerTest : public testing::Test {
 protected:
  // A served model of two variants whose challengers have threads of their own.
  struct Model {
    explicit Model(FileSystem& files) : served(files) { served.environment().challengers = &pool; }
    Challenger& challenger() { return ChallengerOf(served.model()); }

    WorkerPool pool{"challenger", 1};
    Served served;
  };

  static void PushAll(Served& served, uint64_t first, uint64_t last) {
    for (uint64_t sequence = first; sequence <= last; ++sequence) {
      ASSERT_TRUE(served.Push(sequence).status.ok());
    }
  }

  // The digest that a champion with the challenger's learner has after the batches.
  static std::string DigestAlone(uint64_t batches) {
    FaultFileSystem files;
    Served alone(files);
    alone.Create(SpecOfTrialAlone());
    PushAll(alone, 1, batches);
    return alone.Digest().digest();
  }

  FaultFileSystem files_;
};

TEST_F(ChallengerTest, LearnsWhatAChampionWouldHaveLearned) {
  Model model(files_);
  model.served.Create(SpecOfTwo());
  PushAll(model.served, 1, kPushed);
  EXPECT_EQ(DigestAt(model.challenger(), kPushed), DigestAlone(kPushed));
  const v1::Model described = model.served.Describe();
  EXPECT_TRUE(described.variants(0).champion());
  EXPECT_FALSE(described.variants(1).champion());
  EXPECT_EQ(described.variants(1).metrics().example_count(), described.example_count());
  EXPECT_EQ(model.served.model().FindVariant("trial")->variant->spec.DebugString(),
            TrialLearner().DebugString());
}

// The champion alone decides the acknowledgement: all batches are acknowledged while the challenger
// stands still. What its window has no room for comes from the log.
TEST_F(ChallengerTest, HoldsUpNobodyAndCatchesUpFromTheLog) {
  Model model(files_);
  model.served.environment().max_queue_bytes = kFewRecordsBytes;
  model.served.Create(SpecOfTwo());
  {
    const Busy busy(model.challenger());
    PushAll(model.served, 1, kPushed);
    EXPECT_EQ(model.challenger().Now().offset, 0U);
    EXPECT_EQ(model.served.model().offset(), kPushed);
  }
  EXPECT_EQ(DigestAt(model.challenger(), kPushed), DigestAlone(kPushed));
  // From memory again.
  PushAll(model.served, kPushed + 1, kPushed + 10);
  EXPECT_EQ(DigestAt(model.challenger(), kPushed + 10), DigestAlone(kPushed + 10));
}

// A snapshot that is taken while a challenger is behind keeps the log that the challenger needs.
TEST_F(ChallengerTest, GoesOnWhereItWasAfterACrash) {
  {
    Model model(files_);
    model.served.environment().max_queue_bytes = kFewRecordsBytes;
    model.served.Create(SpecOfTwo());
    auto busy = std::make_unique<Busy>(model.challenger());
    PushAll(model.served, 1, kPushed);
    std::latch taken(1);
    model.served.model().CreateSnapshot("", v1::SNAPSHOT_TRIGGER_INTERVAL,
                                        [&](const absl::StatusOr<v1::Snapshot>& snapshot) {
                                          EXPECT_TRUE(snapshot.ok()) << snapshot.status();
                                          taken.count_down();
                                        });
    // The champion's part is saved, and the challenger is asked for its own, before this task.
    std::latch asked(1);
    PipelineOf(model.served.model())
        .RunOnWriter([&asked](const ModelState&) { asked.count_down(); }, WriterShare::kLong);
    asked.wait();
    busy = nullptr;
    taken.wait();
    const std::vector<v1::SnapshotFileHeader> snapshots = model.served.model().ListSnapshots();
    ASSERT_EQ(snapshots.size(), 1U);
    EXPECT_EQ(snapshots[0].snapshot().offset(), kPushed);
    EXPECT_GT(snapshots[0].variant_lag(), 0U);
  }
  Model again(files_);
  again.served.Recover();
  EXPECT_EQ(again.served.model().offset(), kPushed);
  EXPECT_EQ(DigestAt(again.challenger(), kPushed), DigestAlone(kPushed));
}

TEST_F(ChallengerTest, IsSavedAtTheChampionsOffsetIfItKeepsUp) {
  Model model(files_);
  model.served.Create(SpecOfTwo());
  PushAll(model.served, 1, 20);
  ASSERT_TRUE(model.served.TakeSnapshot("s").ok());
  EXPECT_EQ(model.served.model().ListSnapshots().front().variant_lag(), 0U);
}

TEST_F(ChallengerTest, FollowsARestore) {
  std::string digest;
  {
    Model model(files_);
    model.served.Create(SpecOfTwo());
    PushAll(model.served, 1, 20);
    ASSERT_TRUE(model.served.TakeSnapshot("s", v1::SNAPSHOT_TRIGGER_REQUEST).ok());
    digest = DigestAt(model.challenger(), 20);
    EXPECT_EQ(digest, DigestAlone(20));
    PushAll(model.served, 21, 40);
    ASSERT_TRUE(model.served.Restore("s").ok());
    EXPECT_EQ(DigestAt(model.challenger(), 41), digest);
    PushAll(model.served, 41, 45);
    digest = DigestAt(model.challenger(), 46);
  }
  Model again(files_);
  again.served.Recover();
  EXPECT_EQ(DigestAt(again.challenger(), 46), digest);
}

// Appends the records of Message(first) to Message(last).
void AppendBatches(Log& log, uint64_t first, uint64_t last) {
  for (uint64_t sequence = first; sequence <= last; ++sequence) {
    const EncodedRecord record = FormatRecord({.time_ms = 1, .body = EnvelopedBatch(sequence)});
    ASSERT_TRUE(log.Append(record.kind, record.pieces()).ok());
  }
}

// What the window had no room for may be learned by the champion before it is logged.
TEST_F(ChallengerTest, WaitsWithoutAFaultForWhatIsNotLoggedYet) {
  auto log = Log::Open(files_, "/log", LogOptions{}).value();
  WorkerPool strands("challenger", 1);
  WorkerPool io("io", 1);
  absl::Mutex mu;
  std::function<void(const absl::Status&)> logged;
  LogFollower::Options follower{
      .name = "models/ctr/variants/trial",
      .loss = LossKind::kLogistic,
      .open_log = [&log](uint64_t offset) { return log->NewReader(offset); },
      .when_logged =
          [&](uint64_t /*offset*/, auto done) {
            const absl::MutexLock lock(&mu);
            logged = std::move(done);
          },
      .retry_interval = absl::Milliseconds(1)};
  const auto challenger =
      Challenger::Start(Variant::Create("variants/trial", TrialLearner()).value(), 0, strands, io,
                        {.follower = std::move(follower), .load_restored = {}});
  for (const uint64_t offset : {0, 1, 4}) {
    challenger->Feed(offset, {.time_ms = 1, .body = EnvelopedBatch(offset + 1)});
  }
  {
    const absl::MutexLock lock(&mu);
    ASSERT_TRUE(
        mu.AwaitWithTimeout(absl::Condition(
                                +[](decltype(logged)* done) { return *done != nullptr; }, &logged),
                            kPatience));
  }
  EXPECT_TRUE(challenger->fault().ok()) << challenger->fault();
  AppendBatches(*log, 1, 5);
  logged(absl::OkStatus());
  EXPECT_EQ(DigestAt(*challenger, 5), DigestAlone(5));
  EXPECT_TRUE(challenger->fault().ok()) << challenger->fault();
  challenger->Stop();
}

// What can be read only later on is read later on.
TEST_F(ChallengerTest, GoesOnOnceTheLogCanBeRead) {
  auto log = Log::Open(files_, "/log", LogOptions{}).value();
  AppendBatches(*log, 1, 5);
  WorkerPool strands("challenger", 1);
  WorkerPool io("io", 1);
  std::atomic<bool> readable = false;
  std::atomic<int> refused = 0;
  LogFollower::Options follower{
      .name = "models/ctr/variants/trial",
      .loss = LossKind::kLogistic,
      .open_log = [&](uint64_t offset) -> absl::StatusOr<std::unique_ptr<LogReader>> {
        if (readable) return log->NewReader(offset);
        ++refused;
        return absl::UnavailableError("the disk is away");
      },
      .when_logged = [](uint64_t, auto) { FAIL() << "all is logged"; },
      .retry_interval = absl::Milliseconds(1)};
  const auto challenger =
      Challenger::Start(Variant::Create("variants/trial", TrialLearner()).value(), 5, strands, io,
                        {.follower = std::move(follower), .load_restored = {}});
  const absl::Time deadline = absl::Now() + kPatience;
  while (refused < 3 && absl::Now() < deadline) absl::SleepFor(absl::Milliseconds(1));
  EXPECT_TRUE(absl::IsUnavailable(challenger->fault()));
  EXPECT_EQ(challenger->Now().offset, 0U);
  readable = true;
  EXPECT_EQ(DigestAt(*challenger, 5), DigestAlone(5));
  EXPECT_TRUE(challenger->fault().ok());
  challenger->Stop();
}

}  // namespace
}  // namespace freshet
