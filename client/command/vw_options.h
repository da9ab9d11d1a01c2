// Vowpal Wabbit's options, for those who know them.

#ifndef FRESHET_CLIENT_COMMAND_VW_OPTIONS_H_
#define FRESHET_CLIENT_COMMAND_VW_OPTIONS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "freshet/v1/learner.pb.h"

namespace freshet {

// The learner that learns as Vowpal Wabbit does with the options in `text`, which are parted by
// spaces; defaults are its own. INVALID_ARGUMENT names an option that has no counterpart here, and
// says what there is.
//
// What is not the same: namespaces of interactions are the letters themselves, not every namespace
// that begins with them; the constant has a weight of its own outside the table.
absl::StatusOr<v1::LearnerSpec> ParseVwOptions(std::string_view text);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_VW_OPTIONS_H_
