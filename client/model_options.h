// Converts NewModelOptions to the message that requests carry.

#ifndef FRESHET_CLIENT_MODEL_OPTIONS_H_
#define FRESHET_CLIENT_MODEL_OPTIONS_H_

#include "client/client.h"
#include "freshet/v1/model.pb.h"

namespace freshet {

// A model with only the fields set that `options` sets.
inline v1::Model ModelWith(const NewModelOptions& options) {
  v1::Model model;
  model.set_durability(options.durability);
  const v1::LogRetention& retention = options.log_retention;
  if (retention.has_max_bytes() || retention.has_max_age_s()) {
    *model.mutable_log_retention() = retention;
  }
  if (options.input) *model.mutable_input() = *options.input;
  if (options.label_rule) *model.mutable_label_rule() = *options.label_rule;
  return model;
}

}  // namespace freshet

#endif  // FRESHET_CLIENT_MODEL_OPTIONS_H_
