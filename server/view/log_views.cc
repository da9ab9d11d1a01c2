#include "server/view/log_views.h"

#include <optional>
#include <variant>

namespace freshet {

namespace {

// The rows of a record, with or without labels; null if it has none.
const BatchRecord* RowsOf(const Record& record) {
  const auto* const events = std::get_if<EventsRecord>(&record.body);
  return events == nullptr ? record.batch() : events->rows.get();
}

}  // namespace

template <typename Request>
void ProducersView::Accept(const Request& request, const BatchEnvelope& envelope) {
  if (request.producer_id().empty()) return;  // Events of a call of Predict.
  table_.Accept({.producer_id = request.producer_id(),
                 .sequence = request.sequence(),
                 .sender = envelope.sender,
                 .first_sequence = request.first_sequence()},
                offset() + 1, envelope.max_producers);
}

void ProducersView::ApplyNext(const Record& record, View* /*restored*/) {
  if (const auto* feedback = std::get_if<FeedbackRecord>(&record.body)) {
    Accept(*feedback->request, feedback->envelope);
    return;
  }
  const BatchRecord* const rows = RowsOf(record);
  if (rows == nullptr) return;
  if (rows->envelope()) {
    Accept(rows->request(), *rows->envelope());
  } else {
    table_.AcceptOld(rows->request().producer_id(), rows->request().sequence(), offset() + 1);
  }
}

absl::Status ProducersView::LoadVersion(StateReader& reader, uint32_t version) {
  return version == kOldVersion ? table_.LoadOldState(reader) : table_.LoadState(reader);
}

void NamesView::ApplyNext(const Record& record, View* restored) {
  if (restored != nullptr) names_->Merge(*static_cast<NamesView*>(restored)->names_);
  const BatchRecord* const rows = RowsOf(record);
  if (rows == nullptr) return;
  const v1::LearnRequest& request = rows->request();
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
