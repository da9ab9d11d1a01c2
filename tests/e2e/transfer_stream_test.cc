// The streams that transfer snapshots: their rules, and clients that are slow or go away.

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <ios>
#include <istream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/client.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "tests/e2e/transfer_site.h"
#include "tests/support/half_import.h"
#include "tests/support/server_process.h"

namespace freshet {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr absl::Duration kTransferPatience = absl::Seconds(60);

class TransferStreamTest : public TransferTest {};

// Mistakes that other clients of the protocol may make.
TEST_F(TransferStreamTest, TheRulesOfTheStreamAreKept) {
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

TEST_F(TransferStreamTest, AClientThatDisappearsInTheMiddleLeavesNothing) {
  const std::string file = here_.Export("ctr", "kept");
  const auto await_uploads = [&](size_t count) {
    const absl::Time deadline = absl::Now() + kTransferPatience;
    while (here_.Uploads().size() != count) {
      ASSERT_LT(absl::Now(), deadline) << count;
      absl::SleepFor(absl::Milliseconds(5));
    }
  };
  for (const bool new_model : {false, true}) {
    const auto client = Client::Connect({.server = here_.server().address()}).value();
    v1::ImportSnapshotRequest request;
    request.set_parent(new_model ? "models/new" : "models/ctr");
    request.set_snapshot_id(new_model ? "" : "half");
    if (new_model) request.mutable_new_model();
    request.set_data(file.substr(0, file.size() / 2));
    HalfImport import(*client, request);
    ASSERT_TRUE(import.is_sent());
    ASSERT_NO_FATAL_FAILURE(await_uploads(1));
    import.Cancel();
    ASSERT_NO_FATAL_FAILURE(await_uploads(0));
    EXPECT_FALSE(import.Finish().ok());
  }
  // An import that the death of the server cuts off; the next start removes what is left of it.
  HalfImport import(here_.client(), "ctr", file.substr(0, file.size() / 2));
  ASSERT_TRUE(import.is_sent());
  ASSERT_NO_FATAL_FAILURE(await_uploads(1));
  here_.server().Kill();
  EXPECT_FALSE(import.Finish().ok());
  EXPECT_EQ(here_.Uploads().size(), 1U);
  ASSERT_NO_FATAL_FAILURE(here_.Start());
  EXPECT_THAT(here_.Uploads(), IsEmpty());
  EXPECT_EQ(here_.client().ListSnapshots("ctr")->size(), 1U);
  EXPECT_EQ(here_.DigestOf("ctr"), kept_digest_);
}

// More clients than the server has disk threads begin to read, and stop.
TEST_F(TransferStreamTest, ClientsThatDoNotReadOnHoldUpNobody) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP()
      << "ThreadSanitizer takes minutes for each piece of a file, only to suppress what it "
         "finds in gRPC, which is not built for it";
#endif
  ASSERT_TRUE(here_.client().CreateModel("big", Site::Learner(20)).ok());
  ASSERT_EQ(RunCommand({"/bin/sh", "-c",
                        BinaryDir() + "/freshet generate clicks --rows 200000 | " + BinaryDir() +
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
  // Half of them go away. Most of the others read on, even though the file was deleted.
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
  // One is still at its first piece when the server stops. It must get the whole file or an error.
  EXPECT_EQ(here_.server().Stop().code, 0);
  v1::ExportSnapshotResponse piece;
  while (readers.back()->Read(&piece)) files.back() += piece.data();
  const bool whole = files.back().size() == big.size_bytes();
  EXPECT_EQ(readers.back()->Finish().ok(), whole);
}

// A buffer whose reads fail beyond some byte.
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

TEST_F(TransferStreamTest, AFileThatCannotBeReadOrWrittenToItsEndIsNotTakenForWhole) {
  std::ostringstream full;
  full.setstate(std::ios::badbit);
  EXPECT_TRUE(absl::IsUnknown(here_.client().ExportSnapshot("ctr", "kept", full).status()));
  FailingBuffer failing(here_.Export("ctr", "kept"));
  std::istream in(&failing);
  const absl::Status refused =
      here_.client().ImportSnapshot("ctr", in, {.snapshot = "failing"}).status();
  EXPECT_TRUE(absl::IsUnknown(refused)) << refused;
  EXPECT_TRUE(in.bad());
  EXPECT_EQ(here_.client().ListSnapshots("ctr")->size(), 1U);
}

TEST_F(TransferStreamTest, AServerStopsWhileAClientIsSending) {
  HalfImport import(here_.client(), "ctr", "x");
  ASSERT_TRUE(import.is_sent());
  EXPECT_EQ(here_.server().Stop().code, 0);
  EXPECT_FALSE(import.Finish().ok());
  EXPECT_THAT(here_.Uploads(), IsEmpty());
}

}  // namespace
}  // namespace freshet
