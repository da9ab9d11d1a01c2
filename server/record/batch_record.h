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
  // The name of the token that sent the batch, at most 255 bytes; empty if the server has no
  // tokens.
  std::string sender;
  // How many producers the model remembers from this record on; at least 1.
  uint32_t max_producers = 0;
};

// Owns everything it hands out. Not thread-safe: one thread at a time has it, and passes it on
// whole.
class BatchRecord {
 public:
  // Parses a serialised v1.LearnRequest; null if the bytes are not one. Keeps the bytes, so that
  // the log can write them as they came.
  static std::unique_ptr<BatchRecord> Parse(SharedBytes wire);

  // The same without the batch, for the answer to a batch that is too large. Null also if the
  // request has no batch.
  static std::unique_ptr<BatchRecord> ParseWithoutBatch(SharedBytes wire);

  BatchRecord(const BatchRecord&) = delete;
  BatchRecord& operator=(const BatchRecord&) = delete;

  const v1::LearnRequest& request() const { return *request_; }

  // Validates the batch; see DecodedBatch::Decode(). Rows with event ids are decoded as events,
  // whose labels come later. REQUIRES: called once.
  bool Decode(LossKind loss, const BatchLimits& limits, v1::BatchError& error,
              BatchOrder order = BatchOrder::kCanonical);

  // What was decided when the batch was accepted. Absent before that, and in batches that were read
  // from old records of the log.
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

  // The memory taken by the bytes as received, the request parsed from them, and its columns. Exact
  // within a few percent for packed batches; an upper bound for readable ones.
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
