// How full a weight table is, and what that says about its features.

#ifndef FRESHET_CORE_MODEL_TABLE_USAGE_H_
#define FRESHET_CORE_MODEL_TABLE_USAGE_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace freshet {

struct TableUsage {
  uint64_t slot_count = 0;
  uint64_t used_slot_count = 0;
  uint64_t feature_count = 0;  // Estimated.
  double collision_share = 0;  // Estimated share of features that share their slot with another.
};

// Estimates the numbers of features and collisions from the number of used slots, by the
// balls-in-bins model: n features with random slots among m use m (1 - exp(-n / m)) slots on
// average. Features whose ids are consecutive numbers collide less than that. REQUIRES:
// used_slot_count <= slot_count, slot_count > 0.
inline TableUsage EstimateTableUsage(uint64_t slot_count, uint64_t used_slot_count) {
  const auto slots = static_cast<double>(slot_count);
  // For a full table the model would give infinity; half a free slot keeps it finite.
  const double used = std::min(static_cast<double>(used_slot_count), slots - 0.5);
  const double features = -slots * std::log1p(-used / slots);
  return {.slot_count = slot_count,
          .used_slot_count = used_slot_count,
          .feature_count = static_cast<uint64_t>(std::llround(features)),
          .collision_share = -std::expm1(-std::max(0.0, features - 1) / slots)};
}

}  // namespace freshet

#endif  // FRESHET_CORE_MODEL_TABLE_USAGE_H_
