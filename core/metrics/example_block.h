// A block of examples in columns, as the metrics process them.

#ifndef FRESHET_CORE_METRICS_EXAMPLE_BLOCK_H_
#define FRESHET_CORE_METRICS_EXAMPLE_BLOCK_H_

#include <array>
#include <cstddef>

namespace freshet {

// Up to kCapacity examples of positive weight, in order, as columns, so that loops that compute
// logarithms can be vectorised.
struct ExampleBlock {
  static constexpr size_t kCapacity = 250;

  using Column = std::array<double, kCapacity>;

  size_t size = 0;
  Column weights;
  Column scores;
  Column labels;  // For losses of two classes, 0 or 1 once LossColumns has filled in the losses.
  Column predictions;
  Column losses;
  Column base_rate_losses;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_EXAMPLE_BLOCK_H_
