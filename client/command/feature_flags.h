// How what is made of features is said on the command line.

#ifndef FRESHET_CLIENT_COMMAND_FEATURE_FLAGS_H_
#define FRESHET_CLIENT_COMMAND_FEATURE_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "freshet/v1/feature_spec.pb.h"

namespace freshet {

// The values of flags, as given.
struct FeatureFlags {
  // "user*ad": the namespaces between asterisks, `:` for every namespace. A name may be empty.
  std::vector<std::string> interactions;
  // "NAMESPACE=KIND", `*` for every namespace; see NumericKindNames(). "quantile-bins:32" says how
  // many.
  std::vector<std::string> numerics;
  // "NAMESPACE:LENGTH" or "NAMESPACE:LENGTH:SKIPS", `*` for every namespace.
  std::vector<std::string> ngrams;
  uint32_t admit_after = 0;   // Sightings.
  uint64_t expire_after = 0;  // Examples; 0: never.
};

// The spec that the flags ask for. INVALID_ARGUMENT names the flag and says how to write it. Ranges
// are left to the server.
absl::StatusOr<v1::FeatureSpec> MakeFeatureSpec(const FeatureFlags& flags);

// The same as it would be given.
FeatureFlags FlagsOf(const v1::FeatureSpec& spec);

// "raw", "log-bins", "quantile-bins", "standardize".
std::vector<std::string> NumericKindNames();

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_FEATURE_FLAGS_H_
