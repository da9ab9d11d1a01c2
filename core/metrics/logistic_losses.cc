#include "core/metrics/logistic_losses.h"

#include <algorithm>
#include <cstddef>

#include "core/base/portable_math.h"
#include "core/base/wide_path.h"

namespace freshet {
namespace {

constexpr double kMinProbability = 1e-15;
constexpr double kMaxLogit = 34.538776394910684;  // Of 1 - kMinProbability.

[[gnu::always_inline]] inline void Fill(ExampleBlock& block) {
  for (size_t i = 0; i < block.size; ++i) {
    const double score = std::min(std::max(block.scores[i], -kMaxLogit), kMaxLogit);
    const double exp_score = Exp(-score);
    block.predictions[i] = 1.0 / (1.0 + exp_score);
    // -log p = log(1 + exp(-s)), and -log(1 - p) = s - log p.
    block.losses[i] =
        std::max(Log(1.0 + exp_score) + (1.0 - block.labels[i]) * score, kMinProbability);
    block.base_rate_losses[i] = -Log(std::max(block.base_rate_losses[i], kMinProbability));
  }
}

[[FRESHET_WIDE_PATH]] void FillWide(ExampleBlock& block) { Fill(block); }

}  // namespace

void FillLogisticLosses(ExampleBlock& block) {
  if (WidePathIsOn()) {
    FillWide(block);
  } else {
    Fill(block);
  }
}

}  // namespace freshet
