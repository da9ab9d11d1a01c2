#include "core/optimizer/power_table.h"

namespace freshet {
namespace {

std::vector<double> Powers(double base, uint64_t count) {
  std::vector<double> powers(count, 1.0);
  for (uint64_t i = 1; i < count; ++i) powers[i] = powers[i - 1] * base;
  return powers;
}

}  // namespace

PowerTable::PowerTable(double base)
    : low_(Powers(base, kSize)),
      middle_(Powers(low_.back() * base, kSize)),
      high_(Powers(middle_.back() * middle_[1], kSize)) {}

}  // namespace freshet
