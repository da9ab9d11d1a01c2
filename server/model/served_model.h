// A model that is being served.

#ifndef FRESHET_SERVER_MODEL_SERVED_MODEL_H_
#define FRESHET_SERVER_MODEL_SERVED_MODEL_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "core/format/field_roles.h"
#include "core/model/learner.h"
#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/model_service.pb.h"
#include "server/log/log_writer.h"
#include "server/model/challengers.h"
#include "server/model/model_environment.h"
#include "server/model/model_events.h"
#include "server/model/model_files.h"
#include "server/model/pipeline.h"
#include "server/model/predictor.h"
#include "server/model/recovered_model.h"
#include "server/model/shared_answer.h"
#include "server/snapshot/snapshot_file.h"
#include "server/stats/batch_counters.h"
#include "server/stats/model_counters.h"
#include "server/view/feature_names.h"
#include "server/view/model_state.h"

namespace freshet {

// The one interface of a model: services, HTTP and sources use it, and nothing behind it.
//
// Thread-safe. Callbacks run on any thread, once, and must not block.
class ServedModel : public std::enable_shared_from_this<ServedModel> {
 public:
  template <typename T>
  using Callback = std::function<void(absl::StatusOr<T>)>;
  using LearnCallback = Pipeline::LearnCallback;

  // Errors as ModelEvents::Open(). Blocks on the disk if the model has a label rule.
  static absl::StatusOr<std::shared_ptr<ServedModel>> Start(const ModelEnvironment& environment,
                                                            RecoveredModel model);

  // The challengers learn nothing more.
  ~ServedModel();

  const std::string& id() const { return id_; }
  const std::string& name() const { return spec_.name(); }
  // How to read rows by the model's input mapping; null if the model has none.
  std::shared_ptr<const PreparedInput> input() const;
  // As it was created, with the settings that were in force when the server started.
  const v1::Model& spec() const { return spec_; }

  // What the model predicts with, at this moment. Waits for nobody.
  VariantView Champion() const { return predictor_->Now(); }
  // The variant with this last part of its name; the champion where that is empty. NOT_FOUND where
  // there is none. Waits for nobody.
  absl::StatusOr<VariantView> FindVariant(std::string_view variant_id) const;

  // Learns a batch; see Pipeline::Submit(). False where the queue is now full: the caller should
  // stop reading from its client until `has_room`, given to NotifyWhenRoom(), is called.
  // REQUIRES: batch->Decode() returned true, for the champion's loss.
  bool Learn(std::unique_ptr<BatchRecord> batch, LearnCallback done, std::string_view sender = {}) {
    return pipeline_->Submit(std::move(batch), std::move(done), sender);
  }
  // Takes events and feedback; else as Learn(). For events of Predict, whose request has no
  // producer, the answer says only that they are logged. REQUIRES: CheckTakesEvents() is OK for
  // the rows; CheckEvents() is true.
  bool TakeEvents(std::unique_ptr<BatchRecord> rows, v1::EventsNote note, LearnCallback done,
                  std::string_view sender = {});
  bool TakeFeedback(FeedbackRecord feedback, LearnCallback done, std::string_view sender = {});
  // Whether the model takes so many further events, or feedback (0): FAILED_PRECONDITION where it
  // has no label rule, RESOURCE_EXHAUSTED where too many events wait; those are counted as refused.
  absl::Status CheckTakesEvents(uint64_t rows);

  // What became of an event, with its features and its scores. NOT_FOUND where no event younger
  // than the horizon has this id; FAILED_PRECONDITION where the model has no label rule;
  // UNAVAILABLE where its table of events cannot be read. Blocks on the disk, as does the next.
  absl::StatusOr<v1::Event> FindEvent(std::string_view event_id) const;
  // Events, oldest first; see v1.ListEventsRequest. INVALID_ARGUMENT for a malformed page token.
  absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request) const;

  // What was accepted of a producer; see Pipeline::FindProducer().
  void FindProducer(std::string_view producer_id, std::string_view sender,
                    Callback<ProducerTable::Entry> done) {
    pipeline_->FindProducer(producer_id, sender, std::move(done));
  }
  bool has_room() const { return pipeline_->has_room(); }
  void NotifyWhenRoom(std::function<void()> has_room) {
    pipeline_->NotifyWhenRoom(std::move(has_room));
  }
  // A batch was rejected for what it holds; see Sequencer::NoteRejected().
  void NoteRejected(const v1::LearnRequest& request) { pipeline_->NoteRejected(request); }
  void NoteRejected(const v1::FeedbackRequest& request) { pipeline_->NoteRejected(request); }

  // Reads the newest records of the log, about so many bytes of them. NOT_FOUND where the model has
  // none; otherwise errors as Log::NewReader(). Blocks on the disk.
  absl::StatusOr<std::unique_ptr<LogReader>> ReadLogTail(uint64_t bytes) const;

  // The names of the features of these slots; see FeatureNames::Find().
  std::vector<std::vector<std::string>> FindNames(std::span<const uint32_t> slots,
                                                  uint64_t slot_count) const {
    return names_->Find(slots, slot_count);
  }

  // The state that a snapshot holds, with its challengers. Reads and verifies the file; blocks on
  // the disk. Errors as LoadSnapshotState().
  absl::StatusOr<std::unique_ptr<ModelState>> LoadSnapshot(std::string_view snapshot_id);

  // The model with its figures as of now: all records that each variant had learned before the call
  // are in them. The writer counts them once for all who ask meanwhile, and takes a tenth of its
  // time for it at most; where nothing was learned since the last time, it is not asked.
  void Describe(Callback<v1::Model> done);

  // Takes a snapshot between two records; it is written once the log has all of them. An empty id
  // lets the model choose one. What is not needed any more is then deleted (see ModelFiles).
  // NOT_FOUND where the model is deleted meanwhile.
  void CreateSnapshot(std::string snapshot_id, v1::SnapshotTrigger trigger,
                      Callback<v1::Snapshot> done);

  // Says that a snapshot failed for which nobody waits. Says nothing of a model that was deleted.
  void LogSnapshotFailure(const absl::Status& failure) const;

  // Changes settings of the model: a record of its log, which the manifest then follows. Errors as
  // UpdatedSettings(); UNAVAILABLE while another change is under way. Does not block.
  void Update(const v1::UpdateModelRequest& request, Callback<v1::Model> done);

  // Puts the model back to the state of a snapshot. Reads the file on the calling thread.
  void RestoreSnapshot(const std::string& snapshot_id, Callback<v1::Model> done);

  // Takes a verified snapshot from elsewhere as one of this model's, to be restored; under the id
  // that it had where `snapshot_id` is empty. Blocks on the disk. FAILED_PRECONDITION where its
  // learners are not the model's or a newer server wrote it; DATA_LOSS where its state does not
  // fit; ALREADY_EXISTS where the id is taken. The model stays as it is.
  absl::StatusOr<v1::Snapshot> ImportSnapshot(std::string_view snapshot_id,
                                              const LoadedSnapshot& snapshot);

  // A hash of the champion's state (see ModelState::ComputeDigest()). Computed once for all who ask
  // meanwhile, in at most a tenth of the writer's time, and not again while the state stays as it
  // is.
  void ComputeDigest(Callback<v1::ComputeDigestResponse> done);

  // For a deletion. Lets no work on the model's files begin any more, and calls `held`, once, on
  // any thread, when none is under way; the model predicts meanwhile, and batches wait.
  void HoldFiles(std::function<void()> held);
  // The deletion failed: all goes on as before.
  void ReleaseFiles();
  // The deletion failed, and the files are not in their place yet: says so to those who push.
  void FailHeldFiles(const absl::Status& cause);
  // The model is deleted: its streams and what waits in it end with NOT_FOUND.
  void EndAsDeleted();

  // The snapshots on disk, oldest first. Does not block.
  std::vector<v1::SnapshotFileHeader> ListSnapshots() const { return files_.snapshots().List(); }
  // NOT_FOUND where there is none of this id. Does not block.
  absl::StatusOr<v1::SnapshotFileHeader> GetSnapshot(std::string_view snapshot_id) const {
    return files_.snapshots().Get(snapshot_id);
  }
  // The file of a snapshot, read and verified, whole or to be read piece by piece. Both block on
  // the disk; errors as SnapshotStore::Load().
  absl::StatusOr<LoadedSnapshot> ReadSnapshot(std::string_view snapshot_id) const {
    return files_.snapshots().Load(snapshot_id);
  }
  absl::StatusOr<std::unique_ptr<ReadFile>> OpenSnapshot(std::string_view snapshot_id) const {
    return files_.snapshots().OpenVerified(snapshot_id);
  }
  // FAILED_PRECONDITION where recovery needs it. Blocks on the disk.
  absl::Status DeleteSnapshot(std::string_view snapshot_id) {
    return files_.DeleteSnapshot(snapshot_id);
  }
  // Deletes snapshots and records that are not to be kept any more. Blocks on the disk.
  void DropOld() { files_.DeleteOld(); }

  // What is counted of the model, as of now. Does not block.
  ModelCounters Counters() const;

  // Why the log cannot be written now, so that nothing is accepted; OK where it can.
  absl::Status log_fault() const { return pipeline_->log_fault(); }

  // For the end of the server; see Pipeline::Stop().
  void Stop(const absl::Status& reason);
  bool is_open() const { return pipeline_->closed().ok(); }
  // All records below were acknowledged, up to the call of Stop().
  uint64_t acknowledged_offset() const { return pipeline_->acknowledged_offset(); }

  // Counted by who answers batches.
  BatchCounters& batch_counters() { return batch_counters_; }

  // True where the state has moved on since the newest snapshot.
  bool HasNewRecords() const { return offset() != files_.snapshot_offset(); }

  uint64_t offset() const { return predictor_->offset(); }

  bool has_log() const { return log_ != nullptr; }

  // The records below are in the log or in a snapshot, and are there after a crash of the process.
  uint64_t SafeOffset() const;

 private:
  friend class ServedModelPeer;  // Of tests.

  // A snapshot that is being taken.
  struct SnapshotInWork {
    v1::SnapshotFileHeader header;
    SavedState state;
    Callback<v1::Snapshot> done;
  };

  // What a follower of this model's log needs of it.
  LogFollower::Options FollowerOptions(const std::string& name) const;
  // What the join of events needs of this model.
  ModelEvents::Options EventsOptions() const;
  // Opens the table of events for the first time, and lets the join begin. Blocks on the disk.
  absl::Status BeginEvents(const v1::LabelRule& rule);
  // What a challenger needs of this model.
  Challenger::Options ChallengerOptions(const std::string& name, const std::string& view_id);
  // The steps of a snapshot: the champion's strand saves the state, the strand of each challenger
  // adds its part, and one of the threads for snapshots writes the file once the log has all of it.
  void SaveState(SnapshotInWork& snapshot, const ModelState& state);
  void FinishSnapshot(const std::shared_ptr<SnapshotInWork>& snapshot);
  void WriteSnapshot(const SnapshotInWork& snapshot);
  // Whether the model was deleted: a file that is not found says so only then.
  bool is_deleted() const { return absl::IsNotFound(pipeline_->closed()); }
  // The rule in force; null if the model takes no events.
  std::shared_ptr<const v1::LabelRule> label_rule() const;
  // Leaves the state to Start().
  ServedModel(const ModelEnvironment& environment, RecoveredModel& recovered);

  // Called on the strand after each record: lets readers see it.
  void Publish(const ModelState& state, const Record* record);
  // Takes a snapshot if the log has grown enough since the last one.
  void SnapshotGrownLog();
  // The settings with the defaults of their label rule. FAILED_PRECONDITION if they have none and
  // events wait.
  absl::StatusOr<v1::Model> CheckedLabelRule(absl::StatusOr<v1::Model> settings) const;
  // Called when the record of a change is answered; the second blocks on the disk.
  void FinishUpdate(const v1::Model& settings, const LearnOutcome& outcome,
                    const Callback<v1::Model>& done);
  void FollowUpdate(const v1::Model& settings, const Callback<v1::Model>& done);
  // Called when the record of a restore is answered.
  void FinishRestore(const std::string& snapshot_id, const LearnOutcome& outcome,
                     const Callback<v1::Model>& done);
  // What was logged since the newest snapshot from which this run of the server began.
  uint64_t logged_bytes() const;

  const ModelEnvironment& environment_;
  const std::string id_;  // The last part of its name.
  const v1::Model spec_;  // Its settings are those at the start; the state's are in force.
  const std::shared_ptr<LogWriter> log_;  // Null: no log.
  const std::shared_ptr<const FeatureNames> names_;
  const uint64_t replayed_bytes_;  // Logged between the newest snapshot and the start.
  ModelFiles files_;
  std::shared_ptr<Pipeline> pipeline_;   // Constant after Start().
  Challengers challengers_;              // Constant after Start().
  std::unique_ptr<ModelEvents> events_;  // The pointer is constant after Start().

  const std::shared_ptr<Predictor> predictor_;  // What readers see of the champion.

  BatchCounters batch_counters_;

  SharedAnswer<v1::Model> figures_;  // Of the state alone.
  SharedAnswer<v1::ComputeDigestResponse> digest_;

  std::atomic<uint64_t> snapshot_logged_bytes_{0};  // logged_bytes() at the last snapshot.
  std::atomic<bool> growth_snapshot_running_{false};
  std::atomic<double> last_pause_ms_{0};

  mutable absl::Mutex mu_;
  v1::Model settings_ ABSL_GUARDED_BY(mu_);  // Of the last change that was accepted.
  std::shared_ptr<const PreparedInput> input_ ABSL_GUARDED_BY(mu_);       // Of settings_; or null.
  std::shared_ptr<const v1::LabelRule> label_rule_ ABSL_GUARDED_BY(mu_);  // Of settings_; or null.
  bool updating_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_SERVED_MODEL_H_
