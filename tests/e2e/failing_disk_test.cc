// Disks that fail for real: a device whose writes fail, and a file that may not grow.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "core/base/str_cat.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;

constexpr absl::Duration kPatience = absl::Seconds(60);
constexpr int kBatches = 200;
constexpr int kBatchExamples = 100;

// A block device that is a file, in a folder. Its file system keeps no journal, so that what fails
// is the write of a log and nothing else.
class LoopDevice {
 public:
  // Empty where this user may not have one.
  static std::unique_ptr<LoopDevice> Create(const std::string& file, uint64_t size_bytes) {
    std::ofstream(file).close();
    std::filesystem::resize_file(file, size_bytes);
    const CommandResult made = RunCommand(
        {"/bin/sh", "-c",
         "PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F -O ^has_journal -E nodiscard " + file});
    if (made.code != 0) return nullptr;
    const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0) return nullptr;
    const int number = ioctl(control, LOOP_CTL_GET_FREE);
    close(control);
    if (number < 0) return nullptr;
    std::unique_ptr<LoopDevice> device(new LoopDevice(StrCat("/dev/loop", number)));
    device->file_ = open(file.c_str(), O_RDWR | O_CLOEXEC);
    device->device_ = open(device->path_.c_str(), O_RDWR | O_CLOEXEC);
    if (device->file_ < 0 || device->device_ < 0) return nullptr;
    device->attached_ = ioctl(device->device_, LOOP_SET_FD, device->file_) == 0;
    return device->attached_ ? std::move(device) : nullptr;
  }

  ~LoopDevice() {
    if (attached_) ioctl(device_, LOOP_CLR_FD, 0);
    if (device_ >= 0) close(device_);
    if (file_ >= 0) close(file_);
  }

  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;

  const std::string& path() const { return path_; }

 private:
  explicit LoopDevice(std::string path) : path_(std::move(path)) {}

  const std::string path_;
  int file_ = -1;
  int device_ = -1;
  bool attached_ = false;
};

class FailingDiskTest : public testing::Test {
 protected:
  void Start(const std::string& data_dir) {
    auto server = ServerProcess::Start(data_dir);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    auto client = Client::Connect({.server = server_->address()});
    ASSERT_TRUE(client.ok()) << client.status();
    client_ = *std::move(client);
  }

  void CreateModel(const std::string& model) const {
    v1::LearnerSpec learner;
    learner.set_loss(v1::LOSS_LOGISTIC);
    learner.set_bits(12);
    ASSERT_TRUE(client_->CreateModel(model, learner).ok());
  }

  static absl::Status PushAll(Pusher& pusher) {
    RandomExamples random(7);
    for (int i = 0; i < kBatches; ++i) {
      ExampleBatchBuilder batch;
      random.Append(kBatchExamples, batch);
      if (absl::Status status = pusher.PushBatch(batch); !status.ok()) return status;
    }
    return pusher.Close();
  }

  std::unique_ptr<Pusher> StartPusher(const std::string& model) const {
    return Pusher::Start(*client_, model,
                         {.retry_deadline_ms = absl::ToInt64Milliseconds(kPatience),
                          .initial_backoff_ms = 5,
                          .max_backoff_ms = 50})
        .value();
  }

  // What the server says to one who tries once.
  absl::Status PushOneRow() const {
    auto pusher = Pusher::Start(*client_, "ctr", {.retry_deadline_ms = 0});
    if (!pusher.ok()) return pusher.status();
    ExampleBatchBuilder batch;
    RandomExamples(8).Append(1, batch);
    if (absl::Status status = (*pusher)->PushBatch(batch); !status.ok()) return status;
    return (*pusher)->Close();
  }

  // Pushes a stream to a model on a disk that fails until `mend` is called, and expects that it is
  // named, that predictions go on, and that nothing is lost or learned twice, also after a crash.
  template <typename Mend, typename Restart>
  void ExpectNothingIsLost(const std::string& reason, Mend mend, Restart restart) {
    const std::unique_ptr<Pusher> pusher = StartPusher("ctr");
    absl::Status pushed = absl::UnknownError("not ended");
    std::thread pushing([&] { pushed = PushAll(*pusher); });
    const absl::Time deadline = absl::Now() + kPatience;
    while (pusher->stats().resent == 0 && absl::Now() < deadline) {
      absl::SleepFor(absl::Milliseconds(2));
    }
    const absl::Status refused = PushOneRow();
    ExampleBatchBuilder asked;
    RandomExamples(9).Append(10, asked);
    const bool predicts = client_->Predict("ctr", asked).ok();
    mend();
    pushing.join();
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
    EXPECT_THAT(std::string(refused.message()), HasSubstr(reason));
    EXPECT_TRUE(predicts);
    ASSERT_TRUE(pushed.ok()) << pushed;
    const Digest digest = client_->ComputeDigest("ctr").value();
    EXPECT_EQ(digest.example_count, uint64_t{kBatches} * kBatchExamples);
    server_->Kill();
    ASSERT_NO_FATAL_FAILURE(restart());
    EXPECT_EQ(client_->ComputeDigest("ctr")->digest, digest.digest);
    ASSERT_NO_FATAL_FAILURE(CreateModel("reference"));
    ASSERT_TRUE(PushAll(*StartPusher("reference")).ok());
    EXPECT_EQ(client_->ComputeDigest("reference")->digest, digest.digest);
  }

  const TemporaryFolder folder_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
};

// The device's file is in a tmpfs that is full: what the kernel writes to the device later fails,
// and so does the sync.
class FailingDeviceTest : public FailingDiskTest {
 protected:
  void SetUp() override {
    memory_ = folder_.path() + "/memory";
    disk_ = folder_.path() + "/disk";
    std::filesystem::create_directory(memory_);
    std::filesystem::create_directory(disk_);
    if (mount("tmpfs", memory_.c_str(), "tmpfs", 0, "size=64m") != 0) {
      memory_.clear();
      GTEST_SKIP() << "a tmpfs cannot be mounted here";
    }
    device_ = LoopDevice::Create(memory_ + "/device", uint64_t{256} << 20);
    if (device_ == nullptr) GTEST_SKIP() << "a loop device cannot be had here";
    mounted_ = mount(device_->path().c_str(), disk_.c_str(), "ext4", 0, "errors=continue") == 0;
    if (!mounted_) GTEST_SKIP() << "a loop device cannot be mounted here: " << std::strerror(errno);
    ASSERT_NO_FATAL_FAILURE(Start(disk_ + "/data"));
    ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
    sync();
  }

  void TearDown() override {
    server_.reset();
    if (mounted_) {
      EXPECT_EQ(umount2(disk_.c_str(), MNT_DETACH), 0) << std::strerror(errno);
    }
    device_.reset();
    if (!memory_.empty()) {
      EXPECT_EQ(umount2(memory_.c_str(), MNT_DETACH), 0) << std::strerror(errno);
    }
  }

  void Fill() const {
    std::ofstream filler(memory_ + "/filler", std::ios::binary);
    const std::string block(64 << 10, 'x');
    while (filler.write(block.data(), static_cast<std::streamsize>(block.size())).flush()) {
    }
  }

  std::string memory_;  // Empty: not mounted.
  std::string disk_;
  std::unique_ptr<LoopDevice> device_;
  bool mounted_ = false;
};

TEST_F(FailingDeviceTest, ASyncThatFailsIsNamedAndNothingIsLostOnceTheDeviceWorks) {
  ASSERT_NO_FATAL_FAILURE(Fill());
  ExpectNothingIsLost(
      "Input/output error", [&] { std::filesystem::remove(memory_ + "/filler"); },
      [&] { Start(disk_ + "/data"); });
}

TEST_F(FailingDiskTest, AFileThatMayNotGrowIsNamedAndNothingIsLostOnceItMay) {
  const std::string data_dir = folder_.path() + "/data";
  ASSERT_NO_FATAL_FAILURE(Start(data_dir));
  ASSERT_NO_FATAL_FAILURE(CreateModel("ctr"));
  rlimit before{};
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, nullptr, &before), 0) << std::strerror(errno);
  rlimit small = before;
  small.rlim_cur = 64 << 10;
  ASSERT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, &small, nullptr), 0) << std::strerror(errno);
  ExpectNothingIsLost(
      "File too large",
      [&] { EXPECT_EQ(prlimit(server_->pid(), RLIMIT_FSIZE, &before, nullptr), 0); },
      [&] { Start(data_dir); });
}

}  // namespace
}  // namespace freshet
