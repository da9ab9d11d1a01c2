#ifndef FRESHET_CLIENT_COMMAND_SPARKLINE_H_
#define FRESHET_CLIENT_COMMAND_SPARKLINE_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace freshet {

// The last `columns` values as bars of eighths, from the least of them to the greatest;
// right-aligned, so always `columns` wide. A blank stands for a value that is not there.
std::string Sparkline(const std::deque<std::optional<double>>& values, size_t columns);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_SPARKLINE_H_
