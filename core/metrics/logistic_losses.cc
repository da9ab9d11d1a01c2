#include "core/metrics/logistic_losses.h"

#include <algorithm>
#include <cstddef>

#include "core/base/portable_math.h"

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

#ifdef __x86_64__
// Four examples at a time instead of two. Without fused operations, which round once less.
[[gnu::target("avx2")]] void FillByAvx2(ExampleBlock& block) { Fill(block); }
#endif

}  // namespace

void FillLogisticLossesPlainly(ExampleBlock& block) { Fill(block); }

void FillLogisticLosses(ExampleBlock& block) {
#ifdef __x86_64__
  static const bool has_avx2 = __builtin_cpu_supports("avx2");
  if (has_avx2) return FillByAvx2(block);
#endif
  FillLogisticLossesPlainly(block);
}

}  // namespace freshet
