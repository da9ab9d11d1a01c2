// The display of freshet models list --watch: all models with how fast they learn.

#ifndef FRESHET_CLIENT_COMMAND_MODEL_LIST_VIEW_H_
#define FRESHET_CLIENT_COMMAND_MODEL_LIST_VIEW_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "freshet/v1/model.pb.h"

namespace freshet {

// Remembers the models and how many examples they have learned. Not thread-safe.
class ModelListView {
 public:
  // Adds the state of all models at a time, given in seconds of a monotonic clock.
  void Add(double seconds, std::vector<v1::Model> models);

  // A table with a line per model and column titles.
  std::string TableText() const;

  // One line with a JSON object.
  std::string Json() const;

 private:
  // Examples that the model learned a second since the previous Add(). Absent if there was none, or
  // if the model had more examples then, as before a restore.
  std::optional<double> RateOf(const v1::Model& model) const;

  std::vector<v1::Model> models_;
  double seconds_ = 0;
  std::map<std::string, uint64_t> previous_examples_;  // By uid.
  double previous_seconds_ = 0;
};

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_MODEL_LIST_VIEW_H_
