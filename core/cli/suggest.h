// Suggestions for mistyped names: "did you mean ...?"

#ifndef FRESHET_CORE_CLI_SUGGEST_H_
#define FRESHET_CORE_CLI_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace freshet {

// " (did you mean 'rate'?)" with the closest match for `name` among `names`; "" if none is close.
// Close are names with few other letters for their length, longer names that contain `name`, and
// names that it abbreviates: 'lr' for 'learning_rate'. Case and leading dashes do not count.
std::string DidYouMean(std::string_view name, const std::vector<std::string>& names);

// "there is no loss 'logstic' (did you mean 'logistic'?); choose one of logistic, squared" for a
// `name` that is none of `names`. `what` is the noun.
std::string NotOneOf(std::string_view what, std::string_view name,
                     const std::vector<std::string>& names);

}  // namespace freshet

#endif  // FRESHET_CORE_CLI_SUGGEST_H_
