// "did you mean ...?"

#ifndef FRESHET_CLIENT_COMMAND_SUGGEST_H_
#define FRESHET_CLIENT_COMMAND_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace freshet {

// " (did you mean 'rate'?)" for the name that is nearest to `name`, where one is near; else "".
std::string DidYouMean(std::string_view name, const std::vector<std::string>& names);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_SUGGEST_H_
