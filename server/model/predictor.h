// What a model predicts with.

#ifndef FRESHET_SERVER_MODEL_PREDICTOR_H_
#define FRESHET_SERVER_MODEL_PREDICTOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "server/thread/published.h"
#include "server/view/model_state.h"
#include "server/view/served_variant.h"

namespace freshet {

// The variants of a model as they are now, for readers: they take no lock, and wait for nobody.
// Thread-safe, but for Publish().
class Predictor {
 public:
  explicit Predictor(const ModelState& state) { Publish(state); }

  // Lets readers see the state. Called after each record, by one thread at a time.
  void Publish(const ModelState& state);

  // The champion includes at least that many records.
  uint64_t offset() const { return offset_.load(std::memory_order_acquire); }

  // The variant at this place of the spec; the first is the champion. REQUIRES: there is one.
  VariantView Now(size_t index = 0) const {
    const uint64_t now = offset();  // First: the variant then has all of these records.
    return {.variant = (*variants_.Load())[index], .offset = now};
  }

 private:
  using Variants = std::vector<std::shared_ptr<const ServedVariant>>;

  Published<const Variants> variants_;
  std::atomic<uint64_t> offset_{0};

  // Owned by whoever calls Publish(): the champion among variants_, which keep it alive.
  const ServedVariant* published_champion_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_PREDICTOR_H_
