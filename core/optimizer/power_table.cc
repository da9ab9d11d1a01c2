#include "core/optimizer/power_table.h"

namespace freshet {

PowerTable::PowerTable(double base) {
  for (auto& row : powers_) {
    row[0] = 1;
    for (size_t i = 1; i < row.size(); ++i) row[i] = row[i - 1] * base;
    base *= row.back();
  }
}

}  // namespace freshet
