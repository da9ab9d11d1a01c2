#include "server/model/predictor.h"

namespace freshet {

void Predictor::Publish(const ModelState& state) {
  // A restore replaces all variants at once; nothing else replaces any.
  if (published_champion_ != state.champion().served().get()) {
    published_champion_ = state.champion().served().get();
    auto variants = std::make_shared<Variants>();
    for (const auto& variant : state.variants()) variants->push_back(variant->served());
    variants_.Store(std::move(variants));
  }
  offset_.store(state.offset(), std::memory_order_release);
}

}  // namespace freshet
