// A history of the models' figures, so that a dashboard opened later shows what came before.

#ifndef FRESHET_SERVER_HTTP_FIGURE_HISTORY_H_
#define FRESHET_SERVER_HTTP_FIGURE_HISTORY_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "freshet/v1/model.pb.h"
#include "server/registry/model_registry.h"

namespace freshet {

// Keeps the newest samples of each model that learns. To bound memory it keeps max_models models at
// most; beyond that, it drops the samples of the model that has been idle longest. Thread-safe.
// Held by a shared_ptr, since models answer asynchronously.
class FigureHistory : public std::enable_shared_from_this<FigureHistory> {
 public:
  struct Options {
    size_t max_samples = 360;  // Per model.
    size_t max_models = 500;
    std::function<absl::Time()> clock;
  };

  explicit FigureHistory(Options options) : options_(std::move(options)) {}

  // Asks each model that has learned since the last call (or, at the first call, at all) for its
  // figures, and adds a sample when it answers. A model that has not answered yet is not asked
  // again.
  void Sample(const ModelRegistry& registry);

  // Adds a sample of a model's champion, with the current time.
  void Add(const std::string& model_id, const v1::Model& model);

  // The samples of a model, oldest first:
  // `{"now":TIME,"fields":[NAME,...],"samples":[[VALUE,...],...]}`, times in milliseconds since
  // 1970. A missing value is null. An unknown model has no samples.
  std::string Json(std::string_view model_id) const;

 private:
  // What waits, and what became of events and feedback so far; see v1::LabelFigures.
  struct LabelCounts {
    uint64_t pending = 0;
    uint64_t held = 0;
    uint64_t matched = 0;
    uint64_t defaulted = 0;
    uint64_t dropped = 0;
    uint64_t corrected = 0;
    uint64_t late = 0;
    uint64_t expired = 0;
    uint64_t unmatched = 0;
  };

  // The figures of a model at one time.
  struct Figures {
    int64_t time_ms = 0;
    uint64_t examples = 0;
    uint64_t offset = 0;
    uint64_t logged_offset = 0;
    uint64_t snapshot_offset = 0;
    std::optional<double> loss = {};
    std::optional<double> base_rate_loss = {};
    std::optional<double> auc = {};
    std::optional<double> mean_absolute_error = {};
    uint64_t queued_examples = 0;
    std::optional<LabelCounts> labels = {};  // If the model has a label rule.
  };

  // What was last asked of a model.
  struct Asked {
    std::weak_ptr<ServedModel> runtime;
    uint64_t offset = 0;   // The model's offset when it was last asked.
    bool waiting = false;  // It has not answered yet.
  };

  // The counts as a JSON object, or null.
  static std::string LabelJson(const std::optional<LabelCounts>& labels);
  static Figures FiguresOf(const v1::Model& model, absl::Time now);

  const Options options_;
  mutable absl::Mutex mu_;
  std::map<std::string, std::deque<Figures>, std::less<>> samples_ ABSL_GUARDED_BY(mu_);  // By id.
  std::map<std::string, Asked, std::less<>> asked_ ABSL_GUARDED_BY(mu_);                  // By id.
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_FIGURE_HISTORY_H_
