// A connection to freshetd.
//
//   auto client = freshet::Client::Connect({.server = "127.0.0.1:7400"});
//   if (!client.ok()) return client.status();
//   freshet::v1::LearnerSpec learner;
//   learner.set_loss(freshet::v1::LOSS_LOGISTIC);
//   auto model = (*client)->CreateModel("ctr", learner);
//
// To push a stream of examples, see client/pusher.h.

#ifndef FRESHET_CLIENT_CLIENT_H_
#define FRESHET_CLIENT_CLIENT_H_

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "client/example.h"
#include "core/feature/example_batch.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "freshet/v1/stats_service.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace freshet {

// How a connection is encrypted. Files are in PEM.
struct ClientTls {
  // Roots that the server's certificate may lead to. Empty: the system's.
  std::string ca_file = {};
  // The client's own certificate, and those that lead to its root, where the server asks for one;
  // and its private key. Both, or neither.
  std::string certificate_file = {};
  std::string key_file = {};
};

// How to reach the server.
struct ClientOptions {
  // host:port of freshetd.
  std::string server = "127.0.0.1:7400";
  // How long a request may take, > 0; then it fails with DEADLINE_EXCEEDED. Streams of a Pusher
  // have no deadline.
  int64_t deadline_ms = 30'000;
  // How long Connect() waits for the server to answer at all, > 0. A server that refuses the
  // connection fails at once.
  int64_t connect_timeout_ms = 5'000;
  // What the server knows this client by, where it asks: the secret of a token. Empty: none.
  std::string token = {};
  // Absent: the connection is not encrypted.
  std::optional<ClientTls> tls = {};
};

// One prediction.
struct Prediction {
  float prediction = 0;  // Logistic loss: the probability of a positive label; else the value.
  float score = 0;       // Before the link function: the logit for logistic loss.
  uint64_t offset = 0;   // How fresh the answer is: the weights include this many log records.
};

// One prediction a row.
struct Predictions {
  std::vector<float> predictions;  // As Prediction::prediction.
  std::vector<float> scores;       // As Prediction::score.
  uint64_t offset = 0;             // As Prediction::offset.
};

// What a new model is like, apart from its learner.
struct NewModelOptions {
  // What acknowledged examples survive; unspecified: the server's default.
  v1::Durability durability = v1::DURABILITY_UNSPECIFIED;
  // How much log is kept beyond what recovery needs; what is not set is as the server is set up.
  v1::LogRetention log_retention = {};
};

// What becomes of a snapshot file that is imported.
struct ImportOptions {
  // The id of the snapshot; empty: the one that it had. Empty for a new model.
  std::string snapshot = {};
  // Create the model, which then begins with the snapshot's learners and state. Absent: it exists.
  std::optional<NewModelOptions> new_model = {};
};

// What a model's state is, in a form that can be compared.
struct Digest {
  uint64_t offset = 0;         // Log records that the state includes.
  uint64_t example_count = 0;  // Examples that it includes.
  std::string digest;          // 32 hexadecimal digits; equal streams have equal digests.
};

// Talks to one server. Models and snapshots are given as ids (`ctr`) or full names (`models/ctr`).
//
// Errors carry the server's code and message. UNAVAILABLE: the server cannot be reached, or is
// starting or stopping. DEADLINE_EXCEEDED: it took longer than options.deadline_ms.
//
// Threads: all methods may be called from any number of threads at once.
class Client {
 public:
  // Connects. UNAVAILABLE where nobody answers, or encryption does not come about;
  // INVALID_ARGUMENT where an option is out of range; NOT_FOUND where a file cannot be read.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(ClientOptions options);

  // Creates a model with one variant that learns as `learner` says (absent options take their
  // defaults, the loss is required). ALREADY_EXISTS where the id is taken. Returns it with every
  // default filled in.
  absl::StatusOr<v1::Model> CreateModel(
      std::string_view model, const v1::LearnerSpec& learner,
      v1::Durability durability = v1::DURABILITY_UNSPECIFIED) const;
  absl::StatusOr<v1::Model> CreateModel(std::string_view model, const v1::LearnerSpec& learner,
                                        const NewModelOptions& options) const;
  // Creates a model that begins with the learners and the state of a snapshot of any model on the
  // server, `models/{model}/snapshots/{snapshot}`. NOT_FOUND where there is none; DATA_LOSS where
  // its file is damaged.
  absl::StatusOr<v1::Model> CreateModelFromSnapshot(std::string_view model,
                                                    std::string_view source_snapshot,
                                                    const NewModelOptions& options = {}) const;
  // Describes a model, with its metrics as of now. NOT_FOUND where there is none.
  absl::StatusOr<v1::Model> GetModel(std::string_view model) const;
  // All models, by id.
  absl::StatusOr<std::vector<v1::Model>> ListModels() const;
  // Changes the fields of a model that `fields` names (durability, log_retention and its parts) to
  // what they are in `values`; one that is absent there takes the server's default.
  // FAILED_PRECONDITION where the model would get a log, or lose it.
  absl::StatusOr<v1::Model> UpdateModel(std::string_view model, const v1::Model& values,
                                        const std::vector<std::string>& fields) const;
  // Deletes a model with its snapshots.
  absl::Status DeleteModel(std::string_view model) const;

  // Takes a snapshot; returns once it is safely on disk. The server chooses the id where `snapshot`
  // is empty.
  absl::StatusOr<v1::Snapshot> CreateSnapshot(std::string_view model,
                                              std::string_view snapshot = "") const;
  // Describes a snapshot.
  absl::StatusOr<v1::Snapshot> GetSnapshot(std::string_view model, std::string_view snapshot) const;
  // All snapshots of a model, oldest first.
  absl::StatusOr<std::vector<v1::Snapshot>> ListSnapshots(std::string_view model) const;
  // Deletes a snapshot.
  absl::Status DeleteSnapshot(std::string_view model, std::string_view snapshot) const;
  // Puts a model back to the state of a snapshot. DATA_LOSS where the file is damaged; the model
  // then stays as it was.
  absl::StatusOr<v1::Model> RestoreSnapshot(std::string_view model,
                                            std::string_view snapshot) const;

  // Writes a snapshot's file to `out`, which may be large: there is no deadline. Returns its size
  // in bytes. Whatever fails, a part of it may have been written. DATA_LOSS where the file is
  // damaged; UNKNOWN where `out` cannot be written.
  absl::StatusOr<uint64_t> ExportSnapshot(std::string_view model, std::string_view snapshot,
                                          std::ostream& out) const;
  // Reads an exported file from `in` and makes it a snapshot of a model that has the same learners,
  // to be restored; or creates a model from it. No deadline either. Nothing comes of a file that is
  // not whole (DATA_LOSS). FAILED_PRECONDITION where a newer freshet wrote it, or its learners are
  // not the model's; ALREADY_EXISTS where the id is taken; UNKNOWN where `in` cannot be read.
  absl::StatusOr<v1::Snapshot> ImportSnapshot(std::string_view model, std::istream& in,
                                              const ImportOptions& options = {}) const;

  // A hash over weights, optimizer state and metrics that does not depend on how the stream was cut
  // into batches.
  absl::StatusOr<Digest> ComputeDigest(std::string_view model) const;

  // Predicts every row of `batch`; labels and weights are ignored. An empty batch is answered with
  // no predictions, without asking the server.
  absl::StatusOr<Predictions> Predict(std::string_view model,
                                      const ExampleBatchBuilder& batch) const;
  // Predicts one example.
  absl::StatusOr<Prediction> Predict(std::string_view model, const Example& example) const;

  // The features with the largest weights of a model's champion, whatever their sign; at most
  // 10000.
  absl::StatusOr<v1::ListTopWeightsResponse> ListTopWeights(std::string_view model,
                                                            uint32_t limit = 50) const;
  // How each feature of an example contributes to its score.
  absl::StatusOr<v1::ExplainResponse> Explain(std::string_view model, const Example& example) const;
  // The same for the one row of a batch. Where the batch keeps names (see
  // ExampleBatchBuilder::KeepNames()), the answer has them, and they are taken out. With
  // `with_recent_use`, it also tells when each weight was learned last, which takes a while.
  absl::StatusOr<v1::ExplainResponse> Explain(std::string_view model,
                                              const ExampleBatchBuilder& batch,
                                              bool with_recent_use = false) const;
  // What changed from one snapshot of a model to another; at most 10000 changes.
  absl::StatusOr<v1::CompareSnapshotsResponse> CompareSnapshots(std::string_view model,
                                                                std::string_view old_snapshot,
                                                                std::string_view new_snapshot,
                                                                uint32_t limit = 50) const;

  const ClientOptions& options() const { return options_; }
  // The connection, for stubs of one's own; AddToken() goes with each of their calls.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // Adds options().token, if there is one, to a call that was not started yet.
  void AddToken(grpc::ClientContext* context) const;

 private:
  Client(ClientOptions options, std::shared_ptr<grpc::Channel> channel);

  absl::StatusOr<v1::Model> CreateModel(const v1::CreateModelRequest& request) const;

  template <typename Stub, typename Request, typename Response>
  absl::Status Call(Stub* stub,
                    grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                    const Request& request, Response* response) const;

  const ClientOptions options_;
  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::ModelService::Stub> models_;
  const std::unique_ptr<v1::LearningService::Stub> learning_;
  const std::unique_ptr<v1::StatsService::Stub> stats_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_CLIENT_H_
