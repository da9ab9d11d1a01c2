#include "core/feature/hash.h"

#include <bit>
#include <cstring>

namespace freshet {

uint32_t MurmurHash3(std::string_view key, uint32_t seed) {
  constexpr uint32_t kC1 = 0xcc9e2d51;
  constexpr uint32_t kC2 = 0x1b873593;
  uint32_t hash = seed;
  const char* data = key.data();
  const size_t block_count = key.size() / 4;
  for (size_t i = 0; i < block_count; ++i) {
    uint32_t block;
    std::memcpy(&block, data + 4 * i, 4);
    hash ^= std::rotl(block * kC1, 15) * kC2;
    hash = std::rotl(hash, 13) * 5 + 0xe6546b64;
  }
  const auto* tail = reinterpret_cast<const unsigned char*>(data) + 4 * block_count;
  uint32_t block = 0;
  switch (key.size() & 3) {
    case 3:
      block ^= uint32_t{tail[2]} << 16;
      [[fallthrough]];
    case 2:
      block ^= uint32_t{tail[1]} << 8;
      [[fallthrough]];
    case 1:
      block ^= tail[0];
      hash ^= std::rotl(block * kC1, 15) * kC2;
  }
  hash ^= static_cast<uint32_t>(key.size());
  hash ^= hash >> 16;
  hash *= 0x85ebca6b;
  hash ^= hash >> 13;
  hash *= 0xc2b2ae35;
  return hash ^ (hash >> 16);
}

uint32_t HashFeature(std::string_view name, uint32_t namespace_hash) {
  uint32_t index = 0;
  for (const char c : name) {
    if (c < '0' || c > '9') return MurmurHash3(name, namespace_hash);
    index = index * 10 + static_cast<uint32_t>(c - '0');
  }
  return name.empty() ? MurmurHash3(name, namespace_hash) : index + namespace_hash;
}

uint32_t HashNamespace(std::string_view name) { return HashFeature(name, 0); }

}  // namespace freshet
