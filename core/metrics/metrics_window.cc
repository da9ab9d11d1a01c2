#include "core/metrics/metrics_window.h"

#include <utility>

namespace freshet {

bool MetricsWindow::AddSums(const LossSums& sums) {
  newer_.sums += sums;
  if (newer_.sums.example_count < kHalfExamples) return false;
  settled_.Add(older_.scores);
  older_ = std::exchange(newer_, Half());
  return true;
}

LossSums MetricsWindow::Sums() const {
  LossSums sums = older_.sums;
  return sums += newer_.sums;
}

ScoreHistogram MetricsWindow::Scores() const {
  ScoreHistogram scores = older_.scores;
  scores.Add(newer_.scores);
  return scores;
}

ScoreHistogram MetricsWindow::AllScores() const {
  ScoreHistogram scores = settled_;
  scores.Add(older_.scores);
  scores.Add(newer_.scores);
  return scores;
}

void MetricsWindow::SaveState(StateWriter& writer) const {
  settled_.SaveState(writer);
  for (const Half* half : {&older_, &newer_}) {
    writer.WriteValue(half->sums);
    half->scores.SaveState(writer);
  }
}

absl::Status MetricsWindow::LoadState(StateReader& reader) {
  if (absl::Status status = settled_.LoadState(reader); !status.ok()) return status;
  for (Half* half : {&older_, &newer_}) {
    half->sums = reader.ReadValue<LossSums>();
    if (absl::Status status = half->scores.LoadState(reader); !status.ok()) return status;
    if (!half->sums.IsValid()) {
      return reader.Damaged("the sums of the metrics window are out of range");
    }
  }
  const uint64_t older_count = older_.sums.example_count;
  if ((older_count != 0 && older_count != kHalfExamples) ||
      newer_.sums.example_count >= kHalfExamples) {
    return reader.Damaged("the size of the metrics window is out of range");
  }
  return absl::OkStatus();
}

}  // namespace freshet
