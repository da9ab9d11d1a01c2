// What a label rule may say.

#ifndef FRESHET_SERVER_VIEW_LABEL_RULE_CHECK_H_
#define FRESHET_SERVER_VIEW_LABEL_RULE_CHECK_H_

#include "absl/status/statusor.h"
#include "freshet/v1/label_rule.pb.h"
#include "freshet/v1/model.pb.h"

namespace freshet {

// The rule with every default filled in. INVALID_ARGUMENT, which names the field and what is
// allowed, if it is malformed or does not suit the learners and the durability of `model`, whose
// learners are resolved.
absl::StatusOr<v1::LabelRule> ResolveLabelRule(const v1::LabelRule& rule, const v1::Model& model);

}  // namespace freshet

#endif  // FRESHET_SERVER_VIEW_LABEL_RULE_CHECK_H_
