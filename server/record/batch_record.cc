#include "server/record/batch_record.h"

#include <google/protobuf/unknown_field_set.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

#include "server/codec/known_fields.h"

namespace freshet {
namespace {

// A request with packed columns takes about as much memory as it has bytes on the wire, so make the
// arena's first block large enough for all of it.
google::protobuf::ArenaOptions ArenaOptionsFor(size_t wire_size) {
  constexpr size_t kSmallFields = 2048;
  google::protobuf::ArenaOptions options;
  // Protobuf keeps its list of cleanups at the end of a block, so the end has to be aligned.
  constexpr size_t kAlignment = alignof(std::max_align_t);
  options.start_block_size = (wire_size + kSmallFields + kAlignment - 1) / kAlignment * kAlignment;
  options.max_block_size = std::max(options.max_block_size, options.start_block_size);
  return options;
}

// Protobuf keeps unknown fields outside the arena. Nothing reads them, so free their memory.
template <typename Message>
void DropUnknownFields(Message& message) {
  static const google::protobuf::Reflection& reflection =
      *Message::default_instance().GetReflection();
  if (reflection.GetUnknownFields(message).empty()) return;
  google::protobuf::UnknownFieldSet dropped;
  dropped.Swap(reflection.MutableUnknownFields(&message));
}

void DropAllUnknownFields(v1::LearnRequest& request) {
  DropUnknownFields(request);
  if (request.has_packed()) {
    v1::PackedBatch& packed = *request.mutable_packed();
    DropUnknownFields(packed);
    for (v1::FeatureName& name : *packed.mutable_names()) DropUnknownFields(name);
  }
  if (!request.has_examples()) return;
  DropUnknownFields(*request.mutable_examples());
  for (v1::Example& example : *request.mutable_examples()->mutable_examples()) {
    DropUnknownFields(example);
    for (v1::Namespace& group : *example.mutable_namespaces()) {
      DropUnknownFields(group);
      for (v1::Feature& feature : *group.mutable_features()) DropUnknownFields(feature);
    }
  }
}

}  // namespace

BatchRecord::BatchRecord(SharedBytes wire)
    : wire_(std::move(wire)),
      arena_(ArenaOptionsFor(wire_.size())),
      request_(google::protobuf::Arena::CreateMessage<v1::LearnRequest>(&arena_)) {}

std::unique_ptr<BatchRecord> BatchRecord::Parse(SharedBytes wire) {
  std::unique_ptr<BatchRecord> batch(new BatchRecord(std::move(wire)));
  const ByteSpan bytes = batch->wire_bytes();
  if (!batch->request_->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return nullptr;
  }
  DropAllUnknownFields(*batch->request_);
  return batch;
}

std::unique_ptr<BatchRecord> BatchRecord::ParseWithoutBatch(SharedBytes wire) {
  std::unique_ptr<BatchRecord> batch(new BatchRecord(std::move(wire)));
  constexpr std::array<int, 2> kBatchFields = {v1::LearnRequest::kPackedFieldNumber,
                                               v1::LearnRequest::kExamplesFieldNumber};
  return ParseFieldsExcept(batch->wire_bytes(), kBatchFields, *batch->request_) ? std::move(batch)
                                                                                : nullptr;
}

bool BatchRecord::Decode(LossKind loss, const BatchLimits& limits, v1::BatchError& error,
                         BatchOrder order) {
  const BatchUse use = request_->event_ids().empty() ? BatchUse::kLearn : BatchUse::kEvents;
  switch (request_->batch_case()) {
    case v1::LearnRequest::kPacked:
      return batch_.Decode(request_->packed(), use, loss, limits, error, order);
    case v1::LearnRequest::kExamples:
      return batch_.Decode(request_->examples(), use, loss, limits, error, order);
    case v1::LearnRequest::BATCH_NOT_SET:
      break;
  }
  error.set_code(3);
  error.set_message("the request has no batch; set packed or examples");
  return false;
}

uint64_t BatchRecord::memory_bytes() const {
  // Names of more than a few letters are kept outside the arena. Together they are shorter than the
  // message, and not by much, since a readable message consists mostly of names.
  const uint64_t name_bytes = request_->has_examples() ? wire_.size() : 0;
  return sizeof(*this) + wire_.size() + arena_.SpaceAllocated() + name_bytes +
         batch_.column_bytes();
}

}  // namespace freshet
