// What one variant of a model predicts with.

#ifndef FRESHET_SERVER_MODEL_PREDICTOR_H_
#define FRESHET_SERVER_MODEL_PREDICTOR_H_

#include <atomic>
#include <cstdint>

#include "server/thread/published.h"
#include "server/view/served_variant.h"
#include "server/view/variant.h"

namespace freshet {

// A variant as it is now, for readers: they take no lock, and wait for nobody. Thread-safe, but for
// Publish().
class Predictor {
 public:
  explicit Predictor(const Variant& variant) { Publish(variant); }

  // Lets readers see the variant. Called after each record, by one thread at a time.
  void Publish(const Variant& variant) {
    // Only a restore replaces what is served.
    if (published_ != variant.served().get()) {
      published_ = variant.served().get();
      served_.Store(variant.served());
    }
    offset_.store(variant.offset(), std::memory_order_release);
  }

  // The variant includes at least that many records.
  uint64_t offset() const { return offset_.load(std::memory_order_acquire); }

  VariantView Now() const {
    const uint64_t now = offset();  // First: the variant then has all of these records.
    return {.variant = served_.Load(), .offset = now};
  }

 private:
  Published<const ServedVariant> served_;
  std::atomic<uint64_t> offset_{0};

  // Owned by whoever calls Publish(): what served_ holds, which keeps it alive.
  const ServedVariant* published_ = nullptr;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_MODEL_PREDICTOR_H_
