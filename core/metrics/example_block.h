#ifndef FRESHET_CORE_METRICS_EXAMPLE_BLOCK_H_
#define FRESHET_CORE_METRICS_EXAMPLE_BLOCK_H_

#include <array>
#include <cstddef>

namespace freshet {

// Some examples of positive weight, in order, as columns, so that logarithms are computed by vector
// instructions.
struct ExampleBlock {
  static constexpr size_t kCapacity = 250;

  using Column = std::array<double, kCapacity>;

  size_t size = 0;
  Column weights;
  Column scores;
  Column labels;  // Losses of two classes: 0 or 1, once the losses are computed.
  Column predictions;
  Column losses;
  Column base_rate_losses;
};

}  // namespace freshet

#endif  // FRESHET_CORE_METRICS_EXAMPLE_BLOCK_H_
