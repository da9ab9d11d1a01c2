#include "server/view/snapshot_parts.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "core/base/byte_text.h"
#include "core/base/str_cat.h"
#include "server/file/checksum.h"

namespace freshet {
namespace {

// Bounds what a damaged count makes a reader allocate.
constexpr uint32_t kMaxParts = 4096;
constexpr uint32_t kMaxIdBytes = 256;

uint64_t ChecksumOf(const std::vector<ByteSpan>& pieces) {
  Checksummer checksum;
  for (const ByteSpan piece : pieces) checksum.Add(piece);
  return checksum.value();
}

// A part's line of the table.
struct Entry {
  LoadedPart part;
  uint64_t length = 0;
  uint64_t checksum = 0;
};

// Reads a line; its id is empty where that cannot be one.
Entry ReadEntry(StateReader& reader) {
  Entry entry;
  const auto id_bytes = reader.ReadValue<uint32_t>();
  if (id_bytes > kMaxIdBytes || id_bytes > reader.remaining_bytes()) return entry;
  entry.part.id.resize(id_bytes);
  reader.Read(std::as_writable_bytes(std::span(entry.part.id)));
  entry.part.version = reader.ReadValue<uint32_t>();
  entry.part.offset = reader.ReadValue<uint64_t>();
  entry.length = reader.ReadValue<uint64_t>();
  entry.checksum = reader.ReadValue<uint64_t>();
  return entry;
}

}  // namespace

absl::Status DamagedState(std::string_view reason) {
  return absl::DataLossError(StrCat(reason,
                                    ", so the file is damaged or another version wrote it; "
                                    "restore an older snapshot"));
}

FramedState FrameState(const SavedState& state) {
  FramedState framed;
  std::string& head = *framed.head;
  framed.pieces.emplace_back();  // The head, which comes to stand here once it is complete.
  AppendNumber<uint32_t>(kFramedStateVersion, head);
  AppendNumber<uint32_t>(static_cast<uint32_t>(state.parts.size()), head);
  AppendNumber<int64_t>(state.time_ms, head);
  for (const SavedPart& part : state.parts) {
    const std::vector<ByteSpan> pieces = part.bytes.Chunks();
    AppendNumber<uint32_t>(static_cast<uint32_t>(part.id.size()), head);
    head += part.id;
    AppendNumber<uint32_t>(part.version, head);
    AppendNumber<uint64_t>(part.offset, head);
    AppendNumber<uint64_t>(part.bytes.size_bytes(), head);
    AppendNumber<uint64_t>(ChecksumOf(pieces), head);
    framed.pieces.insert(framed.pieces.end(), pieces.begin(), pieces.end());
  }
  AppendNumber<uint64_t>(Checksum(BytesOfText(head)), head);
  framed.pieces.front() = BytesOfText(head);
  return framed;
}

const LoadedPart* LoadedState::Find(const std::string& id) const {
  const auto found = std::find_if(parts.begin(), parts.end(),
                                  [&](const LoadedPart& part) { return part.id == id; });
  return found == parts.end() ? nullptr : &*found;
}

absl::StatusOr<LoadedState> ParseState(ByteSpan state) {
  const absl::Status damaged = DamagedState("the table of the saved state's parts is malformed");
  StateReader reader(state);
  reader.ReadValue<uint32_t>();  // The version.
  const auto count = reader.ReadValue<uint32_t>();
  if (count > kMaxParts) return damaged;
  LoadedState loaded;
  loaded.time_ms = reader.ReadValue<int64_t>();
  std::vector<Entry> entries;
  for (uint32_t i = 0; i < count; ++i) {
    entries.push_back(ReadEntry(reader));
    if (entries.back().part.id.empty()) return damaged;
  }
  const uint64_t expected = Checksum(state.first(state.size() - reader.remaining_bytes()));
  if (reader.ReadValue<uint64_t>() != expected || !reader.status().ok()) return damaged;
  ByteSpan rest = state.last(reader.remaining_bytes());
  for (Entry& entry : entries) {
    LoadedPart& part = entry.part;
    if (entry.length > rest.size()) {
      return DamagedState(StrCat("the saved state ends within its part \"", part.id, "\""));
    }
    part.bytes = rest.first(entry.length);
    rest = rest.subspan(entry.length);
    if (Checksum(part.bytes) != entry.checksum) {
      return DamagedState(
          StrCat("the checksum of the saved state's part \"", part.id, "\" does not match"));
    }
    if (loaded.Find(part.id) != nullptr) {
      return DamagedState(StrCat("the saved state has two parts \"", part.id, "\""));
    }
    loaded.parts.push_back(std::move(part));
  }
  if (!rest.empty()) {
    return DamagedState(StrCat("the saved state has ", rest.size(), " bytes after its end"));
  }
  return loaded;
}

}  // namespace freshet
