// Resource names from what people type: `ctr` and `models/ctr` mean the same model.

#ifndef FRESHET_CLIENT_RESOURCE_NAMES_H_
#define FRESHET_CLIENT_RESOURCE_NAMES_H_

#include <string>
#include <string_view>

namespace freshet {

// `models/ctr` for both `ctr` and `models/ctr`.
std::string ModelName(std::string_view model);

// `ctr` for both `ctr` and `models/ctr`.
std::string ModelId(std::string_view model);

// `models/ctr/snapshots/s1` from a model and a snapshot, each an id or a full name. A snapshot's
// full name is taken as it is.
std::string SnapshotName(std::string_view model, std::string_view snapshot);

// The part behind the last `/`.
std::string LastSegment(std::string_view name);

}  // namespace freshet

#endif  // FRESHET_CLIENT_RESOURCE_NAMES_H_
