// What of a model can be changed once it exists: its durability and its log_retention.

#ifndef FRESHET_SERVER_RECORD_MODEL_SETTINGS_H_
#define FRESHET_SERVER_RECORD_MODEL_SETTINGS_H_

#include "absl/status/statusor.h"
#include "freshet/v1/model.pb.h"
#include "freshet/v1/model_service.pb.h"

namespace freshet {

// A model's settings, as a message in which nothing else is set.
v1::Model SettingsOf(const v1::Model& model);

// Puts settings into `model`, whose other fields stay.
void PutSettings(const v1::Model& settings, v1::Model& model);

// The settings after an update. INVALID_ARGUMENT where the mask is empty or names anything else;
// FAILED_PRECONDITION where the model would get a log, or lose it.
absl::StatusOr<v1::Model> UpdatedSettings(const v1::Model& settings,
                                          const v1::UpdateModelRequest& request);

}  // namespace freshet

#endif  // FRESHET_SERVER_RECORD_MODEL_SETTINGS_H_
