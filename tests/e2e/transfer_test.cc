// Snapshots that leave a server as files, come into another, and begin models.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "client/pusher.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "tests/support/random_examples.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kPatience = absl::Seconds(60);

v1::LearnerSpec Learner(uint32_t bits = 12) {
  v1::LearnerSpec learner;
  learner.set_loss(v1::LOSS_LOGISTIC);
  learner.set_bits(bits);
  return learner;
}

// A server with its folder and a client.
class Site {
 public:
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

  // Pushes the examples [first, first + count) of one stream.
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

  // The exported file.
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

  // The files that clients are sending.
  std::vector<std::string> Uploads() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() + "/uploads")) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  std::vector<std::string> ModelFolders() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() + "/models")) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  // Runs the freshet command against this server, in `dir`.
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
  // A server with a model that has learned 500 examples, and a snapshot of that.
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(here_.Start());
    ASSERT_TRUE(here_.client().CreateModel("ctr", Learner()).ok());
    ASSERT_NO_FATAL_FAILURE(here_.Push("ctr", 0, 500));
    ASSERT_TRUE(here_.client().CreateSnapshot("ctr", "kept").ok());
    kept_digest_ = here_.DigestOf("ctr");
  }

  Site here_;
  std::string kept_digest_;
};

TEST_F(TransferTest, AnExportedSnapshotIsRestoredOnAnotherServer) {
  const std::string file = here_.Export("ctr", "kept");
  const v1::Snapshot kept = here_.client().GetSnapshot("ctr", "kept").value();
  EXPECT_EQ(file.size(), kept.size_bytes());

  Site there;
  ASSERT_NO_FATAL_FAILURE(there.Start());
  ASSERT_TRUE(there.client().CreateModel("other", Learner()).ok());
  ASSERT_NO_FATAL_FAILURE(there.Push("other", 7, 100));
  const std::string before = there.DigestOf("other");
  const v1::Snapshot imported = there.Import("other", file, {.snapshot = "theirs"}).value();
  EXPECT_EQ(imported.name(), "models/other/snapshots/theirs");
  EXPECT_EQ(imported.trigger(), v1::SNAPSHOT_TRIGGER_IMPORT);
  EXPECT_EQ(imported.offset(), kept.offset());
  EXPECT_EQ(imported.example_count(), 500U);
  EXPECT_EQ(imported.create_time().nanos(), kept.create_time().nanos());
  EXPECT_EQ(there.Import("other", file).value().name(), "models/other/snapshots/kept");
  EXPECT_TRUE(absl::IsAlreadyExists(there.Import("other", file).status()));
  EXPECT_EQ(there.DigestOf("other"), before);

  // Recovery does not begin from it.
  ASSERT_NO_FATAL_FAILURE(there.KillAndStart());
  EXPECT_EQ(there.DigestOf("other"), before);
  const v1::Model restored = there.client().RestoreSnapshot("other", "theirs").value();
  EXPECT_EQ(restored.example_count(), 500U);
  EXPECT_EQ(restored.offset(), 3U);  // Two batches and the restore.
  EXPECT_EQ(there.DigestOf("other"), kept_digest_);
  EXPECT_TRUE(absl::IsFailedPrecondition(there.client().DeleteSnapshot("other", "theirs")));
  EXPECT_TRUE(there.client().DeleteSnapshot("other", "kept").ok());

  ASSERT_NO_FATAL_FAILURE(there.KillAndStart());
  EXPECT_EQ(there.DigestOf("other"), kept_digest_);
  ASSERT_NO_FATAL_FAILURE(here_.Push("ctr", 500, 300));
  ASSERT_NO_FATAL_FAILURE(there.Push("other", 500, 300));
  EXPECT_EQ(there.DigestOf("other"), here_.DigestOf("ctr"));
  EXPECT_THAT(there.Uploads(), IsEmpty());
}

TEST_F(TransferTest, AModelBegunFromASnapshotGoesOnThroughACrash) {
  const std::string file = here_.Export("ctr", "kept");
  std::vector<std::string> models;
  for (const v1::Durability durability : {v1::DURABILITY_FSYNC, v1::DURABILITY_NONE}) {
    const std::string suffix = durability == v1::DURABILITY_NONE ? "-none" : "-fsync";
    NewModelOptions options{.durability = durability};
    options.log_retention.set_max_age_s(77);
    const v1::Model made =
        here_.client()
            .CreateModelFromSnapshot("made" + suffix, "models/ctr/snapshots/kept", options)
            .value();
    EXPECT_EQ(made.offset(), 1U);
    EXPECT_EQ(made.example_count(), 500U);
    EXPECT_EQ(made.durability(), durability);
    EXPECT_EQ(made.log_retention().max_age_s(), 77U);
    EXPECT_EQ(made.variants(0).name(), "models/made" + suffix + "/variants/main");
    EXPECT_EQ(made.variants(0).learner().bits(), 12U);
    const v1::Snapshot origin = here_.Import("sent" + suffix, file, {.new_model = options}).value();
    EXPECT_EQ(origin.name(), "models/sent" + suffix + "/snapshots/origin");
    EXPECT_EQ(origin.trigger(), v1::SNAPSHOT_TRIGGER_IMPORT);
    models.push_back("made" + suffix);
    models.push_back("sent" + suffix);
  }
  for (const std::string& model : models) EXPECT_EQ(here_.DigestOf(model), kept_digest_) << model;
  EXPECT_THAT(here_.Uploads(), IsEmpty());

  ASSERT_NO_FATAL_FAILURE(here_.KillAndStart());
  ASSERT_NO_FATAL_FAILURE(here_.Push("ctr", 500, 300));
  for (const std::string& model : models) {
    EXPECT_EQ(here_.DigestOf(model), kept_digest_) << model;
    const absl::Status deleted = here_.client().DeleteSnapshot(model, "origin");
    // Without a log, its first snapshot holds all that the origin did.
    EXPECT_EQ(absl::IsFailedPrecondition(deleted), model.ends_with("-fsync")) << deleted;
    ASSERT_NO_FATAL_FAILURE(here_.Push(model, 500, 300));
    EXPECT_EQ(here_.DigestOf(model), here_.DigestOf("ctr")) << model;
    EXPECT_EQ(here_.client().GetModel(model)->offset(), 7U);
  }
  ASSERT_NO_FATAL_FAILURE(here_.KillAndStart());
  for (const std::string& model : models) {
    const std::string kept = model.ends_with("-fsync") ? here_.DigestOf("ctr") : kept_digest_;
    EXPECT_EQ(here_.DigestOf(model), kept) << model;
  }
  EXPECT_EQ(here_.server().Stop().code, 0);
  const CommandResult check = RunCommand({BinaryDir() + "/freshetd", "check", here_.path()});
  EXPECT_EQ(check.code, 0) << check.err;
  EXPECT_THAT(check.out, HasSubstr("models/made-fsync: 2 good snapshots (1 imported), the newest "
                                   "at offset 7\n"));
}

TEST_F(TransferTest, CheckTellsAnImportedSnapshotFromOneThatRecoveryBeginsFrom) {
  ASSERT_TRUE(here_.client().CreateModelFromSnapshot("made", "models/ctr/snapshots/kept").ok());
  here_.server().Kill();
  const std::string made = here_.path() + "/models/made";
  const CommandResult good = RunCommand({BinaryDir() + "/freshetd", "check", made});
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("log of offsets 0 to 1,"));
  EXPECT_THAT(good.out, HasSubstr("1 good snapshot (1 imported)\n"));
  const CommandResult cut =
      RunCommand({BinaryDir() + "/freshetd", "repair", made, "--truncate-at", "0"});
  EXPECT_EQ(cut.code, 0) << cut.err;
  EXPECT_THAT(cut.out, HasSubstr("the model goes on at offset 0"));
}

TEST_F(TransferTest, WhatIsNotWholeIsRefusedAndLeavesNothing) {
  const std::string file = here_.Export("ctr", "kept");
  const std::string before = here_.DigestOf("ctr");
  std::vector<std::string> bad = {file.substr(0, file.size() - 1), file.substr(0, file.size() / 2),
                                  file.substr(0, 10), file + "x", "not a snapshot at all"};
  for (size_t at = 0; at < file.size(); at += file.size() / 7) {
    bad.push_back(file);
    bad.back()[at] = static_cast<char>(bad.back()[at] ^ 0x10);
  }
  for (const std::string& damaged : bad) {
    const absl::Status refused = here_.Import("ctr", damaged, {.snapshot = "bad"}).status();
    EXPECT_TRUE(absl::IsDataLoss(refused)) << refused;
    EXPECT_THAT(std::string(refused.message()),
                HasSubstr("the file that was sent: the snapshot is damaged"));
    EXPECT_TRUE(
        absl::IsDataLoss(here_.Import("new", damaged, {.new_model = NewModelOptions()}).status()));
  }
  EXPECT_TRUE(absl::IsInvalidArgument(here_.Import("ctr", "", {.snapshot = "bad"}).status()));
  EXPECT_THAT(here_.Uploads(), IsEmpty());
  EXPECT_THAT(here_.ModelFolders(), testing::ElementsAre("ctr"));
  EXPECT_EQ(here_.client().ListSnapshots("ctr")->size(), 1U);
  EXPECT_EQ(here_.DigestOf("ctr"), before);
}

TEST_F(TransferTest, ASnapshotOfAnotherLearnerIsRefusedAndSaysHowItDiffers) {
  ASSERT_TRUE(here_.client().CreateModel("wide", Learner(13)).ok());
  const absl::Status refused = here_.Import("wide", here_.Export("ctr", "kept")).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr("bits: 12 -> 13"));
  EXPECT_THAT(*here_.client().ListSnapshots("wide"), IsEmpty());
  EXPECT_THAT(here_.Uploads(), IsEmpty());
}

TEST_F(TransferTest, ADamagedSnapshotIsNeitherExportedNorBegunFrom) {
  const std::string path = here_.path() + "/models/ctr/snapshots/kept.snapshot";
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(std::filesystem::file_size(path) / 2));
  file.write("\x5a\xa5\x5a", 3);
  file.close();
  std::ostringstream out;
  EXPECT_TRUE(absl::IsDataLoss(here_.client().ExportSnapshot("ctr", "kept", out).status()));
  EXPECT_EQ(out.str(), "");
  EXPECT_TRUE(absl::IsDataLoss(
      here_.client().CreateModelFromSnapshot("new", "models/ctr/snapshots/kept").status()));
  EXPECT_THAT(here_.ModelFolders(), testing::ElementsAre("ctr"));
}

TEST_F(TransferTest, WhatIsNotThereOrIsTakenIsNamed) {
  std::ostringstream out;
  EXPECT_TRUE(absl::IsNotFound(here_.client().ExportSnapshot("ctr", "none", out).status()));
  EXPECT_TRUE(absl::IsNotFound(here_.client().ExportSnapshot("none", "kept", out).status()));
  const std::string file = here_.Export("ctr", "kept");
  EXPECT_TRUE(absl::IsNotFound(here_.Import("none", file).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(here_.Import("ctr", file, {.snapshot = "No"}).status()));
  EXPECT_TRUE(
      absl::IsAlreadyExists(here_.Import("ctr", file, {.new_model = NewModelOptions()}).status()));
  EXPECT_TRUE(absl::IsNotFound(
      here_.client().CreateModelFromSnapshot("new", "models/ctr/snapshots/none").status()));
  EXPECT_TRUE(
      absl::IsInvalidArgument(here_.client().CreateModelFromSnapshot("new", "ctr/kept").status()));
  EXPECT_TRUE(absl::IsAlreadyExists(
      here_.client().CreateModelFromSnapshot("ctr", "models/ctr/snapshots/kept").status()));
}

// What other clients of the protocol may get wrong.
TEST_F(TransferTest, TheRulesOfTheStreamAreKept) {
  const auto stub = v1::ModelService::NewStub(here_.client().channel());
  const auto send = [&](const std::vector<v1::ImportSnapshotRequest>& messages) {
    grpc::ClientContext context;
    v1::ImportSnapshotResponse response;
    const auto writer = stub->ImportSnapshot(&context, &response);
    for (const v1::ImportSnapshotRequest& message : messages) writer->Write(message);
    writer->WritesDone();
    return writer->Finish();
  };
  EXPECT_EQ(send({}).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  v1::ImportSnapshotRequest piece;
  piece.set_data("x");
  EXPECT_EQ(send({piece}).error_code(), grpc::StatusCode::INVALID_ARGUMENT) << "no parent";
  v1::ImportSnapshotRequest first = piece;
  first.set_parent("models/ctr");
  const grpc::Status twice = send({first, first});
  EXPECT_EQ(twice.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(twice.error_message(), HasSubstr("first message"));
  v1::ImportSnapshotRequest named = first;
  named.mutable_new_model();
  named.set_parent("models/new");
  named.set_snapshot_id("mine");
  EXPECT_THAT(send({named}).error_message(), HasSubstr("origin"));
  named.clear_snapshot_id();
  named.mutable_new_model()->add_variants();
  named.set_data(here_.Export("ctr", "kept"));
  EXPECT_THAT(send({named}).error_message(), HasSubstr("leave out variants"));
  EXPECT_THAT(here_.Uploads(), IsEmpty());

  v1::CreateModelRequest create;
  create.set_model_id("new");
  create.set_source_snapshot("models/ctr/snapshots/kept");
  create.mutable_model()->add_variants();
  grpc::ClientContext context;
  v1::CreateModelResponse response;
  EXPECT_EQ(stub->CreateModel(&context, create, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(TransferTest, AClientThatDisappearsInTheMiddleLeavesNothing) {
  const std::string file = here_.Export("ctr", "kept");
  const auto await_uploads = [&](size_t count) {
    const absl::Time deadline = absl::Now() + kPatience;
    while (here_.Uploads().size() != count) {
      ASSERT_LT(absl::Now(), deadline) << count;
      absl::SleepFor(absl::Milliseconds(5));
    }
  };
  for (const bool new_model : {false, true}) {
    const auto client = Client::Connect({.server = here_.server().address()}).value();
    const auto stub = v1::ModelService::NewStub(client->channel());
    grpc::ClientContext context;
    v1::ImportSnapshotResponse response;
    const auto writer = stub->ImportSnapshot(&context, &response);
    v1::ImportSnapshotRequest request;
    request.set_parent(new_model ? "models/new" : "models/ctr");
    request.set_snapshot_id(new_model ? "" : "half");
    if (new_model) request.mutable_new_model();
    request.set_data(file.substr(0, file.size() / 2));
    ASSERT_TRUE(writer->Write(request));
    ASSERT_NO_FATAL_FAILURE(await_uploads(1));
    context.TryCancel();
    ASSERT_NO_FATAL_FAILURE(await_uploads(0));
    EXPECT_FALSE(writer->Finish().ok());
  }
  // One that is cut off with the server: what is left is removed at the next start.
  const auto stub = v1::ModelService::NewStub(here_.client().channel());
  grpc::ClientContext context;
  v1::ImportSnapshotResponse response;
  const auto writer = stub->ImportSnapshot(&context, &response);
  v1::ImportSnapshotRequest request;
  request.set_parent("models/ctr");
  request.set_data(file.substr(0, file.size() / 2));
  ASSERT_TRUE(writer->Write(request));
  ASSERT_NO_FATAL_FAILURE(await_uploads(1));
  here_.server().Kill();
  EXPECT_FALSE(writer->Finish().ok());
  EXPECT_EQ(here_.Uploads().size(), 1U);
  ASSERT_NO_FATAL_FAILURE(here_.Start());
  EXPECT_THAT(here_.Uploads(), IsEmpty());
  EXPECT_EQ(here_.client().ListSnapshots("ctr")->size(), 1U);
  EXPECT_EQ(here_.DigestOf("ctr"), kept_digest_);
}

// More clients than the server has threads for the disk begin to read, and stop.
TEST_F(TransferTest, ClientsThatDoNotReadOnHoldUpNobody) {
  ASSERT_TRUE(here_.client().CreateModel("big", Learner(20)).ok());
  ASSERT_EQ(RunCommand({"/bin/sh", "-c",
                        BinaryDir() + "/freshet generate clicks --rows 100000 | " + BinaryDir() +
                            "/freshet --server " + here_.server().address() + " push big -"})
                .code,
            0);
  const v1::Snapshot big = here_.client().CreateSnapshot("big", "big").value();
  ASSERT_GT(big.size_bytes(), uint64_t{4} << 20);
  const std::string digest = here_.DigestOf("big");
  const auto stub = v1::ModelService::NewStub(here_.client().channel());
  v1::ExportSnapshotRequest request;
  request.set_name(big.name());
  constexpr size_t kReaders = 8;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::ExportSnapshotResponse>>> readers;
  std::vector<std::string> files(kReaders);
  for (std::string& file : files) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    readers.push_back(stub->ExportSnapshot(contexts.back().get(), request));
    v1::ExportSnapshotResponse piece;
    ASSERT_TRUE(readers.back()->Read(&piece));
    EXPECT_LE(piece.data().size(), size_t{1} << 20);
    file = piece.data();
  }
  EXPECT_TRUE(here_.client().CreateSnapshot("ctr", "meanwhile").ok());
  EXPECT_TRUE(here_.client().DeleteModel("big").ok());
  // Half of them go away; most others read on, though the file was deleted.
  for (size_t i = 0; i + 1 < kReaders; ++i) {
    if (i % 2 == 0) {
      contexts[i]->TryCancel();
      EXPECT_FALSE(readers[i]->Finish().ok());
      continue;
    }
    v1::ExportSnapshotResponse piece;
    while (readers[i]->Read(&piece)) files[i] += piece.data();
    EXPECT_TRUE(readers[i]->Finish().ok());
    EXPECT_EQ(files[i].size(), big.size_bytes());
  }
  EXPECT_TRUE(here_.Import("again", files[1], {.new_model = NewModelOptions()}).ok());
  EXPECT_EQ(here_.DigestOf("again"), digest);
  // One is still at its first piece when the server stops.
  EXPECT_EQ(here_.server().Stop().code, 0);
  v1::ExportSnapshotResponse piece;
  while (readers.back()->Read(&piece)) {
  }
  EXPECT_FALSE(readers.back()->Finish().ok());
}

// Reads a file that cannot be read beyond some byte.
class FailingBuffer : public std::stringbuf {
 public:
  using std::stringbuf::stringbuf;

 protected:
  std::streamsize xsgetn(char* out, std::streamsize count) override {
    const std::streamsize got = std::stringbuf::xsgetn(out, count);
    if (got < count) throw std::ios::failure("the disk fails");
    return got;
  }
};

TEST_F(TransferTest, AFileThatCannotBeReadOrWrittenToItsEndIsNotTakenForWhole) {
  std::ostringstream full;
  full.setstate(std::ios::badbit);
  EXPECT_TRUE(absl::IsUnknown(here_.client().ExportSnapshot("ctr", "kept", full).status()));
  // Even where all that the server needs was sent before the failure.
  FailingBuffer failing(here_.Export("ctr", "kept"));
  std::istream in(&failing);
  const absl::Status refused =
      here_.client().ImportSnapshot("ctr", in, {.snapshot = "failing"}).status();
  EXPECT_TRUE(absl::IsUnknown(refused)) << refused;
  EXPECT_TRUE(in.bad());
  EXPECT_EQ(here_.client().ListSnapshots("ctr")->size(), 1U);
}

TEST_F(TransferTest, AServerStopsWhileAClientIsSending) {
  const auto stub = v1::ModelService::NewStub(here_.client().channel());
  grpc::ClientContext context;
  v1::ImportSnapshotResponse response;
  const auto writer = stub->ImportSnapshot(&context, &response);
  v1::ImportSnapshotRequest request;
  request.set_parent("models/ctr");
  request.set_data("x");
  ASSERT_TRUE(writer->Write(request));
  EXPECT_EQ(here_.server().Stop().code, 0);
  EXPECT_FALSE(writer->Finish().ok());
  EXPECT_THAT(here_.Uploads(), IsEmpty());
}

TEST_F(TransferTest, TheCommandExportsAndImports) {
  const TemporaryFolder folder;
  const auto freshet = [&](const std::string& arguments) {
    return here_.Freshet(folder.path(), arguments);
  };
  const CommandResult exported = freshet("snapshots export ctr kept");
  EXPECT_EQ(exported.code, 0) << exported.err;
  EXPECT_THAT(exported.out, HasSubstr("exported snapshot kept of ctr to ctr-kept.snapshot: "));
  EXPECT_TRUE(std::filesystem::exists(folder.path() + "/ctr-kept.snapshot"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/ctr-kept.snapshot.tmp"));
  const CommandResult again = freshet("snapshots export ctr kept");
  EXPECT_EQ(again.code, 73);
  EXPECT_THAT(again.err, HasSubstr("ctr-kept.snapshot exists; --force overwrites it"));
  EXPECT_EQ(freshet("snapshots export ctr kept --force").code, 0);
  EXPECT_EQ(freshet("snapshots export ctr kept --output - > piped").code, 0);
  EXPECT_EQ(freshet("snapshots export ctr kept --output - > /dev/full").code, 74);
  EXPECT_EQ(freshet("snapshots export ctr none --output none").code, 66);
  EXPECT_EQ(freshet("snapshots export ctr kept --output missing/file").code, 66);
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/none"));
  EXPECT_FALSE(std::filesystem::exists(folder.path() + "/none.tmp"));
  EXPECT_THAT(freshet("--json snapshots export ctr kept --output third").out,
              HasSubstr(R"({"snapshot":"models/ctr/snapshots/kept","file":"third","bytes":)"));
  EXPECT_EQ(
      RunCommand({"/usr/bin/cmp", folder.path() + "/piped", folder.path() + "/ctr-kept.snapshot"})
          .code,
      0);

  const CommandResult imported = freshet("snapshots import ctr ctr-kept.snapshot --id back");
  EXPECT_EQ(imported.code, 0) << imported.err;
  EXPECT_THAT(imported.out, HasSubstr("imported snapshot back of ctr: 500 examples"));
  EXPECT_EQ(freshet("snapshots import ctr - --id piped < piped").code, 0);
  EXPECT_THAT(freshet("snapshots list ctr").out, HasSubstr("  import  "));
  EXPECT_EQ(freshet("snapshots import ctr piped").code, 73) << "it has the id of the first";
  EXPECT_EQ(freshet("snapshots import ctr missing").code, 66);
  EXPECT_EQ(freshet("snapshots import ctr .").code, 64);
  EXPECT_EQ(freshet("snapshots import nothing piped").code, 66);
  std::filesystem::copy(folder.path() + "/piped", folder.path() + "/cut");
  std::filesystem::resize_file(folder.path() + "/cut", 100);
  const CommandResult damaged = freshet("snapshots import ctr cut --id cut");
  EXPECT_EQ(damaged.code, 65);
  EXPECT_THAT(damaged.err,
              HasSubstr("freshet: cut: the file that was sent: the snapshot is damaged"));
  EXPECT_EQ(freshet("models create narrow --bits 11").code, 0);
  const CommandResult foreign = freshet("snapshots import narrow piped");
  EXPECT_EQ(foreign.code, 78);
  EXPECT_THAT(foreign.err, HasSubstr("create a model from it instead"));
}

TEST_F(TransferTest, TheCommandCreatesModelsFromSnapshots) {
  const TemporaryFolder folder;
  const auto freshet = [&](const std::string& arguments) {
    return here_.Freshet(folder.path(), arguments);
  };
  ASSERT_EQ(freshet("snapshots export ctr kept --output file").code, 0);
  const CommandResult of_server =
      freshet("models create one --from-snapshot ctr/kept --retain-bytes 10G --retain-age 7d");
  EXPECT_EQ(of_server.code, 0) << of_server.err;
  EXPECT_THAT(of_server.out, HasSubstr("created one: logistic loss, adagrad, 2^12 slots"));
  EXPECT_THAT(of_server.out, HasSubstr("500 examples learned before"));
  EXPECT_EQ(freshet("models create two --from-snapshot models/ctr/snapshots/kept").code, 0);
  const CommandResult of_file =
      freshet("models create three --from-snapshot file --durability none");
  EXPECT_EQ(of_file.code, 0) << of_file.err;
  for (const char* model : {"one", "two", "three"}) {
    EXPECT_EQ(here_.DigestOf(model), kept_digest_) << model;
  }
  const std::string described = freshet("models describe one").out;
  EXPECT_THAT(described, HasSubstr("from offset 0, logged up to 1\n"));
  EXPECT_THAT(described, HasSubstr("10.0 GB, 7d\n"));
  EXPECT_THAT(described, testing::ContainsRegex("snapshots +1, "));
  EXPECT_THAT(freshet("models describe ctr").out, HasSubstr("the newest at offset 10\n"));

  for (const char* flag : {"--loss squared", "--learner sgd", "--bits 12", "--set l2=0"}) {
    const CommandResult refused =
        freshet(std::string("models create no --from-snapshot ctr/kept ") + flag);
    EXPECT_EQ(refused.code, 64) << flag;
    EXPECT_THAT(refused.err, HasSubstr("the learner comes with the snapshot; leave out --"));
  }
  const CommandResult neither = freshet("models create no --from-snapshot nothing");
  EXPECT_EQ(neither.code, 66);
  EXPECT_THAT(neither.err, HasSubstr("neither a file nor a snapshot"));
  EXPECT_EQ(freshet("models create no --from-snapshot ctr/none").code, 66);
  EXPECT_EQ(freshet("models create one --from-snapshot ctr/kept").code, 73);
  EXPECT_EQ(freshet("models create no --retain-bytes 10X").code, 64);
  EXPECT_EQ(freshet("models create no --retain-age 3w").code, 64);
  EXPECT_THAT(here_.ModelFolders(), testing::ElementsAre("ctr", "one", "three", "two"));
}

}  // namespace
}  // namespace freshet
