// Translates Vowpal Wabbit's command-line options to a learner spec.

#ifndef FRESHET_CLIENT_COMMAND_VW_OPTIONS_H_
#define FRESHET_CLIENT_COMMAND_VW_OPTIONS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "freshet/v1/learner.pb.h"

namespace freshet {

// A spec that learns as Vowpal Wabbit does with the options in `text`, which are separated by
// spaces, so that a model gives the same numbers. Options that are not given have Vowpal Wabbit's
// defaults. INVALID_ARGUMENT, which names the option, if it has no counterpart in freshet or a bad
// value. Options that change nothing that is learned, such as those about files, are accepted;
// `note`, unless null, becomes a sentence that names them, or empty.
absl::StatusOr<v1::LearnerSpec> ParseVwOptions(std::string_view text, std::string* note = nullptr);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_VW_OPTIONS_H_
