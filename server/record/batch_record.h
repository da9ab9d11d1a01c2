// A batch of examples: the bytes as received, the request parsed from them, and its columns.

#ifndef FRESHET_SERVER_RECORD_BATCH_RECORD_H_
#define FRESHET_SERVER_RECORD_BATCH_RECORD_H_

#include <google/protobuf/arena.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "freshet/v1/learning_service.pb.h"
#include "server/codec/decoded_batch.h"
#include "server/record/encoded_record.h"

namespace freshet {

// What the server decided when it accepted a batch, so that replay decides nothing.
struct BatchEnvelope {
  // The name of the token that sent the batch, at most 255 bytes; empty: the server has no tokens.
  std::string sender;
  // How many producers the model remembers from this record on; at least 1.
  uint32_t max_producers = 0;
};

// Owns everything it hands out. Not thread-safe; handed from thread to thread as a whole.
class BatchRecord {
 public:
  // Parses a serialised v1.LearnRequest; null where the bytes are none. Keeps the bytes, so that
  // the log can write them as they came.
  static std::unique_ptr<BatchRecord> Parse(SharedBytes wire);

  // The same, but parses no batch, for an answer to one that is too large. Null also where there is
  // no batch.
  static std::unique_ptr<BatchRecord> ParseWithoutBatch(SharedBytes wire);

  BatchRecord(const BatchRecord&) = delete;
  BatchRecord& operator=(const BatchRecord&) = delete;

  const v1::LearnRequest& request() const { return *request_; }

  // Validates the batch; see DecodedBatch::Decode(). REQUIRES: called once.
  bool Decode(LossKind loss, const BatchLimits& limits, v1::BatchError& error,
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

  // REQUIRES: Decode() returned true.
  const ExampleBatch& examples() const { return batch_.examples(); }

  // The bytes as received.
  ByteSpan wire_bytes() const { return wire_.bytes(); }

  // The memory that all this takes: the bytes as received, the request parsed from them, and its
  // columns; within a few percent for packed batches, and at most that for readable ones.
  uint64_t memory_bytes() const;

 private:
  explicit BatchRecord(SharedBytes wire);

  const SharedBytes wire_;
  google::protobuf::Arena arena_;
  v1::LearnRequest* const request_;  // On the arena.
  DecodedBatch batch_;
  std::optional<BatchEnvelope> envelope_;
};

}  // namespace freshet

#endif  // FRESHET_SERVER_RECORD_BATCH_RECORD_H_
