#include "server/model/served_model.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "core/base/json_object.h"
#include "core/base/str_cat.h"
#include "core/format/input_mapping_message.h"
#include "google/protobuf/util/time_util.h"
#include "server/model/imported_snapshot.h"
#include "server/model/model_manifest.h"
#include "server/record/model_settings.h"
#include "server/thread/thread_priority.h"
#include "server/view/label_rule_check.h"
#include "server/view/snapshot_state.h"

namespace freshet {
namespace {

std::shared_ptr<LogWriter> MakeLogWriter(std::unique_ptr<Log> log,
                                         const ModelEnvironment& environment,
                                         const v1::Model& spec) {
  if (log == nullptr) return nullptr;
  return std::make_shared<LogWriter>(
      std::move(log), environment.loggers,
      LogWriter::Options{.sync = spec.durability() == v1::DURABILITY_FSYNC,
                         .retry_interval = environment.log_retry_interval,
                         .unsynced_pool = environment.unsynced_loggers});
}

std::shared_ptr<const PreparedInput> InputOf(const v1::Model& settings) {
  if (!settings.has_input()) return nullptr;
  FormatOptions options;
  options.mapping = InputMappingOf(settings.input());
  // A mapping is checked before it becomes a setting.
  auto prepared = PrepareInput(options);
  return prepared.ok() ? *std::move(prepared) : nullptr;
}

std::shared_ptr<const v1::LabelRule> LabelRuleOf(const v1::Model& settings) {
  if (!settings.has_label_rule()) return nullptr;
  return std::make_shared<const v1::LabelRule>(settings.label_rule());
}

// What the settings say, and the server's where they say nothing.
Retention RetentionOf(const ModelEnvironment& environment, const v1::Model& settings) {
  Retention retention = environment.log_retention;
  const v1::LogRetention& own = settings.log_retention();
  if (own.has_max_bytes()) retention.max_bytes = own.max_bytes();
  if (own.has_max_age_s()) retention.max_age = absl::Seconds(own.max_age_s());
  return retention;
}

}  // namespace

ServedModel::ServedModel(const ModelEnvironment& environment, RecoveredModel& recovered)
    : environment_(environment),
      id_(ModelIdOf(recovered.spec)),
      spec_(std::move(recovered.spec)),
      log_(MakeLogWriter(std::move(recovered.log), environment, spec_)),
      names_(recovered.state->names()),
      replayed_bytes_(recovered.replayed_bytes),
      files_(
          std::move(recovered.snapshots), log_, std::move(recovered.restores),
          ModelFiles::Options{.keep_snapshots = {.count = environment.keep_snapshot_count,
                                                 .hourly = environment.keep_hourly_snapshot_count,
                                                 .daily = environment.keep_daily_snapshot_count},
                              .log_retention = RetentionOf(environment, spec_),
                              .clock = environment.clock}),
      predictor_(std::move(recovered.predictor)),
      figures_(WriterShare::kBrief,
               [this](const ModelState& state) {
                 v1::Model model = spec_;
                 state.Describe(model);
                 model.set_state(v1::MODEL_STATE_SERVING);
                 return model;
               }),
      digest_(WriterShare::kLong,
              [](const ModelState& state) {
                v1::ComputeDigestResponse response;
                response.set_offset(state.offset());
                response.set_example_count(state.example_count());
                response.set_digest(state.ComputeDigest());
                return response;
              }),
      settings_(SettingsOf(spec_)),
      input_(InputOf(settings_)),
      label_rule_(LabelRuleOf(settings_)) {}

std::shared_ptr<const PreparedInput> ServedModel::input() const {
  absl::MutexLock lock(&mu_);
  return input_;
}

absl::StatusOr<std::shared_ptr<ServedModel>> ServedModel::Start(const ModelEnvironment& environment,
                                                                RecoveredModel model) {
  std::shared_ptr<ServedModel> runtime(new ServedModel(environment, model));
  const auto publish = [weak = std::weak_ptr<ServedModel>(runtime)](const ModelState& applied,
                                                                    const Record* record) {
    if (const auto self = weak.lock()) self->Publish(applied, record);
  };
  const uint64_t offset = model.state->offset();
  const uint64_t labels_number = model.state->labels().number();
  runtime->events_ = std::make_unique<ModelEvents>(runtime->EventsOptions());
  std::unique_ptr<LabelJoin> join;
  if (const std::shared_ptr<const v1::LabelRule> rule = runtime->label_rule()) {
    const uint64_t log_first = runtime->log_->first_offset();
    // A table that is lost is made anew from all that the log holds: events that wait may have
    // feedback that came before them, and ids of events that were learned must not come again.
    auto opened = runtime->events_->Open(*rule, log_first, log_first, offset);
    if (!opened.ok()) return opened.status();
    join = *std::move(opened);
  }
  runtime->files_.SetFurtherNeed(
      [events = runtime->events_.get()] { return events->SyncAndNeededFrom(); });
  runtime->pipeline_ =
      Pipeline::Start(std::move(model.state), runtime->log_, environment.learners,
                      Pipeline::Options{.max_queue_bytes = environment.max_queue_bytes,
                                        .total_queued_bytes = environment.total_queued_bytes,
                                        .max_producers = environment.max_producers,
                                        .clock = environment.clock},
                      publish);
  // After the pipeline, since the join submits decisions to it as soon as events are due.
  if (join != nullptr) runtime->events_->Start(std::move(join), offset, labels_number);
  runtime->challengers_.Start(std::move(model.challengers), runtime->spec_, offset,
                              environment.challenger_pool(), environment.io,
                              [&runtime](const std::string& name, const std::string& view_id) {
                                return runtime->ChallengerOptions(name, view_id);
                              });
  return runtime;
}

ServedModel::~ServedModel() {
  challengers_.Stop();
  events_->Stop();
}

LogFollower::Options ServedModel::FollowerOptions(const std::string& name) const {
  const std::weak_ptr<const ServedModel> weak = weak_from_this();
  LogFollower::Options options{.name = name,
                               .loss = Champion().variant->loss,
                               .open_log = {},
                               .when_logged = {},
                               .retry_interval = environment_.log_retry_interval};
  options.max_window_bytes = std::min(options.max_window_bytes, environment_.max_queue_bytes);
  options.open_log = [weak](uint64_t offset) -> absl::StatusOr<std::unique_ptr<LogReader>> {
    const auto self = weak.lock();
    if (self == nullptr || self->log_ == nullptr) return absl::NotFoundError("there is no log");
    return self->log_->NewReader(offset);
  };
  options.when_logged = [weak](uint64_t offset, std::function<void(absl::Status)> logged) {
    if (const auto self = weak.lock()) self->pipeline_->WhenLogged(offset, std::move(logged));
  };
  return options;
}

Challenger::Options ServedModel::ChallengerOptions(const std::string& name,
                                                   const std::string& view_id) {
  const std::weak_ptr<ServedModel> weak = weak_from_this();
  Challenger::Options options{.follower = FollowerOptions(name), .load_restored = {}};
  options.load_restored =
      [weak, view_id](const RestoreRecord& restore) -> absl::StatusOr<std::unique_ptr<Variant>> {
    const auto self = weak.lock();
    if (self == nullptr) return absl::NotFoundError("the model is gone");
    auto state = LoadSnapshotState(self->spec_, restore, self->files_.snapshots());
    if (!state.ok()) return state.status();
    for (std::unique_ptr<Variant>& variant : (*state)->TakeChallengers()) {
      if (variant->id() == view_id) return std::move(variant);
    }
    return absl::NotFoundError(StrCat("the snapshot has no ", view_id));
  };
  return options;
}

ModelEvents::Options ServedModel::EventsOptions() const {
  const std::weak_ptr<const ServedModel> weak = weak_from_this();
  const auto submit = [weak](LabelsRecord labels, LearnCallback done) {
    if (const auto self = weak.lock()) {
      self->pipeline_->SubmitLabels(std::move(labels), std::move(done));
    }
  };
  const auto accepted_offset = [weak]() -> uint64_t {
    const auto self = weak.lock();
    return self == nullptr ? 0 : self->pipeline_->accepted_offset();
  };
  return {.model_name = name(),
          .dir = environment_.data_dir.JoinDir(FolderOf(spec_)),
          .join = {.follower = FollowerOptions(StrCat(name(), "/events")),
                   .clock = environment_.clock,
                   .submit = submit,
                   .accepted_offset = accepted_offset},
          .io = environment_.io};
}

absl::Status ServedModel::BeginEvents(const v1::LabelRule& rule) {
  const uint64_t begin = offset();
  absl::StatusOr<std::unique_ptr<LabelJoin>> join =
      events_->Open(rule, begin, log_->first_offset(), begin);
  if (!join.ok()) return join.status();
  const auto opened = std::make_shared<std::unique_ptr<LabelJoin>>(*std::move(join));
  // On the strand, so that no record passes the join by.
  pipeline_->RunOnWriter([self = shared_from_this(), opened](const ModelState& state) {
    if (self->events_->is_started()) return;
    self->events_->Start(std::move(*opened), state.offset(), state.labels().number());
  });
  return absl::OkStatus();
}

std::shared_ptr<const v1::LabelRule> ServedModel::label_rule() const {
  const absl::MutexLock lock(&mu_);
  return label_rule_;
}

bool ServedModel::TakeEvents(std::unique_ptr<BatchRecord> rows, v1::EventsNote note,
                             LearnCallback done, std::string_view sender) {
  return pipeline_->SubmitEvents(std::move(rows), std::move(note), std::move(done), sender);
}

bool ServedModel::TakeFeedback(FeedbackRecord feedback, LearnCallback done,
                               std::string_view sender) {
  return pipeline_->SubmitFeedback(std::move(feedback), std::move(done), sender);
}

absl::Status ServedModel::CheckTakesEvents(uint64_t rows) {
  return events_->CheckTakes(label_rule().get(), rows, pipeline_->pending_rows());
}

absl::StatusOr<v1::Event> ServedModel::FindEvent(std::string_view event_id) const {
  return events_->Find(event_id, *Champion().variant, *names_);
}

absl::StatusOr<v1::ListEventsResponse> ServedModel::ListEvents(
    const v1::ListEventsRequest& request) const {
  return events_->List(request);
}

void ServedModel::Publish(const ModelState& state, const Record* record) {
  predictor_->Publish(state.champion());
  if (record != nullptr) {
    challengers_.Feed(state.offset() - 1, *record);
    events_->Feed(state.offset() - 1, *record);
  }
  SnapshotGrownLog();
}

void ServedModel::Stop(const absl::Status& reason) {
  pipeline_->Stop(reason);
  challengers_.Stop();
  events_->Stop();
}

uint64_t ServedModel::logged_bytes() const {
  return log_ == nullptr ? 0 : replayed_bytes_ + log_->appended_bytes();
}

void ServedModel::SnapshotGrownLog() {
  const uint64_t limit = environment_.snapshot_log_growth_bytes;
  if (limit == 0 || logged_bytes() - snapshot_logged_bytes_ < limit || pipeline_ == nullptr ||
      growth_snapshot_running_.exchange(true)) {
    return;
  }
  CreateSnapshot("", v1::SNAPSHOT_TRIGGER_LOG_GROWTH,
                 [self = shared_from_this()](const absl::StatusOr<v1::Snapshot>& snapshot) {
                   // After as many bytes again it is tried again.
                   if (!snapshot.ok()) self->LogSnapshotFailure(snapshot.status());
                   self->growth_snapshot_running_ = false;
                 });
}

absl::StatusOr<VariantView> ServedModel::FindVariant(std::string_view variant_id) const {
  const std::string variant_name = StrCat(name(), "/variants/", variant_id);
  const auto found = variant_id.empty()
                         ? spec_.variants().begin()
                         : std::find_if(spec_.variants().begin(), spec_.variants().end(),
                                        [&](const v1::Variant& variant) {
                                          return variant.name() == variant_name;
                                        });
  if (found == spec_.variants().end()) {
    return absl::NotFoundError(StrCat("model \"", id_, "\" has no variant \"", variant_id,
                                      "\"; 'freshet models describe ", id_, "' lists them"));
  }
  const auto index = static_cast<size_t>(found - spec_.variants().begin());
  return index == 0 ? Champion() : challengers_.Now(index - 1);
}

absl::StatusOr<std::unique_ptr<LogReader>> ServedModel::ReadLogTail(uint64_t bytes) const {
  if (log_ == nullptr) {
    return absl::NotFoundError(StrCat("model \"", id_, "\" has no log"));
  }
  return log_->ReadTail(bytes);
}

absl::StatusOr<std::unique_ptr<ModelState>> ServedModel::LoadSnapshot(
    std::string_view snapshot_id) {
  return LoadSnapshotState(spec_, {.snapshot_id = std::string(snapshot_id), .file_checksum = {}},
                           files_.snapshots());
}

void ServedModel::Describe(Callback<v1::Model> done) {
  const std::shared_ptr<ServedModel> self = shared_from_this();
  figures_.Ask(*pipeline_, offset(), self,
               [self, done = std::move(done)](const v1::Model& counted) {
                 const auto model = std::make_shared<v1::Model>(counted);
                 model->set_queued_example_count(self->pipeline_->queued_example_count());
                 *model->mutable_storage() = self->files_.Describe();
                 model->mutable_storage()->set_last_pause_ms(self->last_pause_ms_);
                 if (model->has_label_rule()) {
                   self->events_->FillFigures(*model->mutable_labels());
                 }
                 self->challengers_.Describe(self, model, [model, done] { done(*model); });
               });
}

void ServedModel::ComputeDigest(Callback<v1::ComputeDigestResponse> done) {
  digest_.Ask(*pipeline_, offset(), shared_from_this(),
              [done = std::move(done)](const v1::ComputeDigestResponse& digest) { done(digest); });
}

void ServedModel::CreateSnapshot(std::string snapshot_id, v1::SnapshotTrigger trigger,
                                 Callback<v1::Snapshot> done) {
  if (snapshot_id.empty()) snapshot_id = files_.NextSnapshotId();
  const auto snapshot = std::make_shared<SnapshotInWork>();
  snapshot->done = std::move(done);
  v1::SnapshotFileHeader& header = snapshot->header;
  *header.mutable_model() = spec_;
  header.mutable_snapshot()->set_name(StrCat(name(), "/snapshots/", snapshot_id));
  header.mutable_snapshot()->set_trigger(trigger);
  header.set_server_version(environment_.server_version);
  header.set_state_version(ModelState::kVersion);
  // The one at the end waits for nothing: no more is learned.
  const WriterShare share =
      trigger == v1::SNAPSHOT_TRIGGER_SHUTDOWN ? WriterShare::kAtOnce : WriterShare::kLong;
  pipeline_->RunOnWriter(
      [self = shared_from_this(), snapshot](const ModelState& state) {
        self->SaveState(*snapshot, state);
        self->challengers_.Save(snapshot->header.snapshot().offset(), snapshot->state,
                                [self, snapshot] { self->FinishSnapshot(snapshot); });
      },
      share);
}

void ServedModel::SaveState(SnapshotInWork& snapshot, const ModelState& state) {
  const absl::Time begin = environment_.clock();
  snapshot.state = state.Save();
  PutSettings(state.settings(), *snapshot.header.mutable_model());
  v1::Snapshot& described = *snapshot.header.mutable_snapshot();
  described.set_offset(state.offset());
  described.set_example_count(state.example_count());
  *described.mutable_create_time() =
      google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(begin));
  described.set_pause_ms(absl::ToDoubleMilliseconds(environment_.clock() - begin));
  last_pause_ms_ = described.pause_ms();
  snapshot.header.set_events_lag(state.offset() - state.labels().needed_from());
  snapshot_logged_bytes_ = logged_bytes();
}

void ServedModel::FinishSnapshot(const std::shared_ptr<SnapshotInWork>& snapshot) {
  const std::shared_ptr<ServedModel> self = shared_from_this();
  const uint64_t offset = snapshot->header.snapshot().offset();
  uint64_t least = offset;
  uint64_t greatest = offset;
  for (const SavedPart& part : snapshot->state.parts) {
    least = std::min(least, part.offset);
    greatest = std::max(greatest, part.offset);
  }
  snapshot->header.set_variant_lag(offset - least);
  // A snapshot must never be ahead of the log, which would go on with other records.
  pipeline_->WhenLogged(greatest, [self, snapshot](const absl::Status& logged) {
    if (!logged.ok()) {
      snapshot->done(logged);
      return;
    }
    const bool is_last = snapshot->header.snapshot().trigger() == v1::SNAPSHOT_TRIGGER_SHUTDOWN;
    self->environment_.snapshot_pool(is_last).Post(
        [self, snapshot] { self->WriteSnapshot(*snapshot); });
  });
}

void ServedModel::HoldFiles(std::function<void()> held) {
  files_.gate().Close(absl::UnavailableError(StrCat(name(), " is being deleted")),
                      [self = shared_from_this(), held = std::move(held)] {
                        if (self->log_ == nullptr) {
                          held();
                        } else {
                          self->log_->Hold(held);
                        }
                      });
}

void ServedModel::ReleaseFiles() {
  files_.gate().Open();
  if (log_ != nullptr) log_->GoOn();
}

void ServedModel::FailHeldFiles(const absl::Status& cause) {
  if (log_ == nullptr) return;
  log_->Fail(absl::UnavailableError(StrCat(
      "the model's files cannot be put back after a deletion that failed: ", ToStd(cause.message()),
      "; the model predicts but does not learn until this is mended, then goes on by "
      "itself")));
}

void ServedModel::EndAsDeleted() {
  const absl::Status reason = absl::NotFoundError(StrCat(
      "model \"", id_, "\" was deleted; what this stream sent last may not have been learned"));
  pipeline_->Close(reason, [] {});
  challengers_.Stop();
  events_->Stop();
  if (log_ != nullptr) log_->Abandon(reason);
}

void ServedModel::WriteSnapshot(const SnapshotInWork& snapshot) {
  absl::StatusOr<v1::Snapshot> written;
  if (snapshot.header.snapshot().trigger() == v1::SNAPSHOT_TRIGGER_SHUTDOWN) {
    written = files_.WriteSnapshot(snapshot.header, snapshot.state);
  } else if (pipeline_->stopped()) {  // The end takes one of its own, and waits for no others.
    written = pipeline_->closed();
  } else {
    RunAtLowPriority([&] { written = files_.WriteSnapshot(snapshot.header, snapshot.state); });
  }
  if (!written.ok() && is_deleted()) {  // And so is the folder.
    written = absl::NotFoundError(StrCat(name(), " was deleted"));
  }
  snapshot.done(std::move(written));
}

ModelCounters ServedModel::Counters() const {
  const Pipeline::ProducerCounts producers = pipeline_->producer_counts();
  return {.syncs = files_.sync_latency(),
          .accepted_offset = pipeline_->accepted_offset(),
          .known_producers = producers.known,
          .forgotten_producers = producers.forgotten,
          .log_fault = !pipeline_->log_fault().ok()};
}

uint64_t ServedModel::SafeOffset() const {
  const uint64_t saved = files_.snapshot_offset();
  return log_ == nullptr ? saved : std::max(saved, log_->safe_offset());
}

void ServedModel::LogSnapshotFailure(const absl::Status& failure) const {
  if (is_deleted()) return;
  spdlog::error("event=snapshot_failed model={} error={}", name(),
                JsonString(ToStd(failure.message())));
}

absl::StatusOr<v1::Snapshot> ServedModel::ImportSnapshot(std::string_view snapshot_id,
                                                         const LoadedSnapshot& snapshot) {
  const v1::SnapshotFileHeader& source = snapshot.header();
  absl::Status status = CheckSameLearners(source, spec_);
  // A state that cannot be restored is of no use.
  if (status.ok()) status = LoadImportedState(spec_, snapshot).status();
  if (!status.ok()) return status;
  if (snapshot_id.empty()) snapshot_id = SnapshotIdOf(source);
  return files_.ImportSnapshot(
      ImportedHeader(source, spec_, snapshot_id, environment_.server_version), snapshot.payload());
}

void ServedModel::Update(const v1::UpdateModelRequest& request, Callback<v1::Model> done) {
  absl::StatusOr<v1::Model> settings;
  {
    absl::MutexLock lock(&mu_);
    if (updating_) {
      settings = absl::UnavailableError(
          StrCat("another change of ", name(), " is under way; try again when it is done"));
    } else {
      settings = CheckedLabelRule(UpdatedSettings(settings_, request));
    }
    updating_ |= settings.ok();
  }
  if (!settings.ok()) {
    done(settings.status());
    return;
  }
  pipeline_->SubmitSettings(
      *settings, [self = shared_from_this(), settings = *settings, done = std::move(done)](
                     const LearnOutcome& outcome) { self->FinishUpdate(settings, outcome, done); });
}

absl::StatusOr<v1::Model> ServedModel::CheckedLabelRule(absl::StatusOr<v1::Model> settings) const {
  if (!settings.ok()) return settings;
  if (!settings->has_label_rule()) {
    const uint64_t waiting = pipeline_->pending_rows();
    if (waiting == 0) return settings;
    return absl::FailedPreconditionError(
        StrCat(waiting, " events of ", name(),
               " wait for their labels, so its label rule cannot be taken away yet; it can be "
               "changed, for example to a shorter wait"));
  }
  absl::StatusOr<v1::LabelRule> rule = ResolveLabelRule(settings->label_rule(), spec_);
  if (!rule.ok()) return rule.status();
  *settings->mutable_label_rule() = *std::move(rule);
  return settings;
}

void ServedModel::FinishUpdate(const v1::Model& settings, const LearnOutcome& outcome,
                               const Callback<v1::Model>& done) {
  {
    absl::MutexLock lock(&mu_);
    // A record that could not be logged now may still be logged later on.
    if (outcome.offset > 0) {
      settings_ = settings;
      input_ = InputOf(settings);
      label_rule_ = LabelRuleOf(settings);
    }
    if (!outcome.status.ok()) updating_ = false;
  }
  if (outcome.offset > 0) files_.SetRetention(RetentionOf(environment_, settings));
  if (!outcome.status.ok()) {
    done(outcome.status);
    return;
  }
  environment_.io.Post(
      [self = shared_from_this(), settings, done] { self->FollowUpdate(settings, done); });
}

void ServedModel::FollowUpdate(const v1::Model& settings, const Callback<v1::Model>& done) {
  const absl::StatusOr<FileGate::Pass> pass = files_.gate().Enter();
  v1::Model spec = spec_;
  PutSettings(settings, spec);
  const absl::Status status =
      pass.ok() ? environment_.data_dir.WriteManifest(FolderOf(spec), FormatManifest(spec))
                : pass.status();
  files_.DeleteOld();
  absl::Status begun;
  if (settings.has_label_rule() && !events_->is_started()) {
    begun = BeginEvents(settings.label_rule());
  }
  {
    absl::MutexLock lock(&mu_);
    updating_ = false;
  }
  spdlog::info("event=model_updated model={} settings={}", name(),
               JsonString(settings.ShortDebugString()));
  if (!begun.ok()) {
    done(begun);
    return;
  }
  if (!status.ok()) {
    spdlog::warn("event=manifest_not_written model={} error={}", name(),
                 JsonString(status.ToString()));
    if (log_ == nullptr) {  // The manifest is all that there is; else recovery mends it.
      done(status);
      return;
    }
  }
  Describe(done);
}

void ServedModel::RestoreSnapshot(const std::string& snapshot_id, Callback<v1::Model> done) {
  files_.BeginRestore(snapshot_id);
  RestoreRecord target{.snapshot_id = snapshot_id, .file_checksum = {}};
  if (const auto header = files_.snapshots().Get(snapshot_id); header.ok()) {
    target.file_checksum = header->file_checksum();
  }
  absl::StatusOr<std::unique_ptr<ModelState>> state =
      LoadSnapshotState(spec_, target, files_.snapshots());
  if (!state.ok()) {
    files_.EndRestore(snapshot_id);
    done(absl::Status(state.status().code(),
                      StrCat(ToStd(state.status().message()), "; the model was left as it is")));
    return;
  }
  pipeline_->SubmitRestore(
      target, *std::move(state),
      [self = shared_from_this(), snapshot_id, done = std::move(done)](
          const LearnOutcome& outcome) { self->FinishRestore(snapshot_id, outcome, done); });
}

void ServedModel::FinishRestore(const std::string& snapshot_id, const LearnOutcome& outcome,
                                const Callback<v1::Model>& done) {
  // A record that could not be logged now may still be logged later on.
  if (outcome.offset > 0) files_.AddRestore(snapshot_id, outcome.offset - 1);
  files_.EndRestore(snapshot_id);
  if (!outcome.status.ok()) {
    done(outcome.status);
    return;
  }
  // What is on disk must lead to the restored state too.
  CreateSnapshot("", v1::SNAPSHOT_TRIGGER_RESTORE,
                 [self = shared_from_this(), done](const absl::StatusOr<v1::Snapshot>& snapshot) {
                   if (snapshot.ok()) {
                     self->Describe(done);
                   } else {
                     done(snapshot.status());
                   }
                 });
}

}  // namespace freshet
