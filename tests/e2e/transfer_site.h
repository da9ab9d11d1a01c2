// What tests of snapshot transfers share: a server whose folder tests can inspect, and a snapshot
// on it.

#ifndef FRESHET_TESTS_E2E_TRANSFER_SITE_H_
#define FRESHET_TESTS_E2E_TRANSFER_SITE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/pusher.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_process.h"
#include "tests/support/temporary_folder.h"

namespace freshet {

// A server, its data folder, and a client.
class Site {
 public:
  static v1::LearnerSpec Learner(uint32_t bits = 12) {
    v1::LearnerSpec learner;
    learner.set_loss(v1::LOSS_LOGISTIC);
    learner.set_bits(bits);
    return learner;
  }

  void Start() {
    auto server = ServerProcess::Start(folder_.path());
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    auto connected = Client::Connect({.server = server_->address()});
    ASSERT_TRUE(connected.ok()) << connected.status();
    client_ = *std::move(connected);
  }

  void KillAndStart() {
    EXPECT_EQ(server_->Kill().signal, SIGKILL);
    Start();
  }

  // Pushes the examples [first, first + count) of a fixed stream.
  void Push(const std::string& model, int first, int count) {
    constexpr int kBatchExamples = 50;
    RandomExamples random(42);
    ExampleBatchBuilder skipped;
    random.Append(first, skipped);
    auto pusher = Pusher::Start(*client_, model, {});
    ASSERT_TRUE(pusher.ok()) << pusher.status();
    for (int done = 0; done < count; done += kBatchExamples) {
      ExampleBatchBuilder batch;
      random.Append(std::min(kBatchExamples, count - done), batch);
      ASSERT_TRUE((*pusher)->PushBatch(batch).ok());
    }
    const absl::Status closed = (*pusher)->Close();
    ASSERT_TRUE(closed.ok()) << closed;
  }

  std::string DigestOf(const std::string& model) const {
    const absl::StatusOr<Digest> digest = client_->ComputeDigest(model);
    EXPECT_TRUE(digest.ok()) << digest.status();
    return digest.ok() ? digest->digest : "";
  }

  // The bytes of an exported snapshot.
  std::string Export(const std::string& model, const std::string& snapshot) const {
    std::ostringstream out;
    const absl::StatusOr<uint64_t> bytes = client_->ExportSnapshot(model, snapshot, out);
    EXPECT_TRUE(bytes.ok()) << bytes.status();
    EXPECT_EQ(bytes.value_or(0), out.str().size());
    return out.str();
  }

  absl::StatusOr<v1::Snapshot> Import(const std::string& model, const std::string& file,
                                      const ImportOptions& options = {}) const {
    std::istringstream in(file);
    return client_->ImportSnapshot(model, in, options);
  }

  // The temporary files of imports in progress.
  std::vector<std::string> Uploads() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() + "/uploads")) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  // The ids of the models that have a folder, taken from its name without the uid.
  std::vector<std::string> ModelFolders() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() + "/models")) {
      const std::string name = entry.path().filename();
      names.push_back(name.substr(0, name.rfind('-')));
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  // Runs the freshet command against this server, in the folder `dir`.
  CommandResult Freshet(const std::string& dir, const std::string& arguments) const {
    return RunCommand({"/bin/sh", "-c",
                       "cd " + dir + " && " + BinaryDir() + "/freshet --server " +
                           server_->address() + " " + arguments});
  }

  ServerProcess& server() { return *server_; }
  const Client& client() const { return *client_; }
  const std::string& path() const { return folder_.path(); }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<ServerProcess> server_;
  std::unique_ptr<Client> client_;
};

class TransferTest : public testing::Test {
 protected:
  // Starts a server with a model that has learned 500 examples, and takes a snapshot of it.
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(here_.Start());
    ASSERT_TRUE(here_.client().CreateModel("ctr", Site::Learner()).ok());
    ASSERT_NO_FATAL_FAILURE(here_.Push("ctr", 0, 500));
    ASSERT_TRUE(here_.client().CreateSnapshot("ctr", "kept").ok());
    kept_digest_ = here_.DigestOf("ctr");
  }

  Site here_;
  std::string kept_digest_;
};

}  // namespace freshet

#endif  // FRESHET_TESTS_E2E_TRANSFER_SITE_H_
