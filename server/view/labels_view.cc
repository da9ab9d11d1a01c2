#include "server/view/labels_view.h"

#include <algorithm>
#include <variant>

namespace freshet {

void LabelsView::ApplyNext(const Record& record, View* /*restored*/) {
  if (const auto* events = std::get_if<EventsRecord>(&record.body)) {
    ApplyEvents(*events);
  } else if (const auto* labels = std::get_if<LabelsRecord>(&record.body)) {
    ApplyLabels(*labels);
  }
}

void LabelsView::ApplyEvents(const EventsRecord& events) {
  if (pending_rows_ == 0 && !may_correct_) settled_below_ = offset();
  pending_rows_ += events.size();
}

void LabelsView::ApplyLabels(const LabelsRecord& labels) {
  const v1::LabelsNote& note = *labels.note;
  number_ = note.number();
  settled_below_ = std::max(settled_below_, note.settled_below());
  may_correct_ = note.settled_below() < note.due_offset();
  pending_rows_ -= std::min(pending_rows_, SettledRows(note));
  if (labels.rows == nullptr) return;
  for (const auto& run : labels.rows->runs) {
    if (run->served_scores.empty() || !run->old_labels.empty()) continue;
    if (served_metrics_ == nullptr) {
      served_metrics_ = std::make_unique<ProgressiveMetrics>(options_);
    }
    served_metrics_->Update(run->served_scores, run->labels, run->weights);
  }
}

void LabelsView::Describe(v1::LabelFigures& figures) const {
  figures.set_log_kept_from(needed_from());
  if (served_metrics_ == nullptr) return;
  const ProgressiveFigures measured = served_metrics_->Figures();
  figures.set_served_count(measured.example_count);
  figures.set_served_loss(measured.loss);
  figures.set_served_base_rate_loss(measured.base_rate_loss);
}

void LabelsView::Save(StateWriter& writer) const {
  writer.WriteValue<uint64_t>(number_);
  writer.WriteValue<uint64_t>(pending_rows_);
  writer.WriteValue<uint64_t>(settled_below_);
  writer.WriteValue<uint8_t>(may_correct_ ? 1 : 0);
  writer.WriteValue<uint8_t>(served_metrics_ == nullptr ? 0 : 1);
  if (served_metrics_ != nullptr) served_metrics_->SaveState(writer);
}

absl::Status LabelsView::LoadVersion(StateReader& reader, uint32_t /*version*/) {
  number_ = reader.ReadValue<uint64_t>();
  pending_rows_ = reader.ReadValue<uint64_t>();
  settled_below_ = reader.ReadValue<uint64_t>();
  may_correct_ = reader.ReadValue<uint8_t>() != 0;
  served_metrics_ = nullptr;
  if (reader.ReadValue<uint8_t>() == 0) return reader.status();
  served_metrics_ = std::make_unique<ProgressiveMetrics>(options_);
  return served_metrics_->LoadState(reader);
}

}  // namespace freshet
