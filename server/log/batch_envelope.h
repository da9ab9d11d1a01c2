// What a kEnvelopedBatch record says beside the request (see server/log/FORMAT.md): what the server
// decided when it accepted the batch, so that replay decides nothing.

#ifndef FRESHET_SERVER_LOG_BATCH_ENVELOPE_H_
#define FRESHET_SERVER_LOG_BATCH_ENVELOPE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "server/file/file_system.h"

namespace freshet {

struct BatchEnvelope {
  // The name of the token that sent the batch, at most 255 bytes; empty: the server has no tokens.
  std::string sender;
  // How many producers the model remembers from this record on; at least 1.
  uint32_t max_producers = 0;
};

// An enveloped record: both parts of its payload.
struct EnvelopedBatch {
  BatchEnvelope envelope;
  ByteSpan request;
};

// What stands before the request in the payload.
std::string FormatBatchEnvelope(const BatchEnvelope& envelope);

// Nothing where the payload is too short to be one. Refers to the payload.
std::optional<EnvelopedBatch> ParseEnvelopedBatch(ByteSpan payload);

}  // namespace freshet

#endif  // FRESHET_SERVER_LOG_BATCH_ENVELOPE_H_
