// The scale of a feature's values, which no single value can ruin.

#ifndef FRESHET_CORE_OPTIMIZER_VALUE_SCALE_H_
#define FRESHET_CORE_OPTIMIZER_VALUE_SCALE_H_

#include <algorithm>

#include "core/optimizer/bounds.h"

namespace freshet {

// Follows the largest |x| of a feature, but neither a single glitch nor a code for a missing value
// such as -999 among counts becomes the scale:
//
// - A value up to kGap times the scale, or up to kGap times the mean, becomes the scale if it is
//   larger. So the scale follows values that grow, and tails that thin out.
// - A value far beyond that enlarges the scale by a quarter, and never above kGap times the mean.
//   So the usual values keep at least a quarter of the scale, however large the far ones are, as
//   long as fewer than a quarter of the values are far.
// - From time to time the scale falls to the largest value seen lately, if that is less than
//   1 / kGap of the scale. So a first value that is a glitch is forgotten after kFirstWindow
//   values, and a change of the unit is followed after at most kWindow.
//
// The mean is that of min(|x|, kGap * mean), over about the last kMeanCount values. Values that are
// equal to the mean say nothing new and are not counted, so a feature whose value never changes
// costs one comparison. All zero before the first value. A part of slots in snapshots.
struct ValueScale {
  float scale;   // 0 before the first value.
  float mean;    // Of sizes, bounded as above.
  float recent;  // The largest size since the last check or the first value, up to the scale.
  float count;   // Of values; halved at each check after the first kWindow.

  // What it is after one more value. By value, so that it stays in registers. REQUIRES: kMinValue
  // <= size <= kMaxValue.
  ValueScale After(float size) const {
    if (size == mean) return *this;
    if (size > scale) return AfterLarger(size);
    return Counted(scale, size);
  }

  bool IsValid() const {
    bool valid = count >= 0 && count < kWindow;
    for (const float number : {scale, mean, recent}) valid &= number >= 0 && number <= kMaxValue;
    return valid && (count > 0) == (scale > 0);
  }

 private:
  static constexpr float kGap = 4;
  static constexpr float kFarGrowth = 1.25f;
  static constexpr float kMeanCount = 256;
  static constexpr float kFirstWindow = 16;
  static constexpr float kWindow = 2048;

  // Not inlined, because it is rarely called.
  [[gnu::noinline]] ValueScale AfterLarger(float size) const {
    if (scale == 0) return {size, size, 0, 1};
    const float most = kGap * mean;
    if (size <= std::max(kGap * scale, most)) return Counted(size, size);
    return Counted(std::max(scale, std::min(kFarGrowth * scale, most)), size);
  }

  // Counts a value, given the scale after it.
  ValueScale Counted(float new_scale, float size) const {
    const float new_count = count + 1;
    const float step = std::min(size, kGap * mean) - mean;
    const ValueScale result{new_scale, mean + step / std::min(new_count, kMeanCount),
                            std::max(recent, std::min(size, new_scale)), new_count};
    return new_count >= kFirstWindow && IsPowerOfTwo(new_count) ? result.Checked() : result;
  }

  [[gnu::noinline]] ValueScale Checked() const {
    ValueScale result{scale, mean, 0, count == kWindow ? kWindow / 2 : count};
    if (kGap * recent < scale) {
      result.scale = recent;
      result.mean = std::min(mean, recent);
    }
    return result;
  }

  static bool IsPowerOfTwo(float number) {
    const auto integer = static_cast<unsigned>(number);
    return (integer & (integer - 1)) == 0;
  }
};

}  // namespace freshet

#endif  // FRESHET_CORE_OPTIMIZER_VALUE_SCALE_H_
