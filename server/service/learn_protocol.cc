#include "server/service/learn_protocol.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <string>

#include "absl/status/status.h"
#include "server/record/events_record.h"

namespace freshet {

std::unique_ptr<LearnProtocol::Message> LearnProtocol::Message::Parse(SharedBytes wire) {
  std::unique_ptr<BatchRecord> batch = BatchRecord::Parse(std::move(wire));
  return batch == nullptr ? nullptr : std::unique_ptr<Message>(new Message(std::move(batch)));
}

std::unique_ptr<LearnProtocol::Message> LearnProtocol::Message::ParseWithoutBatch(
    SharedBytes wire) {
  std::unique_ptr<BatchRecord> batch = BatchRecord::ParseWithoutBatch(std::move(wire));
  return batch == nullptr ? nullptr : std::unique_ptr<Message>(new Message(std::move(batch)));
}

absl::StatusOr<PushCheck> LearnProtocol::Message::Check(ServedModel& model,
                                                        const BatchLimits& limits,
                                                        Response& response) {
  v1::BatchError& error = *response.mutable_error();
  if (served_ == nullptr) {
    served_ = model.Champion().variant;
    if (!batch_->Decode(served_->loss, limits, error)) return PushCheck::kBad;
  }
  switch (batch_->CountFeatures(served_->expander.get(), DecodedBatch::kFewFeatures, error)) {
    case DecodedBatch::Counting::kUnfinished:
      return PushCheck::kUnfinished;
    case DecodedBatch::Counting::kBad:
      return PushCheck::kBad;
    case DecodedBatch::Counting::kGood:
      break;
  }
  return CheckDecoded(model, response);
}

PushCheck LearnProtocol::Message::CheckDecoded(ServedModel& model, Response& response) const {
  v1::BatchError& error = *response.mutable_error();
  if (has_events()) {
    if (!CheckEvents(request(), row_count(), error)) return PushCheck::kBad;
    if (const absl::Status taken = model.CheckTakesEvents(row_count()); !taken.ok()) {
      error.set_code(static_cast<int>(taken.code()));
      error.set_message(std::string(taken.message()));
      return PushCheck::kBad;
    }
  } else if (!request().event_times_ms().empty()) {
    error.set_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
    error.set_message(
        "the batch has event_times_ms and no event_ids; send an id for each row if the rows are "
        "events, or leave out event_times_ms");
    return PushCheck::kBad;
  }
  response.clear_error();
  return PushCheck::kGood;
}

size_t LearnProtocol::Message::answer_bytes() const {
  if (!request().return_predictions() || has_events()) return 0;
  return row_count() * (sizeof(float) + sizeof(float));  // Scores and predictions.
}

bool LearnProtocol::Message::Submit(ServedModel& model, ServedModel::LearnCallback done,
                                    std::string_view sender) {
  if (!has_events()) return model.Learn(std::move(batch_), std::move(done), sender);
  return model.TakeEvents(std::move(batch_), {}, std::move(done), sender);
}

bool LearnProtocol::IsLong(grpc::ByteBuffer& message) {
  const size_t size = message.Length();
  if (size <= kLongReadableBytes || size > kLongPackedBytes) return size > kLongPackedBytes;
  grpc::ProtoBufferReader bytes(&message);
  google::protobuf::io::CodedInputStream fields(&bytes);
  using google::protobuf::internal::WireFormatLite;
  while (const uint32_t tag = fields.ReadTag()) {
    const int field = WireFormatLite::GetTagFieldNumber(tag);
    if (field == v1::LearnRequest::kExamplesFieldNumber) return true;
    if (field == v1::LearnRequest::kPackedFieldNumber) return false;
    if (!WireFormatLite::SkipField(&fields, tag)) return false;
  }
  return false;
}

bool LearnProtocol::Describe(const ServedModel& model, const LearnOutcome& outcome,
                             Response& response) {
  response.set_skipped_count(static_cast<uint32_t>(outcome.skipped));
  if (!outcome.scores.empty()) {
    const VariantView champion = model.Champion();
    for (const float score : outcome.scores) {
      const float served = champion.variant->ServedScore(score);
      response.add_scores(served);
      response.add_predictions(champion.variant->learner->Prediction(served));
    }
  }
  return outcome.skipped == 0;
}

}  // namespace freshet
