// From a FeatureSpec on the wire to what features are made by.

#ifndef FRESHET_SERVER_VIEW_FEATURE_SPEC_H_
#define FRESHET_SERVER_VIEW_FEATURE_SPEC_H_

#include "absl/status/status.h"
#include "core/feature/feature_options.h"
#include "freshet/v1/feature_spec.pb.h"

namespace freshet {

// Fills in every default and checks every range. INVALID_ARGUMENT names the field, its value and
// what is allowed.
absl::Status ResolveFeatureSpec(v1::FeatureSpec& spec);

// REQUIRES: `resolved` comes from ResolveFeatureSpec().
FeatureOptions FeatureOptionsOf(const v1::FeatureSpec& resolved);

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_FEATURE_SPEC_H_
