#include "server/view/log_views.h"

#include <optional>

namespace freshet {

void ProducersView::ApplyNext(const Record& record, View* /*restored*/) {
  const BatchRecord* const batch = record.batch();
  if (batch == nullptr) return;
  const v1::LearnRequest& request = batch->request();
  const uint64_t offset_after = offset() + 1;
  if (const std::optional<BatchEnvelope>& envelope = batch->envelope()) {
    table_.Accept({.producer_id = request.producer_id(),
                   .sequence = request.sequence(),
                   .sender = envelope->sender,
                   .first_sequence = request.first_sequence()},
                  offset_after, envelope->max_producers);
  } else {
    table_.AcceptOld(request.producer_id(), request.sequence(), offset_after);
  }
}

absl::Status ProducersView::LoadVersion(StateReader& reader, uint32_t version) {
  return version == kOldVersion ? table_.LoadOldState(reader) : table_.LoadState(reader);
}

void NamesView::ApplyNext(const Record& record, View* restored) {
  if (restored != nullptr) names_->Merge(*static_cast<NamesView*>(restored)->names_);
  const BatchRecord* const batch = record.batch();
  if (batch == nullptr) return;
  const v1::LearnRequest& request = batch->request();
  if (request.has_packed()) {
    names_->Learn(request.packed());
  } else {
    names_->Learn(request.examples());
  }
}

absl::Status NamesView::LoadVersion(StateReader& reader, uint32_t /*version*/) {
  return names_->LoadState(reader);
}

}  // namespace freshet
