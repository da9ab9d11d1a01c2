// The command-line flags for derived features (interactions, numeric transforms, n-grams) and for
// the admission and expiry of features.

#ifndef FRESHET_CLIENT_COMMAND_FEATURE_FLAGS_H_
#define FRESHET_CLIENT_COMMAND_FEATURE_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "freshet/v1/feature_spec.pb.h"

namespace freshet {

// The values of the flags, as typed.
struct FeatureFlags {
  // "user*ad": namespaces separated by `*`; `:` means every namespace. A name may be empty.
  std::vector<std::string> interactions;
  // "NAMESPACE=KIND"; `*` means every namespace. For the kinds see NumericKindNames();
  // "quantile-bins:32" also gives the number of bins.
  std::vector<std::string> numerics;
  // "NAMESPACE:LENGTH" or "NAMESPACE:LENGTH:SKIPS"; `*` means every namespace.
  std::vector<std::string> ngrams;
  uint32_t admit_after = 0;   // Sightings; 0: features are admitted at once.
  uint64_t expire_after = 0;  // Examples; 0: never.
};

// The spec that the flags ask for. INVALID_ARGUMENT, which names the flag and says how to write it,
// if a value cannot be parsed. Does not check ranges; the server does.
absl::StatusOr<v1::FeatureSpec> MakeFeatureSpec(const FeatureFlags& flags);

// The inverse of MakeFeatureSpec(): the flags that would give `spec`.
FeatureFlags FlagsOf(const v1::FeatureSpec& spec);

// The kinds of numeric transforms: "raw", "log-bins", "quantile-bins", "standardize".
std::vector<std::string> NumericKindNames();

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_FEATURE_FLAGS_H_
