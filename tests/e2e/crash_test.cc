// Kills a server under load again and again: every acknowledged row must be in the model exactly
// once.
//
// FRESHET_CRASH_KILLS sets the number of kills in each test (default 8). FRESHET_CRASH_SEED decides
// their moments, the streams and the sizes; by default it is random, and is printed.
// tests/crash/run runs longer tests by hand.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "core/base/str_cat.h"
#include "tests/e2e/crash_fixture.h"
#include "tests/e2e/producer.h"
#include "tests/support/model_dir.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {
namespace {

// Until destroyed, as fast as it can: takes a snapshot of a model, restores a random one of those
// that are left, and deletes the oldest if the server allows that.
class Restorer {
 public:
  Restorer(std::string address, std::string model, uint32_t seed)
      : address_(std::move(address)),
        model_(std::move(model)),
        random_(seed),
        thread_([this] { Run(); }) {}
  ~Restorer() {
    stopping_ = true;
    thread_.join();
  }
  Restorer(const Restorer&) = delete;
  Restorer& operator=(const Restorer&) = delete;

  int restored() const { return restored_; }

 private:
  void Run() {
    while (!stopping_) {
      auto client = Client::Connect({.server = address_, .deadline_ms = 5000});
      while (!stopping_ && client.ok() && TakeAndRestore(**client)) {
      }
      absl::SleepFor(absl::Milliseconds(10));  // The server is down.
    }
  }

  bool TakeAndRestore(const Client& client) {
    if (!client.CreateSnapshot(model_, StrCat("k", ++number_)).ok()) return false;
    const auto snapshots = client.ListSnapshots(model_);
    if (!snapshots.ok()) return false;
    std::vector<std::string> ids;
    for (const v1::Snapshot& snapshot : *snapshots) {
      if (snapshot.trigger() != v1::SNAPSHOT_TRIGGER_REQUEST) continue;
      ids.push_back(snapshot.name().substr(snapshot.name().rfind('/') + 1));
    }
    if (ids.empty() || !client.RestoreSnapshot(model_, ids[random_() % ids.size()]).ok()) {
      return false;
    }
    ++restored_;
    if (ids.size() > 4) client.DeleteSnapshot(model_, ids.front()).IgnoreError();
    return true;
  }

  const std::string address_;
  const std::string model_;
  std::mt19937 random_;
  int number_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<int> restored_{0};
  std::thread thread_;
};

// Until destroyed, as fast as it can: creates a model, pushes five batches, deletes it (sometimes
// while a snapshot is being taken), and starts over with the same id. Whenever the server is back
// after a kill, checks that the model is the one that it must be.
class Recreator {
 public:
  Recreator(std::string address, std::string model, uint32_t seed)
      : address_(std::move(address)),
        model_(std::move(model)),
        random_(seed),
        thread_([this] { Run(); }) {}
  ~Recreator() {
    stopping_ = true;
    thread_.join();
  }
  Recreator(const Recreator&) = delete;
  Recreator& operator=(const Recreator&) = delete;

  int cycles() const { return cycles_; }
  int looks() const { return looks_; }
  // What went wrong; empty if nothing did.
  std::string failures() const {
    const absl::MutexLock lock(&mu_);
    return failures_;
  }

 private:
  static constexpr uint64_t kBatchExamples = 10;
  static constexpr int kBatches = 5;

  void Run() {
    while (!stopping_) {
      auto client = Client::Connect(
          {.server = address_, .deadline_ms = absl::ToInt64Milliseconds(kCrashPatience)});
      if (client.ok() && Look(**client)) {
        while (!stopping_ && Cycle(**client)) ++cycles_;
      }
      absl::SleepFor(absl::Milliseconds(10));  // The server is down.
    }
  }

  void Fail(const std::string& what) {
    const absl::MutexLock lock(&mu_);
    failures_ += what + "\n";
  }

  // Checks the model after the server came back. Returns false if the server does not answer.
  bool Look(const Client& client) {
    const absl::StatusOr<v1::Model> model = client.GetModel(model_);
    if (!model.ok() && !absl::IsNotFound(model.status())) return false;
    ++looks_;
    if (!model.ok()) {
      if (exists_ && !deleting_) Fail(StrCat("gone: uid ", uid_, ", ", acknowledged_, " examples"));
      exists_ = false;
      creating_ = false;
      deleting_ = false;
      return true;
    }
    if (model->state() != v1::MODEL_STATE_SERVING) Fail(model->state_reason());
    const uint64_t count = model->example_count();
    if (exists_ && model->uid() == uid_) {
      if (count < acknowledged_ || count > sent_) {
        Fail(StrCat(count, " examples, of ", acknowledged_, " acknowledged and ", sent_, " sent"));
      }
    } else if (!creating_ || count > 0) {
      Fail(StrCat("another model: uid ", model->uid(), ", not ", uid_, ", ", count, " examples"));
    }
    uid_ = model->uid();
    exists_ = true;
    creating_ = false;
    deleting_ = false;
    acknowledged_ = count;
    sent_ = count;
    return true;
  }

  bool Create(const Client& client) {
    creating_ = true;
    const absl::StatusOr<v1::Model> model = client.CreateModel(model_, CrashLearner());
    if (!model.ok()) return false;
    uid_ = model->uid();
    exists_ = true;
    creating_ = false;
    acknowledged_ = 0;
    sent_ = 0;
    return true;
  }

  bool Push(const Client& client) {
    auto pusher = Pusher::Start(client, model_, {.retry_deadline_ms = 1});
    if (!pusher.ok()) return false;
    const uint64_t before = acknowledged_;
    RandomExamples random(static_cast<uint32_t>(random_()));
    absl::Status status;
    for (int i = 0; i < kBatches && status.ok(); ++i) {
      ExampleBatchBuilder batch;
      random.Append(kBatchExamples, batch);
      sent_ += kBatchExamples;
      status = (*pusher)->PushBatch(batch);
    }
    status.Update((*pusher)->Close());
    acknowledged_ = before + (*pusher)->stats().acknowledged;
    return status.ok();
  }

  bool Delete(const Client& client) {
    std::thread snapshot;
    if (random_() % 2 == 0) {
      snapshot = std::thread([&] { client.CreateSnapshot(model_).status().IgnoreError(); });
    }
    deleting_ = true;
    const absl::Status status = client.DeleteModel(model_);
    if (snapshot.joinable()) snapshot.join();
    if (!status.ok()) return false;
    exists_ = false;
    deleting_ = false;
    return true;
  }

  bool Cycle(const Client& client) {
    if (!exists_ && !Create(client)) return false;
    return Push(client) && Delete(client);
  }

  const std::string address_;
  const std::string model_;

  // Used only by the thread: what it last knew of the model.
  std::mt19937 random_;
  std::string uid_;
  bool exists_ = false;    // It was created, and no deletion was acknowledged.
  bool creating_ = false;  // Its creation was requested but not acknowledged.
  bool deleting_ = false;
  uint64_t acknowledged_ = 0;
  uint64_t sent_ = 0;

  std::atomic<int> cycles_{0};
  std::atomic<int> looks_{0};
  mutable absl::Mutex mu_;
  std::string failures_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

class CrashTest : public CrashFixture {
 protected:
  void AddProducer(const std::string& model) {
    producers_.push_back(std::make_unique<Producer>(*client_, model, random_()));
  }

  std::map<std::string, uint64_t> Acknowledged() const {
    std::map<std::string, uint64_t> acknowledged;
    for (const auto& producer : producers_) {
      acknowledged[producer->model()] += producer->stats().acknowledged;
    }
    return acknowledged;
  }

  // Waits until every model has acknowledged more than in `before`.
  void AwaitProgress(const std::map<std::string, uint64_t>& before) {
    const absl::Time deadline = absl::Now() + kCrashPatience;
    for (const auto& [model, count] : before) {
      while (Acknowledged()[model] <= count) {
        for (const auto& producer : producers_) {
          ASSERT_TRUE(producer->status().ok()) << producer->status();
        }
        ASSERT_LT(absl::Now(), deadline) << "nothing was acknowledged to " << model;
        absl::SleepFor(absl::Milliseconds(1));
      }
    }
  }

  // Kills the server under load or during its start, then starts it again until it serves. No
  // acknowledged row may be lost, and no model may hold more rows than were pushed.
  void KillAndServe(int max_life_ms) {
    AwaitProgress(Acknowledged());
    absl::SleepFor(RandomMilliseconds(max_life_ms));
    const std::map<std::string, uint64_t> acknowledged = Acknowledged();
    ASSERT_NO_FATAL_FAILURE(KillAndStart());
    for (const auto& [model, count] : acknowledged) {
      const auto found = client_->GetModel(model);
      ASSERT_TRUE(found.ok()) << found.status();
      if (!restores_) {
        ASSERT_GE(found->example_count(), count) << "acknowledged rows are gone from " << model;
      }
      uint64_t pushed = 0;
      for (const auto& producer : producers_) {
        if (producer->model() == model) pushed += producer->stats().pushed;
      }
      ASSERT_LE(found->example_count(), pushed) << "rows were learned twice by " << model;
    }
  }

  void KillAll(int max_life_ms) {
    while (has_kills_left()) ASSERT_NO_FATAL_FAILURE(KillAndServe(max_life_ms));
  }

  // Ends the streams, and expects each model to hold exactly what its producers pushed.
  void StopProducers() {
    std::map<std::string, uint64_t> pushed;
    uint64_t duplicates = 0;
    for (const auto& producer : producers_) {
      const absl::Status status = producer->Stop();
      ASSERT_TRUE(status.ok()) << status;
      const PusherStats stats = producer->stats();
      ASSERT_EQ(stats.acknowledged, stats.pushed);
      pushed[producer->model()] += stats.pushed;
      duplicates += stats.duplicates;
    }
    for (const auto& [model, count] : pushed) {
      const auto found = client_->GetModel(model);
      ASSERT_TRUE(found.ok()) << found.status();
      if (!restores_) {
        EXPECT_EQ(found->example_count(), count) << model;
      }
      std::printf("%s: %llu examples in %llu records\n", model.c_str(),
                  static_cast<unsigned long long>(count),
                  static_cast<unsigned long long>(client_->ComputeDigest(model)->offset));
    }
    PrintKills();
    std::printf("%llu examples resent that were learned already\n",
                static_cast<unsigned long long>(duplicates));
  }

  // The digest that a separate server computes from nothing but the log of `model`.
  absl::StatusOr<Digest> DigestOfLogAlone(const std::string& model) {
    const std::string copy = folder_.path() + "/reference-" + model;
    std::filesystem::copy(DataDir(), copy, std::filesystem::copy_options::recursive);
    const std::string snapshots = ModelDirOf(copy, model) + "/snapshots";
    std::filesystem::remove_all(snapshots);
    std::filesystem::create_directory(snapshots);
    auto server = ServerProcess::Start(copy);
    if (!server.ok()) return server.status();
    auto client = Client::Connect({.server = (*server)->address()});
    if (!client.ok()) return client.status();
    return (*client)->ComputeDigest(model);
  }

  // The digest of a model that learns the producer's stream undisturbed.
  absl::StatusOr<Digest> DigestOfStream(const Producer& producer) {
    const TemporaryFolder folder;
    auto server = ServerProcess::Start(folder.path());
    if (!server.ok()) return server.status();
    auto client = Client::Connect({.server = (*server)->address()});
    if (!client.ok()) return client.status();
    auto model = (*client)->CreateModel("reference", CrashLearner(), v1::DURABILITY_NONE);
    if (!model.ok()) return model.status();
    auto pusher = Pusher::Start(**client, "reference", {});
    if (!pusher.ok()) return pusher.status();
    RandomExamples examples(producer.seed());
    for (uint64_t left = producer.stats().pushed; left > 0;) {
      const int count = static_cast<int>(std::min<uint64_t>(left, 1000));
      ExampleBatchBuilder batch;
      examples.Append(count, batch);
      if (absl::Status status = (*pusher)->PushBatch(batch); !status.ok()) return status;
      left -= static_cast<uint64_t>(count);
    }
    if (absl::Status status = (*pusher)->Close(); !status.ok()) return status;
    return (*client)->ComputeDigest("reference");
  }

  std::vector<std::unique_ptr<Producer>> producers_;
  bool restores_ = false;  // Models are restored from snapshots meanwhile.
};

TEST_F(CrashTest, SeveralProducersAreLearnedOnceInTheOrderOfTheLog) {
  SetConfig("snapshots { interval_s: 0 } log { segment_bytes: 65536 }");
  ASSERT_NO_FATAL_FAILURE(Serve());
  ASSERT_TRUE(client_->CreateModel("ctr", CrashLearner()).ok());
  for (int i = 0; i < 3; ++i) AddProducer("ctr");
  {
    const Snapshotter snapshotter(address_, "ctr");
    ASSERT_NO_FATAL_FAILURE(KillAll(/*max_life_ms=*/300));
    EXPECT_GT(snapshotter.taken(), 0);
    std::printf("%d snapshots taken\n", snapshotter.taken());
  }
  ASSERT_NO_FATAL_FAILURE(StopProducers());
  const Digest digest = client_->ComputeDigest("ctr").value();
  ASSERT_NO_FATAL_FAILURE(Kill());
  const absl::StatusOr<Digest> reference = DigestOfLogAlone("ctr");
  ASSERT_TRUE(reference.ok()) << reference.status();
  EXPECT_EQ(digest.digest, reference->digest);
  EXPECT_EQ(digest.offset, reference->offset);
}

TEST_F(CrashTest, WithRetentionAStreamIsLearnedAsIfNothingHadHappened) {
  SetConfig(
      "snapshots { interval_s: 1 keep_count: 1 } log { segment_bytes: 16384 retain_bytes: 0 }");
  ASSERT_NO_FATAL_FAILURE(Serve());
  ASSERT_TRUE(client_->CreateModel("fsync", CrashLearner(), v1::DURABILITY_FSYNC).ok());
  ASSERT_TRUE(client_->CreateModel("os", CrashLearner(), v1::DURABILITY_OS).ok());
  AddProducer("fsync");
  AddProducer("os");
  ASSERT_NO_FATAL_FAILURE(KillAll(/*max_life_ms=*/1500));
  for (const char* model : {"fsync", "os"}) {
    const std::string first_segment =
        ModelDirOf(DataDir(), model) + "/log/00000000000000000000.log";
    const absl::Time deadline = absl::Now() + kCrashPatience;
    while (std::filesystem::exists(first_segment)) {
      ASSERT_LT(absl::Now(), deadline) << "the log of " << model << " was never shortened";
      absl::SleepFor(absl::Milliseconds(10));
    }
  }
  ASSERT_NO_FATAL_FAILURE(StopProducers());
  ASSERT_NO_FATAL_FAILURE(Kill());
  ASSERT_NO_FATAL_FAILURE(Serve());
  for (const auto& producer : producers_) {
    const absl::StatusOr<Digest> reference = DigestOfStream(*producer);
    ASSERT_TRUE(reference.ok()) << reference.status();
    EXPECT_EQ(client_->ComputeDigest(producer->model())->digest, reference->digest)
        << producer->model();
  }
}

// Restores set the number of examples back, so that is not checked. The log must lead to the same
// state wherever its replay begins.
TEST_F(CrashTest, RestoresAreReplayedInTheirPlace) {
  // Keeps all automatic snapshots, so that the end of the test can damage any number of them.
  SetConfig("snapshots { interval_s: 1 keep_count: 1000 } log { segment_bytes: 16384 }");
  restores_ = true;
  ASSERT_NO_FATAL_FAILURE(Serve());
  ASSERT_TRUE(client_->CreateModel("ctr", CrashLearner()).ok());
  for (int i = 0; i < 2; ++i) AddProducer("ctr");
  {
    const Restorer restorer(address_, "ctr", random_());
    ASSERT_NO_FATAL_FAILURE(KillAll(/*max_life_ms=*/500));
    EXPECT_GT(restorer.restored(), 0);
    std::printf("%d restores\n", restorer.restored());
  }
  ASSERT_TRUE(client_->CreateSnapshot("ctr", "last").ok());
  ASSERT_TRUE(client_->RestoreSnapshot("ctr", "last").ok());
  ASSERT_NO_FATAL_FAILURE(StopProducers());
  const Digest digest = client_->ComputeDigest("ctr").value();
  ASSERT_NO_FATAL_FAILURE(Kill());
  ASSERT_NO_FATAL_FAILURE(Serve());
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest.digest);
  ASSERT_NO_FATAL_FAILURE(Kill());
  // Damages the snapshots after the last restore, so that the restore itself is replayed.
  for (const auto& file :
       std::filesystem::directory_iterator(ModelDirOf(DataDir(), "ctr") + "/snapshots")) {
    const std::string name = file.path().filename();
    if (name.starts_with('s')) std::filesystem::resize_file(file.path(), 50);
  }
  ASSERT_NO_FATAL_FAILURE(Serve());
  const absl::StatusOr<Digest> replayed = client_->ComputeDigest("ctr");
  ASSERT_TRUE(replayed.ok()) << replayed.status();
  EXPECT_EQ(replayed->digest, digest.digest);
  EXPECT_EQ(replayed->offset, digest.offset);
}

// Another model, which only learns, keeps the server under load meanwhile.
TEST_F(CrashTest, AModelCreatedAgainIsNeverTheOneThatWasDeleted) {
  SetConfig("snapshots { interval_s: 1 } log { segment_bytes: 16384 }");
  ASSERT_NO_FATAL_FAILURE(Serve());
  ASSERT_TRUE(client_->CreateModel("ctr", CrashLearner()).ok());
  AddProducer("ctr");
  {
    const Recreator recreator(address_, "again", random_());
    ASSERT_NO_FATAL_FAILURE(KillAll(/*max_life_ms=*/500));
    EXPECT_GT(recreator.cycles(), 0);
    EXPECT_EQ(recreator.failures(), "");
    std::printf("%d times deleted and created again; looked at %d times after a start\n",
                recreator.cycles(), recreator.looks());
  }
  ASSERT_NO_FATAL_FAILURE(StopProducers());
  const Digest digest = client_->ComputeDigest("ctr").value();
  ASSERT_NO_FATAL_FAILURE(Kill());
  ASSERT_NO_FATAL_FAILURE(Serve());
  EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest.digest);
}

}  // namespace
}  // namespace freshet
