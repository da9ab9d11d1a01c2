#include "server/join/join_figures.h"

#include <algorithm>
#include <limits>
#include <span>

#include "core/base/byte_text.h"

namespace freshet {
namespace {

constexpr size_t kMaxSamples = 16;
constexpr uint64_t kSecond = 1000;
constexpr uint64_t kMinute = 60 * kSecond;
constexpr uint64_t kHour = 60 * kMinute;
constexpr uint64_t kDay = 24 * kHour;

// They never change, since the counts are stored by their places.
constexpr std::array<uint64_t, JoinFigures::kDelayBins> kDelayBounds = {
    1 * kSecond,  2 * kSecond,  5 * kSecond,  10 * kSecond,
    30 * kSecond, 1 * kMinute,  2 * kMinute,  5 * kMinute,
    10 * kMinute, 20 * kMinute, 30 * kMinute, 1 * kHour,
    2 * kHour,    4 * kHour,    8 * kHour,    12 * kHour,
    1 * kDay,     2 * kDay,     3 * kDay,     5 * kDay,
    7 * kDay,     14 * kDay,    30 * kDay,    std::numeric_limits<uint64_t>::max()};

// The counters, in the order in which they are stored.
constexpr std::array kCounters = {
    &JoinFigures::events,     &JoinFigures::pending,         &JoinFigures::pending_bytes,
    &JoinFigures::matched,    &JoinFigures::defaulted,       &JoinFigures::dropped,
    &JoinFigures::late,       &JoinFigures::corrected,       &JoinFigures::unmatched,
    &JoinFigures::duplicates, &JoinFigures::expired,         &JoinFigures::ignored,
    &JoinFigures::held,       &JoinFigures::duplicate_events};

}  // namespace

uint64_t JoinFigures::DelayBoundMs(size_t bin) { return kDelayBounds[bin]; }

void JoinFigures::AddDelay(int64_t delay_ms) {
  const uint64_t delay = delay_ms < 0 ? 0 : static_cast<uint64_t>(delay_ms);
  const auto* const bound = std::lower_bound(kDelayBounds.begin(), kDelayBounds.end(), delay);
  ++delays[static_cast<size_t>(bound - kDelayBounds.begin())];
}

void JoinFigures::AddUnmatched(const std::string& event_id) {
  ++unmatched;
  unmatched_samples.push_back(event_id);
  if (unmatched_samples.size() > kMaxSamples) unmatched_samples.pop_front();
}

void JoinFigures::Fill(v1::LabelFigures& figures) const {
  figures.set_event_count(events);
  figures.set_pending_count(pending);
  figures.set_pending_bytes(pending_bytes);
  figures.set_matched_count(matched);
  figures.set_defaulted_count(defaulted);
  figures.set_dropped_count(dropped);
  figures.set_late_count(late);
  figures.set_corrected_count(corrected);
  figures.set_unmatched_count(unmatched);
  figures.set_duplicate_count(duplicates);
  figures.set_expired_count(expired);
  figures.set_ignored_count(ignored);
  figures.set_held_count(held);
  figures.set_duplicate_event_count(duplicate_events);
  figures.clear_unmatched_samples();
  for (const std::string& sample : unmatched_samples) figures.add_unmatched_samples(sample);
  figures.clear_delays();
  for (size_t i = 0; i < kDelayBins; ++i) {
    if (delays[i] == 0) continue;
    v1::DelayBin& bin = *figures.add_delays();
    bin.set_to_ms(DelayBoundMs(i));
    bin.set_count(delays[i]);
  }
}

void JoinFigures::Append(std::string& bytes) const {
  for (const auto counter : kCounters) AppendNumber<uint64_t>(this->*counter, bytes);
  for (const uint64_t delay : delays) AppendNumber<uint64_t>(delay, bytes);
  AppendNumber<uint8_t>(static_cast<uint8_t>(unmatched_samples.size()), bytes);
  for (const std::string& sample : unmatched_samples) {
    AppendNumber<uint8_t>(static_cast<uint8_t>(sample.size()), bytes);
    bytes += sample;
  }
}

void JoinFigures::Read(StateReader& reader) {
  for (const auto counter : kCounters) this->*counter = reader.ReadValue<uint64_t>();
  for (uint64_t& delay : delays) delay = reader.ReadValue<uint64_t>();
  const auto samples = reader.ReadValue<uint8_t>();
  unmatched_samples.clear();
  for (size_t i = 0; i < samples; ++i) {
    std::string& sample = unmatched_samples.emplace_back(reader.ReadValue<uint8_t>(), '\0');
    reader.Read(std::as_writable_bytes(std::span(sample)));
  }
}

}  // namespace freshet
