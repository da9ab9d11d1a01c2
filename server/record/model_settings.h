// The settings of a model, which can be changed while it exists: durability, log_retention, input
// and label_rule.

#ifndef FRESHET_SERVER_RECORD_MODEL_SETTINGS_H_
#define FRESHET_SERVER_RECORD_MODEL_SETTINGS_H_

#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/model_service.pb.h"

namespace freshet {

// A message with the settings of `model` and nothing else.
v1::Model SettingsOf(const v1::Model& model);

// Sets the settings of `model` and leaves its other fields alone.
void PutSettings(const v1::Model& settings, v1::Model& model);

// The settings after an update. INVALID_ARGUMENT if the mask is empty or names a field that is not
// a setting, or the input mapping is malformed; FAILED_PRECONDITION if a model without a log would
// get one, or one with a log lose it.
absl::StatusOr<v1::Model> UpdatedSettings(const v1::Model& settings,
                                          const v1::UpdateModelRequest& request);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECORD_MODEL_SETTINGS_H_
