#include "server/codec/learn_message.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>

#include <deque>
#include <utility>

namespace freshet {

std::unique_ptr<LearnMessage> LearnMessage::Parse(std::vector<grpc::Slice> wire) {
  std::unique_ptr<LearnMessage> message(new LearnMessage);
  message->wire_ = std::move(wire);
  std::deque<google::protobuf::io::ArrayInputStream> streams;
  std::vector<google::protobuf::io::ZeroCopyInputStream*> stream_pointers;
  for (const grpc::Slice& slice : message->wire_) {
    message->wire_size_bytes_ += slice.size();
    streams.emplace_back(slice.begin(), static_cast<int>(slice.size()));
    stream_pointers.push_back(&streams.back());
  }
  google::protobuf::io::ConcatenatingInputStream input(stream_pointers.data(),
                                                       static_cast<int>(stream_pointers.size()));
  message->request_ = google::protobuf::Arena::CreateMessage<v1::LearnRequest>(&message->arena_);
  if (!message->request_->ParseFromZeroCopyStream(&input)) return nullptr;
  return message;
}

bool LearnMessage::DecodeBatch(LossKind loss, const BatchLimits& limits, v1::BatchError& error) {
  switch (request_->batch_case()) {
    case v1::LearnRequest::kPacked:
      return batch_.Decode(request_->packed(), BatchUse::kLearn, loss, limits, error);
    case v1::LearnRequest::kExamples:
      return batch_.Decode(request_->examples(), BatchUse::kLearn, loss, limits, error);
    case v1::LearnRequest::BATCH_NOT_SET:
      break;
  }
  error.set_code(3);
  error.set_message("the request has no batch; set packed or examples");
  return false;
}

std::vector<std::span<const std::byte>> LearnMessage::wire_bytes() const {
  std::vector<std::span<const std::byte>> bytes;
  bytes.reserve(wire_.size());
  for (const grpc::Slice& slice : wire_) {
    bytes.push_back(std::as_bytes(std::span(slice.begin(), slice.size())));
  }
  return bytes;
}

}  // namespace freshet
