// Hashes names to 32-bit feature ids exactly as Vowpal Wabbit does, so that its text files give the
// same ids, and the same collisions, here.
//
// Source: MurmurHash3 x86 32, Austin Appleby, public domain.

#ifndef FRESHET_CORE_FEATURE_HASH_H_
#define FRESHET_CORE_FEATURE_HASH_H_

#include <cstdint>
#include <string_view>

namespace freshet {

// MurmurHash3 x86 32 of `key`.
uint32_t MurmurHash3(std::string_view key, uint32_t seed);

// The hash of a namespace's name; 0 for the default namespace, whose name is empty. A name of only
// ASCII digits hashes to that number, as for features.
uint32_t HashNamespace(std::string_view name);

// The id of a feature in a namespace. For a name of only ASCII digits, that number plus
// `namespace_hash`, modulo 2^32; otherwise the hash of the name, seeded with `namespace_hash`.
uint32_t HashFeature(std::string_view name, uint32_t namespace_hash);

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_HASH_H_
