#include "server/file/checksum.h"

// Makes the layout of the streaming state public. The library's code is inlined with it, so the
// layout always matches the code that uses it.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace freshet {

struct Checksummer::State {
  XXH3_state_t hash;
};

uint64_t Checksum(ByteSpan bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Checksummer::Checksummer(uint64_t seed) : seed_(seed), state_(std::make_unique<State>()) {
  Reset();
}

Checksummer::~Checksummer() = default;

void Checksummer::Reset() { XXH3_64bits_reset_withSeed(&state_->hash, seed_); }

void Checksummer::Add(ByteSpan bytes) {
  XXH3_64bits_update(&state_->hash, bytes.data(), bytes.size());
}

uint64_t Checksummer::value() const { return XXH3_64bits_digest(&state_->hash); }

}  // namespace freshet
