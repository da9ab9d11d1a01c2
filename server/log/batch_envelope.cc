#include "server/log/batch_envelope.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

namespace freshet {
namespace {

constexpr size_t kMaxSenderBytes = 255;
constexpr size_t kFixedBytes = sizeof(uint32_t) + sizeof(uint8_t);

}  // namespace

std::string FormatBatchEnvelope(const BatchEnvelope& envelope) {
  const size_t sender_bytes = std::min(envelope.sender.size(), kMaxSenderBytes);
  std::string bytes(kFixedBytes, '\0');
  std::memcpy(bytes.data(), &envelope.max_producers, sizeof(uint32_t));
  bytes[sizeof(uint32_t)] = static_cast<char>(sender_bytes);
  bytes.append(envelope.sender, 0, sender_bytes);
  return bytes;
}

std::optional<EnvelopedBatch> ParseEnvelopedBatch(ByteSpan payload) {
  if (payload.size() < kFixedBytes) return std::nullopt;
  EnvelopedBatch batch;
  std::memcpy(&batch.envelope.max_producers, payload.data(), sizeof(uint32_t));
  const auto sender_bytes = static_cast<size_t>(payload[sizeof(uint32_t)]);
  payload = payload.subspan(kFixedBytes);
  if (payload.size() < sender_bytes || batch.envelope.max_producers == 0) return std::nullopt;
  batch.envelope.sender.assign(reinterpret_cast<const char*>(payload.data()), sender_bytes);
  batch.request = payload.subspan(sender_bytes);
  return batch;
}

}  // namespace freshet
