// Collects the figures of all models for a page.

#ifndef FRESHET_SERVER_HTTP_MODEL_FIGURES_H_
#define FRESHET_SERVER_HTTP_MODEL_FIGURES_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "core/thread/steady_mutex.h"
#include "freshet/v1/model.pb.h"
#include "server/model/served_model.h"
#include "server/registry/model_registry.h"

namespace freshet {

// Thread-safe. Has at most one pending request to each model's writer at a time.
class ModelFigures {
 public:
  struct Figures {
    std::shared_ptr<ServedModel> runtime;
    std::shared_ptr<const v1::Model> model;  // As ServedModel::Describe() gives it.
  };

  // Keeps a reference to `registry`.
  explicit ModelFigures(const ModelRegistry& registry) : registry_(registry) {}

  // The models that are served, sorted by id. Asks all of them at the same time and waits for the
  // answers, for `patience` at most. A model that is late is reported with its previous answer, or
  // left out if there is none.
  std::vector<Figures> Gather(absl::Duration patience);

 private:
  // A model. Guarded by Shared::mu.
  struct Entry {
    std::weak_ptr<ServedModel> runtime;
    std::shared_ptr<const v1::Model> answer;  // The last answer; null until there is one.
    bool asked = false;                       // Asked, and not answered yet.
  };

  // Shared with the pending requests, which may outlive this object.
  struct Shared {
    SteadyMutex mu;
    SteadyCondition all_answered;
    std::map<std::string, std::shared_ptr<Entry>> entries ABSL_GUARDED_BY(mu);  // By model id.
    int asked_count ABSL_GUARDED_BY(mu) = 0;  // Pending requests, including those to models deleted
                                              // since.
  };

  const ModelRegistry& registry_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_MODEL_FIGURES_H_
