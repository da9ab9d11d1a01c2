// How many events and how much feedback came to which end.

#ifndef FRESHET_SERVER_JOIN_JOIN_FIGURES_H_
#define FRESHET_SERVER_JOIN_JOIN_FIGURES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "core/base/state.h"
#include "freshet/v1/label_rule.pb.h"

namespace freshet {

// See v1.LabelFigures for what each counts. A part of the state of the join.
struct JoinFigures {
  // The upper bounds of delays; the last has none and is given as the greatest number.
  static constexpr size_t kDelayBins = 24;
  static uint64_t DelayBoundMs(size_t bin);

  uint64_t events = 0;
  uint64_t pending = 0;
  uint64_t pending_bytes = 0;
  uint64_t matched = 0;
  uint64_t defaulted = 0;
  uint64_t dropped = 0;
  uint64_t late = 0;
  uint64_t corrected = 0;
  uint64_t unmatched = 0;
  uint64_t duplicates = 0;
  uint64_t expired = 0;
  uint64_t ignored = 0;
  uint64_t held = 0;
  uint64_t duplicate_events = 0;
  std::array<uint64_t, kDelayBins> delays{};
  std::deque<std::string> unmatched_samples;

  void AddDelay(int64_t delay_ms);
  void AddUnmatched(const std::string& event_id);

  // Sets the fields that this knows; leaves bins without feedback out.
  void Fill(v1::LabelFigures& figures) const;

  void Append(std::string& bytes) const;
  void Read(StateReader& reader);
};

}  // namespace freshet

#endif  // FRESHET_SERVER_JOIN_JOIN_FIGURES_H_
