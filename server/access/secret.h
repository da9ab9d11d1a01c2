// The secrets of access tokens, and their digests.

#ifndef FRESHET_SERVER_ACCESS_SECRET_H_
#define FRESHET_SERVER_ACCESS_SECRET_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace freshet {

// The SHA-256 of a secret. A secret has 256 random bits, so a plain hash without salt is enough.
using SecretDigest = std::array<uint8_t, 32>;

// A new secret from the system's source of randomness: printable, without spaces.
absl::StatusOr<std::string> NewSecret();

SecretDigest DigestOf(std::string_view secret);

// Converts a digest to 64 hexadecimal digits and back. DigestFromHex() returns nullopt if `text` is
// anything else.
std::string ToHex(const SecretDigest& digest);
std::optional<SecretDigest> DigestFromHex(std::string_view text);

// Compares in a time that does not depend on where the digests differ.
bool EqualInConstantTime(const SecretDigest& a, const SecretDigest& b);

}  // namespace freshet

#endif  // FRESHET_SERVER_ACCESS_SECRET_H_
