// Suggestions for mistyped names: "did you mean ...?"

#ifndef FRESHET_CLIENT_COMMAND_SUGGEST_H_
#define FRESHET_CLIENT_COMMAND_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace freshet {

// " (did you mean 'rate'?)" with the closest match for `name` among `names`; "" if none is close.
std::string DidYouMean(std::string_view name, const std::vector<std::string>& names);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_SUGGEST_H_
