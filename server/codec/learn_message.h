// One message of a Learn stream: the bytes as received, the request parsed from them, and its
// columns.

#ifndef FRESHET_SERVER_CODEC_LEARN_MESSAGE_H_
#define FRESHET_SERVER_CODEC_LEARN_MESSAGE_H_

#include <google/protobuf/arena.h>
#include <grpcpp/support/slice.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "freshet/v1/learning_service.pb.h"
#include "server/codec/decoded_batch.h"
#include "server/log/batch_envelope.h"

namespace freshet {

// Owns everything it hands out. Not thread-safe; handed from thread to thread as a whole.
class LearnMessage {
 public:
  // Parses a serialised v1.LearnRequest; null where the bytes are none. Keeps the bytes, so that
  // the log can write them as they came.
  static std::unique_ptr<LearnMessage> Parse(std::vector<grpc::Slice> wire);

  // The same, but parses no batch, for an answer to one that is too large. Null also where there is
  // no batch.
  static std::unique_ptr<LearnMessage> ParseWithoutBatch(std::vector<grpc::Slice> wire);

  LearnMessage(const LearnMessage&) = delete;
  LearnMessage& operator=(const LearnMessage&) = delete;

  const v1::LearnRequest& request() const { return *request_; }

  // Validates the batch; see DecodedBatch::Decode(). REQUIRES: called once.
  bool DecodeBatch(LossKind loss, const BatchLimits& limits, v1::BatchError& error,
                   BatchOrder order = BatchOrder::kCanonical);

  // What was decided when the batch was accepted. Nothing before that, and in messages of old
  // records of the log.
  const std::optional<BatchEnvelope>& envelope() const { return envelope_; }
  void set_envelope(BatchEnvelope envelope) { envelope_ = std::move(envelope); }

  // See DecodedBatch::CountFeatures().
  DecodedBatch::Counting CountFeatures(const FeatureExpander* expander, uint64_t enough,
                                       v1::BatchError& error) {
    return batch_.CountFeatures(expander, enough, error);
  }

  // REQUIRES: DecodeBatch() returned true.
  const ExampleBatch& examples() const { return batch_.examples(); }

  // The bytes as received.
  std::span<const std::byte> wire_bytes() const {
    return std::as_bytes(std::span(wire_.begin(), wire_.size()));
  }

  // The memory that all this takes: the bytes as received, the request parsed from them, and its
  // columns; within a few percent for packed batches, and at most that for readable ones.
  uint64_t memory_bytes() const;

 private:
  explicit LearnMessage(grpc::Slice wire);

  const grpc::Slice wire_;
  google::protobuf::Arena arena_;
  v1::LearnRequest* const request_;  // On the arena.
  DecodedBatch batch_;
  std::optional<BatchEnvelope> envelope_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_CODEC_LEARN_MESSAGE_H_
