#include "server/model/sequencer.h"

#include <algorithm>
#include <string>
#include <utility>

namespace freshet {
namespace {

// Producers whose first batch was rejected that are remembered at least.
constexpr size_t kRejectedProducers = 4096;

}  // namespace

Sequencer::Sequencer(const ModelState& state, Options options)
    : options_(std::move(options)),
      next_offset_(state.offset()),
      last_time_ms_(state.time_ms()),
      labels_number_(state.labels().number()),
      pending_rows_(state.labels().pending_rows()),
      producers_(state.producers()) {}

template <typename Request>
Sequencer::Verdict Sequencer::Judge(const Request& request, std::string_view sender) const {
  if (request.producer_id().empty()) return {};
  const ProducerBatch batch = ProducerBatchOf(request, sender);
  Verdict verdict{.kind = producers_.Judge(batch), .offset = 0, .refusal = {}};
  if (verdict.kind == ProducerVerdict::kDuplicate) {
    verdict.offset = producers_.Find(request.producer_id())->offset;
  } else if (verdict.kind != ProducerVerdict::kNew) {
    verdict.refusal = producers_.Refusal(verdict.kind, batch);
  }
  return verdict;
}

template Sequencer::Verdict Sequencer::Judge(const v1::LearnRequest&, std::string_view) const;
template Sequencer::Verdict Sequencer::Judge(const v1::FeedbackRequest&, std::string_view) const;

Sequencer::Verdict Sequencer::Judge(const LabelsRecord& labels) const {
  if (labels.note->number() == labels_number_ + 1) return {};
  return {.kind = ProducerVerdict::kPartlyKnown,
          .offset = 0,
          .refusal = absl::AbortedError("labels were decided meanwhile")};
}

template <typename Request>
ProducerBatch Sequencer::ProducerBatchOf(const Request& request, std::string_view sender) const {
  const bool may_begin = request.new_producer() || !options_.is_logged ||
                         rejected_producers_.Contains(request.producer_id());
  return {.producer_id = request.producer_id(),
          .sequence = request.sequence(),
          .sender = sender,
          .may_begin = may_begin,
          .first_sequence = request.first_sequence()};
}

absl::StatusOr<ProducerTable::Entry> Sequencer::FindProducer(std::string_view producer_id,
                                                             std::string_view sender) const {
  if (const ProducerTable::Entry* const entry = producers_.Find(producer_id)) {
    const ProducerBatch last = {
        .producer_id = producer_id, .sequence = entry->sequence, .sender = sender};
    absl::Status refusal = producers_.Refusal(producers_.Judge(last), last);
    return refusal.ok() ? absl::StatusOr<ProducerTable::Entry>(*entry) : refusal;
  }
  const ProducerBatch first = {.producer_id = producer_id, .sequence = 1, .sender = sender};
  absl::Status refusal = producers_.Refusal(producers_.Judge(first), first);
  return refusal.ok() ? absl::StatusOr<ProducerTable::Entry>(ProducerTable::Entry()) : refusal;
}

template <typename Request>
BatchEnvelope Sequencer::AcceptFrom(const Request& request, std::string_view sender) {
  if (!request.producer_id().empty()) {
    producers_.Accept(ProducerBatchOf(request, sender), next_offset_ + 1, options_.max_producers);
  }
  return {.sender = std::string(sender), .max_producers = options_.max_producers};
}

Record Sequencer::Accept(std::unique_ptr<BatchRecord> batch, std::string_view sender) {
  batch->set_envelope(AcceptFrom(batch->request(), sender));
  return Next(std::shared_ptr<const BatchRecord>(std::move(batch)));
}

Record Sequencer::Accept(std::unique_ptr<BatchRecord> rows, v1::EventsNote note,
                         std::string_view sender) {
  rows->set_envelope(AcceptFrom(rows->request(), sender));
  pending_rows_ += rows->examples().size();
  return Next(EventsRecord{.rows = std::move(rows), .note = std::move(note)});
}

Record Sequencer::Accept(FeedbackRecord feedback, std::string_view sender) {
  feedback.envelope = AcceptFrom(*feedback.request, sender);
  return Next(std::move(feedback));
}

Record Sequencer::Accept(LabelsRecord labels) {
  labels_number_ = labels.note->number();
  pending_rows_ -= std::min(pending_rows_, SettledRows(*labels.note));
  return Next(std::move(labels));
}

Record Sequencer::Next(RecordBody body) {
  ++next_offset_;
  last_time_ms_ = std::max(last_time_ms_, int64_t{absl::ToUnixMillis(options_.clock())});
  return {.time_ms = last_time_ms_, .body = std::move(body)};
}

template <typename Request>
void Sequencer::NoteRejected(const Request& request) {
  if (ProducerBatchOf(request, "").first() != 1 && !request.new_producer()) return;
  if (producers_.Find(request.producer_id()) != nullptr) return;
  rejected_producers_.Add(request.producer_id(), kRejectedProducers);
}

template void Sequencer::NoteRejected(const v1::LearnRequest&);
template void Sequencer::NoteRejected(const v1::FeedbackRequest&);

}  // namespace freshet
