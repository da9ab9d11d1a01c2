#include "server/codec/learn_message.h"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace freshet {

namespace {

// In one piece, so that the parser knows the size of a column before it copies it.
grpc::Slice Joined(std::vector<grpc::Slice> slices) {
  if (slices.size() == 1) return std::move(slices.front());
  size_t size = 0;
  for (const grpc::Slice& slice : slices) size += slice.size();
  grpc::Slice joined(size);
  auto* end = const_cast<uint8_t*>(joined.begin());
  for (const grpc::Slice& slice : slices) end = std::copy(slice.begin(), slice.end(), end);
  return joined;
}

// A request of packed columns takes about as much memory as on the wire: one block.
google::protobuf::ArenaOptions ArenaOptionsFor(size_t wire_size) {
  constexpr size_t kSmallFields = 2048;
  google::protobuf::ArenaOptions options;
  // Protobuf puts what it has to clean up at the end of a block, which has to be aligned.
  constexpr size_t kAlignment = alignof(std::max_align_t);
  options.start_block_size = (wire_size + kSmallFields + kAlignment - 1) / kAlignment * kAlignment;
  options.max_block_size = std::max(options.max_block_size, options.start_block_size);
  return options;
}

}  // namespace

LearnMessage::LearnMessage(grpc::Slice wire)
    : wire_(std::move(wire)),
      arena_(ArenaOptionsFor(wire_.size())),
      request_(google::protobuf::Arena::CreateMessage<v1::LearnRequest>(&arena_)) {}

std::unique_ptr<LearnMessage> LearnMessage::Parse(std::vector<grpc::Slice> wire) {
  std::unique_ptr<LearnMessage> message(new LearnMessage(Joined(std::move(wire))));
  const grpc::Slice& bytes = message->wire_;
  const bool parsed =
      message->request_->ParseFromArray(bytes.begin(), static_cast<int>(bytes.size()));
  return parsed ? std::move(message) : nullptr;
}

bool LearnMessage::DecodeBatch(LossKind loss, const BatchLimits& limits, v1::BatchError& error,
                               BatchOrder order) {
  switch (request_->batch_case()) {
    case v1::LearnRequest::kPacked:
      return batch_.Decode(request_->packed(), BatchUse::kLearn, loss, limits, error, order);
    case v1::LearnRequest::kExamples:
      return batch_.Decode(request_->examples(), BatchUse::kLearn, loss, limits, error, order);
    case v1::LearnRequest::BATCH_NOT_SET:
      break;
  }
  error.set_code(3);
  error.set_message("the request has no batch; set packed or examples");
  return false;
}

uint64_t LearnMessage::memory_bytes() const {
  // Names of more than a few letters lie outside the arena; together they are shorter than the
  // message, which is otherwise made of little else.
  const uint64_t name_bytes = request_->has_examples() ? wire_.size() : 0;
  return sizeof(*this) + wire_.size() + arena_.SpaceAllocated() + name_bytes +
         batch_.column_bytes();
}

}  // namespace freshet
