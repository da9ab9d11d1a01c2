#include "core/loss/margin_table.h"

#include <algorithm>
#include <cmath>

#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(MarginTableTest, HasASolutionNearEverySum) {
  double last = 0;
  for (double s = MarginTable::kFirst; s < MarginTable::kEnd; s += 0.003) {
    const MarginTable::Point point = MarginTable::Nearest(s);
    ASSERT_NEAR(std::log(point.w) + point.w, point.s, 1e-13 * std::max(1.0, std::abs(point.s)));
    ASSERT_LE(std::abs(s - point.s), (1 + point.w) / 32) << s;
    ASSERT_GE(point.w, last) << s;
    last = point.w;
  }
  EXPECT_EQ(MarginTable::Nearest(MarginTable::kFirst).s, MarginTable::kFirst);
  EXPECT_NEAR(MarginTable::Nearest(std::nextafter(MarginTable::kEnd, 0)).s, MarginTable::kEnd, 20);
}

}  // namespace
}  // namespace freshet
