// The bytes of a snapshot file: what server/snapshot/FORMAT.md describes.

#ifndef FRESHET_SERVER_SNAPSHOT_SNAPSHOT_FORMAT_H_
#define FRESHET_SERVER_SNAPSHOT_SNAPSHOT_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace freshet::snapshot_format {

constexpr std::string_view kMagic = "FRSHTSNP";
constexpr std::string_view kEndMagic = "FRSHTEND";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kWrittenChunkBytes = uint32_t{1} << 20;
constexpr uint32_t kMaxChunkBytes = uint32_t{64} << 20;
constexpr uint32_t kMaxMessageBytes = uint32_t{64} << 20;

// All fields are little-endian and naturally aligned, so these structs are the bytes of the file.
struct FixedHeader {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t message_bytes;
  uint32_t chunk_bytes;
  uint32_t zero;
  uint64_t checksum;  // Of the fields above and the header message.
};
static_assert(sizeof(FixedHeader) == 32);

struct ChunkHeader {
  uint32_t state_bytes;
  uint32_t number;
  uint64_t checksum;  // Of the fields above and the state bytes.
};
static_assert(sizeof(ChunkHeader) == 16);

struct Footer {
  std::array<char, 8> magic;
  uint64_t state_bytes;
  uint64_t file_bytes;
  uint64_t checksum;  // Of everything before it except the state bytes.
};
static_assert(sizeof(Footer) == 32);

}  // namespace freshet::snapshot_format

#endif  // FRESHET_SERVER_SNAPSHOT_SNAPSHOT_FORMAT_H_
