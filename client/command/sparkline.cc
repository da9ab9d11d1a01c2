#include "client/command/sparkline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace freshet {

std::string Sparkline(const std::deque<std::optional<double>>& values, size_t columns) {
  constexpr std::array<const char*, 8> kBars = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  const size_t shown = std::min(columns, values.size());
  const auto first = values.end() - static_cast<std::ptrdiff_t>(shown);
  double least = std::numeric_limits<double>::infinity();
  double greatest = -least;
  for (auto value = first; value != values.end(); ++value) {
    if (!value->has_value() || !std::isfinite(**value)) continue;
    least = std::min(least, **value);
    greatest = std::max(greatest, **value);
  }
  std::string line(columns - shown, ' ');
  for (auto value = first; value != values.end(); ++value) {
    if (!value->has_value() || !std::isfinite(**value)) {
      line += ' ';
      continue;
    }
    const double share = greatest > least ? (**value - least) / (greatest - least) : 0;
    line += kBars[static_cast<size_t>(std::lround(share * (kBars.size() - 1)))];
  }
  return line;
}

}  // namespace freshet
