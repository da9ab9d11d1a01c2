#include "tests/e2e/crash_fixture.h"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

#include "absl/status/status.h"
#include "absl/time/clock.h"

namespace freshet {
namespace {

uint32_t FromEnvironment(const char* name, uint32_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

}  // namespace

v1::LearnerSpec CrashLearner() {
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(14);
  learner.mutable_adagrad();
  learner.mutable_plateau()->set_window(1000);
  return learner;
}

Snapshotter::Snapshotter(std::string address, std::string model)
    : address_(std::move(address)), model_(std::move(model)), thread_([this] { Run(); }) {}

Snapshotter::~Snapshotter() {
  stopping_ = true;
  thread_.join();
}

void Snapshotter::Run() {
  while (!stopping_) {
    auto client = Client::Connect({.server = address_, .deadline_ms = 5000});
    while (!stopping_ && client.ok() && (*client)->CreateSnapshot(model_).ok()) {
      ++taken_;
      const auto snapshots = (*client)->ListSnapshots(model_);
      if (!snapshots.ok()) break;
      for (size_t i = 0; i + 2 < snapshots->size(); ++i) {
        const std::string& name = (*snapshots)[i].name();
        if (!(*client)->DeleteSnapshot(model_, name.substr(name.rfind('/') + 1)).ok()) break;
      }
    }
    absl::SleepFor(absl::Milliseconds(10));  // The server is down.
  }
}

CrashFixture::CrashFixture()
    : kills_(FromEnvironment("FRESHET_CRASH_KILLS", 8)),
      seed_(FromEnvironment("FRESHET_CRASH_SEED", std::random_device()())),
      random_(seed_) {
  std::printf("FRESHET_CRASH_SEED=%u FRESHET_CRASH_KILLS=%u\n", seed_, kills_);
  std::fflush(stdout);
}

void CrashFixture::SetConfig(const std::string& text) {
  std::ofstream(folder_.path() + "/config.textproto") << text;
}

absl::Duration CrashFixture::RandomMilliseconds(int max) {
  return absl::Milliseconds(std::uniform_int_distribution<int>(0, max)(random_));
}

std::vector<std::string> CrashFixture::Flags() const {
  std::vector<std::string> flags = {"--config=" + folder_.path() + "/config.textproto"};
  if (!address_.empty()) flags.push_back("--listen=" + address_);
  return flags;
}

void CrashFixture::Serve() {
  const absl::Time deadline = absl::Now() + kCrashPatience;
  while (true) {
    server_ = ServerProcess::Launch(DataDir(), Flags());
    const absl::Status status = server_->AwaitServing();
    if (status.ok()) break;
    // An outgoing connection of a client may hold the port for a moment.
    const bool port_taken = status.message().find("cannot listen") != absl::string_view::npos;
    ASSERT_TRUE(port_taken && absl::Now() < deadline) << status;
    absl::SleepFor(absl::Milliseconds(50));
  }
  address_ = server_->address();
  auto client = Client::Connect(
      {.server = address_, .deadline_ms = absl::ToInt64Milliseconds(kCrashPatience)});
  ASSERT_TRUE(client.ok()) << client.status();
  client_ = *std::move(client);
}

void CrashFixture::Kill() {
  ASSERT_EQ(server_->Kill().signal, SIGKILL) << server_->Log();
  ++kill_count_;
}

void CrashFixture::KillAndStart() {
  ASSERT_NO_FATAL_FAILURE(Kill());
  while (has_kills_left() && random_() % 3 == 0) {
    server_ = ServerProcess::Launch(DataDir(), Flags());
    absl::SleepFor(RandomMilliseconds(150));
    ASSERT_NO_FATAL_FAILURE(Kill());
    ++kills_during_start_;
  }
  ASSERT_NO_FATAL_FAILURE(Serve());
  cut_tails_ += server_->Log().find("log_tail_cut") != std::string::npos ? 1 : 0;
  rebuilt_joins_ += server_->Log().find("join_rebuilt") != std::string::npos ? 1 : 0;
}

void CrashFixture::PrintKills() const {
  std::printf(
      "%u kills, %u of them during a start; %u torn tails cut; %u tables of events made anew\n",
      kill_count_, kills_during_start_, cut_tails_, rebuilt_joins_);
}

}  // namespace freshet
