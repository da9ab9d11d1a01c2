// A small chart of a series of numbers, made of characters.

#ifndef FRESHET_CLIENT_COMMAND_SPARKLINE_H_
#define FRESHET_CLIENT_COMMAND_SPARKLINE_H_

#include <cstddef>
#include <deque>
#include <optional>
#include <string>

namespace freshet {

// The last `columns` values as bars, one column each, in eight heights from the least to the
// greatest of them. Right-aligned, so the text is always `columns` wide. A missing or non-finite
// value is a blank.
std::string Sparkline(const std::deque<std::optional<double>>& values, size_t columns);

}  // namespace freshet

#endif  // FRESHET_CLIENT_COMMAND_SPARKLINE_H_
