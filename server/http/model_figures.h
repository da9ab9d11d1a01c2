// Gathers the figures of all models.

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

// Thread-safe. A model's writer has at most one question of this object before it.
class ModelFigures {
 public:
  struct Figures {
    std::shared_ptr<ServedModel> runtime;
    std::shared_ptr<const v1::Model> model;  // As ServedModel::Describe() gives it.
  };

  // Keeps a reference to `registry`.
  explicit ModelFigures(const ModelRegistry& registry) : registry_(registry) {}

  // The models that are served, by id. Asks all of them at the same time and waits for the answers,
  // at most `patience`: a model that is late is given as it was the last time, or left out where
  // there was none.
  std::vector<Figures> Gather(absl::Duration patience);

 private:
  // A model, guarded by the mutex below.
  struct Entry {
    std::weak_ptr<ServedModel> runtime;
    std::shared_ptr<const v1::Model> answer;  // The last one; null until then.
    bool asked = false;                       // And not yet answered.
  };

  // Shared with the questions under way, which may outlive this object.
  struct Shared {
    SteadyMutex mu;
    SteadyCondition all_answered;
    std::map<std::string, std::shared_ptr<Entry>> entries ABSL_GUARDED_BY(mu);  // By model id.
    int asked_count ABSL_GUARDED_BY(mu) = 0;  // Entries that are asked, or were and are gone.
  };

  const ModelRegistry& registry_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

}  // namespace freshet

#endif  // FRESHET_SERVER_HTTP_MODEL_FIGURES_H_
