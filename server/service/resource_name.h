// Parsing of resource names: models/{model}, models/{model}/variants/{variant},
// models/{model}/snapshots/{snapshot}.

#ifndef FRESHET_SERVER_SERVICE_RESOURCE_NAME_H_
#define FRESHET_SERVER_SERVICE_RESOURCE_NAME_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace freshet {

struct SnapshotName {
  std::string model_id;
  std::string snapshot_id;
};

struct VariantName {
  std::string model_id;
  std::string variant_id;  // Empty: the champion.
};

// OK if the id matches [a-z]([a-z0-9-]{0,61}[a-z0-9])?; otherwise INVALID_ARGUMENT, whose message
// names the field by `what`, for example "model_id".
absl::Status CheckResourceId(std::string_view what, std::string_view id);

// The id in `models/{model}`. INVALID_ARGUMENT if `name` has another form.
absl::StatusOr<std::string> ParseModelName(std::string_view name);

// The ids in `models/{model}/variants/{variant}` or `models/{model}`. INVALID_ARGUMENT if `name`
// has another form.
absl::StatusOr<VariantName> ParseVariantName(std::string_view name);

// The ids in `models/{model}/snapshots/{snapshot}`. INVALID_ARGUMENT if `name` has another form.
absl::StatusOr<SnapshotName> ParseSnapshotName(std::string_view name);

}  // namespace freshet

#endif  // FRESHET_SERVER_SERVICE_RESOURCE_NAME_H_
