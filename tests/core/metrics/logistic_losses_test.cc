#include "core/metrics/logistic_losses.h"

#include <bit>
#include <cstdint>
#include <random>

#include "gtest/gtest.h"
#include "tests/support/plain_path.h"

namespace freshet {
namespace {

TEST(LogisticLossesTest, AreTheSameBitsOnEveryProcessor) {
  std::mt19937 random(1);
  for (size_t size = 0; size <= ExampleBlock::kCapacity; ++size) {
    ExampleBlock block{};
    block.size = size;
    for (size_t i = 0; i < size; ++i) {
      block.scores[i] = (static_cast<double>(random() % 2'000'001) - 1e6) * (i % 7 == 0 ? 1 : 1e-5);
      block.labels[i] = random() % 2;
      block.base_rate_losses[i] = i % 5 == 0 ? 0 : static_cast<double>(random()) * 0x1p-32;
    }
    ExampleBlock plain = block;
    FillLogisticLosses(50, block);
    {
      const PlainPath forced;
      FillLogisticLosses(50, plain);
    }
    for (size_t i = 0; i < size; ++i) {
      for (const auto column :
           {&ExampleBlock::predictions, &ExampleBlock::losses, &ExampleBlock::base_rate_losses}) {
        ASSERT_EQ(std::bit_cast<uint64_t>((block.*column)[i]),
                  std::bit_cast<uint64_t>((plain.*column)[i]))
            << "example " << i << " of " << size;
      }
    }
  }
}

}  // namespace
}  // namespace freshet
