// The events of one model: examples whose labels come later.

#ifndef FRESHET_SERVER_MODEL_MODEL_EVENTS_H_
#define FRESHET_SERVER_MODEL_MODEL_EVENTS_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "freshet/v1/event_service.pb.h"
#include "freshet/v1/label_rule.pb.h"
#include "server/model/event_join.h"
#include "server/record/record.h"
#include "server/view/feature_names.h"
#include "server/view/served_variant.h"

namespace freshet {

// Answers what became of a model's events, and says whether it takes more of them. A model has no
// join until it has a label rule.
//
// Thread-safe.
class ModelEvents {
 public:
  // What the join needs of its model. The functions must not keep the model alive.
  struct Options {
    std::string model_name;  // `models/{model}`.
    std::string dir;         // Of the join's table.
    EventJoin::Options join;
    WorkerPool& io;  // Outlives this object.
  };

  explicit ModelEvents(Options options) : options_(std::move(options)) {}
  ~ModelEvents() { Stop(); }

  // Opens the join's table, which begins at `begin_offset` if there is none yet. Blocks on the
  // disk. Errors as LabelJoin::Open(). `log_first` and `log_end` are where the log begins and ends.
  absl::StatusOr<std::unique_ptr<LabelJoin>> Open(const v1::LabelRule& rule, uint64_t begin_offset,
                                                  uint64_t log_first, uint64_t log_end) const;

  // Lets the join follow the champion, which stands at `champion_offset`, and for which so many
  // decisions about labels were accepted. Called once, before the champion applies another record.
  void Start(std::unique_ptr<LabelJoin> join, uint64_t champion_offset, uint64_t labels_number);
  bool is_started() const { return join() != nullptr; }

  // The champion has applied the record at `offset`. Does not block.
  void Feed(uint64_t offset, const Record& record) const;

  // Nothing more is decided.
  void Stop() const;

  // See ServedModel::CheckTakesEvents(). `pending_rows` events wait already.
  absl::Status CheckTakes(const v1::LabelRule* rule, uint64_t rows, uint64_t pending_rows);

  // See ServedModel::FindEvent() and ListEvents(). `champion` scores the event as of now.
  absl::StatusOr<v1::Event> Find(std::string_view event_id, const ServedVariant& champion,
                                 const FeatureNames& names) const;
  absl::StatusOr<v1::ListEventsResponse> List(const v1::ListEventsRequest& request) const;

  // Fills in what the join knows. Does not block.
  void FillFigures(v1::LabelFigures& figures) const;

  // The log is needed from here on to bring the join up to date after a crash. Blocks on the disk.
  uint64_t SyncAndNeededFrom() const;

 private:
  std::shared_ptr<EventJoin> join() const {
    const absl::MutexLock lock(&mu_);
    return join_;
  }
  absl::Status NoRule() const;

  const Options options_;
  std::atomic<uint64_t> refused_count_{0};

  mutable absl::Mutex mu_;
  std::shared_ptr<EventJoin> join_ ABSL_GUARDED_BY(mu_);  // Null: the model takes no events.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_MODEL_EVENTS_H_
