// Builds resource names from ids or full names: `ctr` and `models/ctr` mean the same model.

#ifndef FRESHET_CLIENT_RESOURCE_NAMES_H_
#define FRESHET_CLIENT_RESOURCE_NAMES_H_

#include <string>
#include <string_view>

namespace freshet {

// `models/ctr` for both `ctr` and `models/ctr`.
std::string ModelName(std::string_view model);

// `ctr` for both `ctr` and `models/ctr`.
std::string ModelId(std::string_view model);

// `models/ctr/snapshots/s1` from a model and a snapshot, each an id or a full name. A full snapshot
// name is returned unchanged, whatever `model` is.
std::string SnapshotName(std::string_view model, std::string_view snapshot);

// The part after the last `/`; all of `name` if it has none.
std::string LastSegment(std::string_view name);

}  // namespace freshet

#endif  // FRESHET_CLIENT_RESOURCE_NAMES_H_
