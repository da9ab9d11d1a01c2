#include "server/runtime/model_runtime.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "core/base/str_cat.h"
#include "google/protobuf/util/time_util.h"
#include "server/runtime/learner_spec.h"

namespace freshet {
namespace {

bool IsAutomatic(const v1::Snapshot& snapshot) {
  return snapshot.trigger() == v1::SNAPSHOT_TRIGGER_INTERVAL ||
         snapshot.trigger() == v1::SNAPSHOT_TRIGGER_SHUTDOWN;
}

std::shared_ptr<LogWriter> MakeLogWriter(std::unique_ptr<Log> log,
                                         const RuntimeEnvironment& environment,
                                         const v1::Model& spec) {
  if (log == nullptr) return nullptr;
  return std::make_shared<LogWriter>(
      std::move(log), environment.loggers,
      LogWriter::Options{.sync = spec.durability() == v1::DURABILITY_FSYNC,
                         .retry_interval = environment.log_retry_interval});
}

std::string_view LastPart(std::string_view name) { return name.substr(name.rfind('/') + 1); }

}  // namespace

ModelRuntime::ModelRuntime(const RuntimeEnvironment& environment, std::string model_id,
                           v1::Model spec, std::unique_ptr<SnapshotStore> snapshots,
                           std::unique_ptr<Log> log)
    : environment_(environment),
      id_(std::move(model_id)),
      spec_(std::move(spec)),
      loss_(LossKindOf(spec_.variants(0).learner())),
      snapshots_(std::move(snapshots)),
      log_(MakeLogWriter(std::move(log), environment, spec_)) {
  for (const v1::SnapshotFileHeader& header : snapshots_->List()) {
    snapshot_offset_ = std::max(snapshot_offset_.load(), header.snapshot().offset());
    uint64_t number = 0;
    const std::string_view id = LastPart(header.snapshot().name());
    if (id.front() == 's' && absl::SimpleAtoi(ToAbsl(id.substr(1)), &number)) {
      next_snapshot_number_ = std::max(next_snapshot_number_.load(), number + 1);
    }
  }
}

std::shared_ptr<ModelRuntime> ModelRuntime::Start(const RuntimeEnvironment& environment,
                                                  std::string model_id, v1::Model spec,
                                                  std::unique_ptr<SnapshotStore> snapshots,
                                                  std::unique_ptr<Log> log,
                                                  std::unique_ptr<ModelState> state) {
  std::shared_ptr<ModelRuntime> runtime(new ModelRuntime(
      environment, std::move(model_id), std::move(spec), std::move(snapshots), std::move(log)));
  const auto publish = [served = runtime->served_](const ModelState& applied) {
    if (served->champion.load(std::memory_order_relaxed) != applied.champion()) {
      served->champion.store(applied.champion());
    }
    served->offset.store(applied.offset(), std::memory_order_release);
  };
  runtime->pipeline_ =
      Pipeline::Start(std::move(state), runtime->log_, environment.learners,
                      Pipeline::Options{.max_queue_bytes = environment.max_queue_bytes}, publish);
  return runtime;
}

uint64_t ModelRuntime::Predict(const ExampleBatch& examples, std::span<float> scores,
                               std::span<float> predictions) const {
  const uint64_t now = offset();
  const std::shared_ptr<const Learner> champion = served_->champion.load();
  champion->PredictBatch(examples, scores);
  std::transform(scores.begin(), scores.end(), predictions.begin(),
                 [&](float score) { return champion->Prediction(score); });
  return now;
}

float ModelRuntime::Prediction(float score) const {
  return served_->champion.load()->Prediction(score);
}

void ModelRuntime::Describe(Callback<v1::Model> done) {
  pipeline_->RunOnWriter([self = shared_from_this(), done = std::move(done)](ModelState& state) {
    v1::Model model = self->spec_;
    state.Describe(model);
    model.set_queued_example_count(self->pipeline_->queued_example_count());
    done(std::move(model));
  });
}

void ModelRuntime::ComputeDigest(Callback<v1::ComputeDigestResponse> done) {
  pipeline_->RunOnWriter([done = std::move(done)](ModelState& state) {
    v1::ComputeDigestResponse response;
    response.set_offset(state.offset());
    response.set_example_count(state.example_count());
    response.set_digest(state.ComputeDigest());
    done(std::move(response));
  });
}

std::string ModelRuntime::NextSnapshotId() {
  return absl::StrFormat("s%06d", next_snapshot_number_.fetch_add(1));
}

void ModelRuntime::CreateSnapshot(std::string snapshot_id, v1::SnapshotTrigger trigger,
                                  Callback<v1::Snapshot> done) {
  if (snapshot_id.empty()) snapshot_id = NextSnapshotId();
  v1::SnapshotFileHeader header;
  *header.mutable_model() = spec_;
  header.mutable_snapshot()->set_name(StrCat(name(), "/snapshots/", snapshot_id));
  header.mutable_snapshot()->set_trigger(trigger);
  header.set_server_version(environment_.server_version);
  header.set_state_version(ModelState::kVersion);
  pipeline_->RunOnWriter([self = shared_from_this(), header = std::move(header),
                          done = std::move(done)](ModelState& state) mutable {
    const absl::Time begin = self->environment_.clock();
    auto copy = std::make_shared<StateWriter>();
    state.Save(*copy);
    v1::Snapshot& snapshot = *header.mutable_snapshot();
    snapshot.set_offset(state.offset());
    snapshot.set_example_count(state.example_count());
    *snapshot.mutable_create_time() =
        google::protobuf::util::TimeUtil::NanosecondsToTimestamp(absl::ToUnixNanos(begin));
    snapshot.set_pause_ms(absl::ToDoubleMilliseconds(self->environment_.clock() - begin));
    // A snapshot must never be ahead of the log, which would go on with other records.
    self->pipeline_->WhenLogged(
        state.offset(), [self, header = std::move(header), copy,
                         done = std::move(done)](const absl::Status& logged) {
          if (!logged.ok()) {
            done(logged);
            return;
          }
          self->environment_.io.Post(
              [self, header, copy, done] { done(self->WriteSnapshot(header, *copy)); });
        });
  });
}

absl::StatusOr<v1::Snapshot> ModelRuntime::WriteSnapshot(v1::SnapshotFileHeader header,
                                                         const StateWriter& state) {
  const uint64_t offset = header.snapshot().offset();
  const absl::Time begin = environment_.clock();
  absl::StatusOr<v1::SnapshotFileHeader> written =
      snapshots_->Write(std::move(header), state.Chunks());
  if (!written.ok()) return written.status();
  snapshot_offset_ = std::max(snapshot_offset_.load(), offset);
  spdlog::info("event=snapshot name={} offset={} bytes={} pause_ms={:.2f} write_ms={:.1f}",
               written->snapshot().name(), offset, written->snapshot().size_bytes(),
               written->snapshot().pause_ms(),
               absl::ToDoubleMilliseconds(environment_.clock() - begin));
  DeleteOldFiles();
  return written->snapshot();
}

void ModelRuntime::DeleteOldFiles() {
  const absl::MutexLock lock(&cleanup_mu_);
  std::vector<v1::Snapshot> automatic;  // Oldest first, as List() is.
  for (const v1::SnapshotFileHeader& header : snapshots_->List()) {
    if (IsAutomatic(header.snapshot())) automatic.push_back(header.snapshot());
  }
  if (automatic.empty()) return;
  const size_t keep = std::min<size_t>(automatic.size(), environment_.keep_snapshot_count);
  const auto kept = automatic.end() - static_cast<ptrdiff_t>(keep);
  for (auto it = automatic.begin(); it != kept; ++it) {
    const absl::Status status = snapshots_->Delete(LastPart(it->name()));
    if (!status.ok() && !absl::IsNotFound(status)) {
      spdlog::warn("event=snapshot_delete_failed name={} error=\"{}\"", it->name(),
                   status.ToString());
    }
  }
  if (log_ == nullptr) return;
  if (const absl::Status status = log_->DropBefore(kept->offset()); !status.ok()) {
    spdlog::warn("event=log_delete_failed model={} error=\"{}\"", name(), status.ToString());
  }
}

void ModelRuntime::RestoreSnapshot(std::string_view snapshot_id, Callback<v1::Model> done) {
  absl::StatusOr<LoadedSnapshot> loaded = snapshots_->Load(snapshot_id);
  if (!loaded.ok()) {
    done(loaded.status());
    return;
  }
  absl::StatusOr<std::unique_ptr<ModelState>> state = ModelState::Create(spec_);
  if (!state.ok()) {
    done(state.status());
    return;
  }
  if (absl::Status status = (*state)->Load(loaded->payload()); !status.ok()) {
    done(absl::DataLossError(StrCat(snapshots_->PathOf(snapshot_id), ": ", ToStd(status.message()),
                                    "; the model was left as it is")));
    return;
  }
  pipeline_->SubmitRestore(
      std::string(snapshot_id), *std::move(state),
      [self = shared_from_this(), done = std::move(done)](const LearnOutcome& outcome) {
        if (!outcome.status.ok()) {
          done(outcome.status);
          return;
        }
        // What is on disk must lead to the restored state too.
        self->CreateSnapshot("", v1::SNAPSHOT_TRIGGER_INTERVAL,
                             [self, done](const absl::StatusOr<v1::Snapshot>& snapshot) {
                               if (snapshot.ok()) {
                                 self->Describe(done);
                               } else {
                                 done(snapshot.status());
                               }
                             });
      });
}

}  // namespace freshet
