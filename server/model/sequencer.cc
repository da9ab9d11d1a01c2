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
      producers_(state.producers()) {}

Sequencer::Verdict Sequencer::Judge(const v1::LearnRequest& request,
                                    std::string_view sender) const {
  const ProducerBatch batch = ProducerBatchOf(request, sender);
  Verdict verdict{.kind = producers_.Judge(batch), .offset = 0, .refusal = {}};
  if (verdict.kind == ProducerVerdict::kDuplicate) {
    verdict.offset = producers_.Find(request.producer_id())->offset;
  } else if (verdict.kind != ProducerVerdict::kNew) {
    verdict.refusal = producers_.Refusal(verdict.kind, batch);
  }
  return verdict;
}

ProducerBatch Sequencer::ProducerBatchOf(const v1::LearnRequest& request,
                                         std::string_view sender) const {
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

Record Sequencer::Accept(std::unique_ptr<BatchRecord> batch, std::string_view sender) {
  producers_.Accept(ProducerBatchOf(batch->request(), sender), next_offset_ + 1,
                    options_.max_producers);
  batch->set_envelope({.sender = std::string(sender), .max_producers = options_.max_producers});
  return Next(std::shared_ptr<const BatchRecord>(std::move(batch)));
}

Record Sequencer::Next(RecordBody body) {
  ++next_offset_;
  last_time_ms_ = std::max(last_time_ms_, int64_t{absl::ToUnixMillis(options_.clock())});
  return {.time_ms = last_time_ms_, .body = std::move(body)};
}

void Sequencer::NoteRejected(const v1::LearnRequest& request) {
  if (ProducerBatchOf(request, "").first() != 1 && !request.new_producer()) return;
  if (producers_.Find(request.producer_id()) != nullptr) return;
  rejected_producers_.Add(request.producer_id(), kRejectedProducers);
}

}  // namespace freshet
