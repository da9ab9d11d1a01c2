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
#include "freshet/v1/event_service.grpc.pb.h"
#include "freshet/v1/learning_service.grpc.pb.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/model_service.grpc.pb.h"
#include "freshet/v1/stats_service.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"

namespace freshet {

// How a connection is encrypted. Files are in PEM.
struct ClientTls {
  // The root certificates to verify the server's certificate with. Empty: the system's.
  std::string ca_file = {};
  // For servers that ask for a client certificate: the client's certificate, followed by any
  // intermediate certificates, and its private key. Set both or neither.
  std::string certificate_file = {};
  std::string key_file = {};
};

// How to reach the server.
struct ClientOptions {
  // Where freshetd listens: host, host:port, [IPv6]:port or unix:PATH. Port 7400 if it is left out.
  std::string server = "127.0.0.1:7400";
  // How long a request may take, > 0; then it fails with DEADLINE_EXCEEDED. Streams of a Pusher
  // have no deadline.
  int64_t deadline_ms = 30'000;
  // How long Connect() waits for the server to answer at all, > 0. A server that refuses the
  // connection fails at once.
  int64_t connect_timeout_ms = 5'000;
  // The secret of this client's token, for servers that require tokens. Empty: none.
  std::string token = {};
  // Absent: the connection is not encrypted.
  std::optional<ClientTls> tls = {};
};

// One prediction.
struct Prediction {
  float prediction = 0;  // Logistic loss: the probability of a positive label; else the value.
  float score = 0;       // Before the link function: the logit for logistic loss.
  uint64_t offset = 0;   // How fresh it is: the weights include at least this many log records.
};

// The predictions for a batch, one for each row.
struct Predictions {
  std::vector<float> predictions;  // As Prediction::prediction.
  std::vector<float> scores;       // As Prediction::score.
  uint64_t offset = 0;             // As Prediction::offset.
  // Rows most of whose features the model never learned; see PredictResponse.unlearned_rows.
  std::vector<uint32_t> unlearned_rows = {};
  // The ids of the events, one for each row that was to be logged; see PredictOptions.
  std::vector<std::string> event_ids = {};
  // How many rows were to be logged and are not, since too many events wait or the model's queue is
  // full: all of them, or none.
  uint32_t dropped_event_count = 0;
};

// How to predict.
struct PredictOptions {
  // Set: rows become events, whose labels come later (see feedback_pusher.h). The model needs a
  // label rule.
  bool log_events = false;
  // The ids of the events, one for each row that is logged; empty: the server makes them.
  std::vector<std::string> event_ids = {};
  // The rows to log, from 0, in rising order; empty: all.
  std::vector<uint32_t> rows = {};
  // When each event happened, in milliseconds since 1970, one for each row that is logged; empty:
  // when the server accepts them.
  std::vector<int64_t> event_times_ms = {};
  // Whether the answer waits until the events are as durable as the model's durability requires.
  bool wait = false;
};

// Which events to list.
struct ListEventsOptions {
  v1::EventState state = v1::EVENT_STATE_UNSPECIFIED;  // Unspecified: in any state.
  size_t limit = 50;                                   // At most this many, the oldest.
};

// The settings of a new model other than its learner.
struct NewModelOptions {
  // What acknowledged examples survive; unspecified: the server's default.
  v1::Durability durability = v1::DURABILITY_UNSPECIFIED;
  // How much log is kept beyond what recovery needs; fields not set take the server's setting.
  v1::LogRetention log_retention = {};
  // What the fields of rows mean; absent: nothing is said, or what the snapshot says that the model
  // is created from.
  std::optional<v1::InputMapping> input = {};
  // How events get their labels; absent: the model takes no events.
  std::optional<v1::LabelRule> label_rule = {};
};

// What to make of an imported snapshot file.
struct ImportOptions {
  // The id of the snapshot; empty: its id when it was exported. Leave empty for a new model.
  std::string snapshot = {};
  // Set: create the model, with the learners and state of the snapshot. Absent: the model exists.
  std::optional<NewModelOptions> new_model = {};
};

// A hash of a model's state, to compare states.
struct Digest {
  uint64_t offset = 0;         // The number of log records that the state includes.
  uint64_t example_count = 0;  // The number of examples that the state includes.
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
  // Connects to the server. UNAVAILABLE if the server does not answer or the TLS handshake fails;
  // INVALID_ARGUMENT if an option is out of range; NOT_FOUND if a certificate or key cannot be
  // read.
  static absl::StatusOr<std::unique_ptr<Client>> Connect(ClientOptions options);

  // Creates a model with one variant that learns as `learner` says (absent options take their
  // defaults, the loss is required). Returns the model with every default filled in. ALREADY_EXISTS
  // if the id is taken.
  absl::StatusOr<v1::Model> CreateModel(
      std::string_view model, const v1::LearnerSpec& learner,
      v1::Durability durability = v1::DURABILITY_UNSPECIFIED) const;
  absl::StatusOr<v1::Model> CreateModel(std::string_view model, const v1::LearnerSpec& learner,
                                        const NewModelOptions& options) const;
  // Creates a model that begins with the learners and the state of a snapshot of any model on the
  // server, `models/{model}/snapshots/{snapshot}`. NOT_FOUND if the snapshot does not exist;
  // DATA_LOSS if its file is damaged.
  absl::StatusOr<v1::Model> CreateModelFromSnapshot(std::string_view model,
                                                    std::string_view source_snapshot,
                                                    const NewModelOptions& options = {}) const;
  // Describes a model, with its current metrics. NOT_FOUND if it does not exist.
  absl::StatusOr<v1::Model> GetModel(std::string_view model) const;
  // Lists all models in the order of their ids.
  absl::StatusOr<std::vector<v1::Model>> ListModels() const;
  // Changes the fields of a model that `fields` names (durability, label_rule, log_retention and
  // its parts) to their values in `values`; a field that is absent there takes the server's
  // default. FAILED_PRECONDITION if the model would gain or lose its log.
  absl::StatusOr<v1::Model> UpdateModel(std::string_view model, const v1::Model& values,
                                        const std::vector<std::string>& fields) const;
  // Deletes a model and its snapshots.
  absl::Status DeleteModel(std::string_view model) const;

  // Takes a snapshot; returns once it is safely on disk. The server chooses the id if `snapshot` is
  // empty.
  absl::StatusOr<v1::Snapshot> CreateSnapshot(std::string_view model,
                                              std::string_view snapshot = "") const;
  // Describes a snapshot.
  absl::StatusOr<v1::Snapshot> GetSnapshot(std::string_view model, std::string_view snapshot) const;
  // Lists all snapshots of a model, oldest first.
  absl::StatusOr<std::vector<v1::Snapshot>> ListSnapshots(std::string_view model) const;
  // Deletes a snapshot.
  absl::Status DeleteSnapshot(std::string_view model, std::string_view snapshot) const;
  // Restores a model to the state of a snapshot. DATA_LOSS if the file is damaged; the model then
  // stays as it was.
  absl::StatusOr<v1::Model> RestoreSnapshot(std::string_view model,
                                            std::string_view snapshot) const;

  // Writes a snapshot's file to `out` and returns its size in bytes. There is no deadline, since
  // the file may be large. After an error, part of the file may have been written. DATA_LOSS if the
  // file is damaged; UNKNOWN if `out` cannot be written.
  absl::StatusOr<uint64_t> ExportSnapshot(std::string_view model, std::string_view snapshot,
                                          std::ostream& out) const;
  // Reads an exported file from `in` and adds it as a snapshot to a model with the same learners,
  // which can then be restored to it; or creates a model from it (see ImportOptions::new_model).
  // There is no deadline. A damaged or incomplete file changes nothing (DATA_LOSS).
  // FAILED_PRECONDITION if a newer freshet wrote it, or if its learners are not those of the model;
  // ALREADY_EXISTS if the id is taken; UNKNOWN if `in` cannot be read.
  absl::StatusOr<v1::Snapshot> ImportSnapshot(std::string_view model, std::istream& in,
                                              const ImportOptions& options = {}) const;

  // Computes a hash of weights, optimizer state and metrics. It does not depend on how the stream
  // was cut into batches.
  absl::StatusOr<Digest> ComputeDigest(std::string_view model) const;

  // Predicts every row of `batch`; labels and weights are ignored. For an empty batch, returns no
  // predictions without asking the server.
  absl::StatusOr<Predictions> Predict(std::string_view model,
                                      const ExampleBatchBuilder& batch) const;
  // The same, and makes events of rows as `options` say.
  absl::StatusOr<Predictions> Predict(std::string_view model, const ExampleBatchBuilder& batch,
                                      const PredictOptions& options) const;
  // Predicts one example.
  absl::StatusOr<Prediction> Predict(std::string_view model, const Example& example) const;

  // Describes an event: its features, scores and feedback, and as what it was learned. NOT_FOUND if
  // the model knows no such event; FAILED_PRECONDITION if it has no label rule.
  absl::StatusOr<v1::Event> GetEvent(std::string_view model, std::string_view event_id) const;
  // Lists events, oldest first, without their features.
  absl::StatusOr<std::vector<v1::Event>> ListEvents(std::string_view model,
                                                    const ListEventsOptions& options = {}) const;

  // Which sequences of a producer the model has acknowledged; see PusherOptions::producer_id.
  // UNIMPLEMENTED if the server is older than this method.
  absl::StatusOr<v1::GetProducerResponse> GetProducer(std::string_view model,
                                                      std::string_view producer_id) const;

  // Lists the features with the largest absolute weights of a model's champion. `limit` is at most
  // 10000.
  absl::StatusOr<v1::ListTopWeightsResponse> ListTopWeights(std::string_view model,
                                                            uint32_t limit = 50) const;
  // Explains how each feature of an example contributes to its score.
  absl::StatusOr<v1::ExplainResponse> Explain(std::string_view model, const Example& example) const;
  // The same for a batch of exactly one row. If the batch keeps names (see
  // ExampleBatchBuilder::KeepNames()), they are sent along and removed from there, and the answer
  // contains them. With `with_recent_use`, the answer also says when each weight was last learned,
  // which takes the server longer.
  absl::StatusOr<v1::ExplainResponse> Explain(std::string_view model,
                                              const ExampleBatchBuilder& batch,
                                              bool with_recent_use = false) const;
  // Compares the weights in two snapshots of a model; returns the `limit` largest changes, at most
  // 10000.
  absl::StatusOr<v1::CompareSnapshotsResponse> CompareSnapshots(std::string_view model,
                                                                std::string_view old_snapshot,
                                                                std::string_view new_snapshot,
                                                                uint32_t limit = 50) const;

  const ClientOptions& options() const { return options_; }
  // The connection, for callers that use stubs of their own. They must call AddToken() for each
  // call.
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

  // Adds options().token, if there is one, to a call that has not been started yet.
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
  const std::unique_ptr<v1::EventService::Stub> events_;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_CLIENT_H_
