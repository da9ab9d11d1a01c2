// Translates Vowpal Wabbit's command-line options to a learner spec.

#ifndef FRESHET_CLIENT_COMMAND_VW_OPTIONS_H_
#define FRESHET_CLIENT_COMMAND_VW_OPTIONS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "freshet/v1/learner.pb.h"

namespace freshet {

// A spec that learns as Vowpal Wabbit does with the options in `text`, which are separated by
// spaces. Options that are not given have Vowpal Wabbit's defaults. INVALID_ARGUMENT, which names
// the option, if it has no counterpart in freshet or a bad value.
//
// Two things differ from Vowpal Wabbit: a letter in an interaction means the namespace of exactly
// that name, not every namespace that begins with it; and the constant has a weight of its own
// outside the table.
absl::StatusOr<v1::LearnerSpec> ParseVwOptions(std::string_view text);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_VW_OPTIONS_H_
