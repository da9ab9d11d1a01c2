// Feeds bytes to the snapshot store as a file, and checks what the store guarantees: it never
// crashes, and takes no more memory than the file is large; what it loads, it can write and load
// again unchanged; what it does not load is listed as damaged.
//
// The first byte of the input says whether to correct the checksums first, so that the fuzzer gets
// past them.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "server/file/checksum.h"
#include "server/snapshot/snapshot_format.h"
#include "server/snapshot/snapshot_store.h"
#include "tests/fuzz/require.h"
#include "tests/support/fault_file_system.h"

namespace freshet {
namespace {

namespace format = snapshot_format;

constexpr const char* kPath = "/fuzz.snapshot";

template <typename T>
T LoadAt(const std::string& content, size_t at) {
  T value{};
  std::memcpy(&value, content.data() + at, sizeof(value));
  return value;
}

ByteSpan Part(const std::string& content, size_t begin, size_t bytes) {
  return std::as_bytes(std::span(content).subspan(begin, bytes));
}

// Corrects all checksums and the numbers in the footer, as far as the lengths fit the file.
void Mend(std::string& content) {
  if (content.size() < sizeof(format::FixedHeader) + sizeof(format::Footer)) return;
  const size_t footer_at = content.size() - sizeof(format::Footer);
  const auto fixed = LoadAt<format::FixedHeader>(content, 0);
  if (fixed.message_bytes > footer_at - sizeof(fixed) || fixed.chunk_bytes == 0) return;
  const auto store = [&](size_t at, uint64_t value) {
    std::memcpy(content.data() + at, &value, sizeof(value));
  };
  Checksummer header;
  header.Add(Part(content, 0, offsetof(format::FixedHeader, checksum)));
  header.Add(Part(content, sizeof(fixed), fixed.message_bytes));
  store(offsetof(format::FixedHeader, checksum), header.value());

  Checksummer file;
  size_t at = sizeof(fixed) + fixed.message_bytes;
  file.Add(Part(content, 0, at));
  uint64_t state_bytes = 0;
  for (uint32_t number = 0; at + sizeof(format::ChunkHeader) < footer_at; ++number) {
    const size_t room = footer_at - at - sizeof(format::ChunkHeader);
    const size_t bytes = std::min<size_t>(room, fixed.chunk_bytes);
    const std::array<uint32_t, 2> fields = {static_cast<uint32_t>(bytes), number};
    std::memcpy(content.data() + at, fields.data(), sizeof(fields));
    Checksummer chunk;
    chunk.Add(Part(content, at, sizeof(fields)));
    chunk.Add(Part(content, at + sizeof(format::ChunkHeader), bytes));
    store(at + offsetof(format::ChunkHeader, checksum), chunk.value());
    file.Add(Part(content, at, sizeof(format::ChunkHeader)));
    at += sizeof(format::ChunkHeader) + bytes;
    state_bytes += bytes;
  }
  std::copy(format::kEndMagic.begin(), format::kEndMagic.end(),
            content.begin() + static_cast<std::ptrdiff_t>(footer_at));
  store(footer_at + offsetof(format::Footer, state_bytes), state_bytes);
  store(footer_at + offsetof(format::Footer, file_bytes), content.size());
  file.Add(Part(content, footer_at, offsetof(format::Footer, checksum)));
  store(footer_at + offsetof(format::Footer, checksum), file.value());
}

void Feed(const uint8_t* data, size_t size) {
  if (size < 1) return;
  std::string content(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0) Mend(content);
  FaultFileSystem files;
  files.WriteAll(kPath, content);
  v1::Model model;
  model.set_name("models/ctr");
  const std::unique_ptr<SnapshotStore> store = SnapshotStore::Open(files, "/", model).value();
  absl::StatusOr<LoadedSnapshot> loaded = store->Load("fuzz");
  if (!loaded.ok()) {
    Require(store->List().empty() && store->damaged().size() == 1, "the damage is listed");
    // The file itself may be good although its name does not match its content.
    loaded = ReadSnapshotFile(files, kPath);
    if (!loaded.ok()) return;
  }
  Require(loaded->payload().size() <= content.size(), "a payload is no larger than its file");
  const std::array<ByteSpan, 1> pieces = {loaded->payload()};
  Require(WriteSnapshotFile(files, "/again", loaded->header(), pieces).ok(),
          "a loaded snapshot can be written");
  const LoadedSnapshot again = ReadSnapshotFile(files, "/again").value();
  Require(std::equal(again.payload().begin(), again.payload().end(), loaded->payload().begin(),
                     loaded->payload().end()),
          "the payload stays the same");
}

}  // namespace
}  // namespace freshet

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  freshet::Feed(data, size);
  return 0;
}
