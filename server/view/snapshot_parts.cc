#include "server/view/snapshot_parts.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "core/base/str_cat.h"
#include "server/file/checksum.h"

namespace freshet {
namespace {

// Bounds what a damaged count makes a reader allocate.
constexpr uint32_t kMaxParts = 4096;
constexpr uint32_t kMaxIdBytes = 256;

template <typename Number>
void Append(Number number, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof(number));
}

ByteSpan BytesOfText(const std::string& text) { return std::as_bytes(std::span(text)); }

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

FramedState FrameState(const SavedState& state) {
  FramedState framed;
  std::string& head = *framed.head;
  framed.pieces.emplace_back();  // The head, which comes to stand here once it is complete.
  Append<uint32_t>(kFramedStateVersion, head);
  Append<uint32_t>(static_cast<uint32_t>(state.parts.size()), head);
  Append<int64_t>(state.time_ms, head);
  for (const SavedPart& part : state.parts) {
    const std::vector<ByteSpan> pieces = part.bytes.Chunks();
    Append<uint32_t>(static_cast<uint32_t>(part.id.size()), head);
    head += part.id;
    Append<uint32_t>(part.version, head);
    Append<uint64_t>(part.offset, head);
    Append<uint64_t>(part.bytes.size_bytes(), head);
    Append<uint64_t>(ChecksumOf(pieces), head);
    framed.pieces.insert(framed.pieces.end(), pieces.begin(), pieces.end());
  }
  Append<uint64_t>(Checksum(BytesOfText(head)), head);
  framed.pieces.front() = BytesOfText(head);
  return framed;
}

const LoadedPart* LoadedState::Find(const std::string& id) const {
  const auto found = std::find_if(parts.begin(), parts.end(),
                                  [&](const LoadedPart& part) { return part.id == id; });
  return found == parts.end() ? nullptr : &*found;
}

absl::StatusOr<LoadedState> ParseState(ByteSpan state) {
  const absl::Status damaged = absl::DataLossError("the table of the state's parts is damaged");
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
      return absl::DataLossError(StrCat("the state ends within its part \"", part.id, "\""));
    }
    part.bytes = rest.first(entry.length);
    rest = rest.subspan(entry.length);
    if (Checksum(part.bytes) != entry.checksum) {
      return absl::DataLossError(StrCat("the state's part \"", part.id, "\" is damaged"));
    }
    if (loaded.Find(part.id) != nullptr) {
      return absl::DataLossError(StrCat("the state has two parts \"", part.id, "\""));
    }
    loaded.parts.push_back(std::move(part));
  }
  if (!rest.empty()) {
    return absl::DataLossError(StrCat("the state has ", rest.size(), " bytes after its end"));
  }
  return loaded;
}

}  // namespace freshet
