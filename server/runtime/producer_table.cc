#include "server/runtime/producer_table.h"

#include <span>

namespace freshet {

std::optional<ProducerTable::Entry> ProducerTable::Find(std::string_view producer_id) const {
  const auto found = entries_.find(producer_id);
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

void ProducerTable::Set(std::string_view producer_id, Entry entry) {
  const auto found = entries_.find(producer_id);
  if (found != entries_.end()) {
    // The node moves to its new place; nothing is allocated for a producer that is known.
    auto node = by_offset_.extract(found->second.offset);
    node.key() = entry.offset;
    by_offset_.insert(by_offset_.end(), std::move(node));
    found->second = entry;
    return;
  }
  if (entries_.size() == capacity_) {
    const auto oldest = by_offset_.begin();
    entries_.erase(oldest->second);
    by_offset_.erase(oldest);
  }
  entries_.emplace(producer_id, entry);
  by_offset_.emplace_hint(by_offset_.end(), entry.offset, producer_id);
}

void ProducerTable::SaveState(StateWriter& writer) const {
  writer.WriteValue<uint64_t>(entries_.size());
  for (const auto& [offset, producer_id] : by_offset_) {
    writer.WriteValue<uint64_t>(offset);
    writer.WriteValue<uint64_t>(entries_.find(producer_id)->second.sequence);
    writer.WriteValue<uint32_t>(static_cast<uint32_t>(producer_id.size()));
    writer.Write(std::as_bytes(std::span(producer_id)));
  }
}

absl::Status ProducerTable::LoadState(StateReader& reader) {
  entries_.clear();
  by_offset_.clear();
  const auto count = reader.ReadValue<uint64_t>();
  uint64_t last_offset = 0;
  for (uint64_t i = 0; i < count && reader.status().ok(); ++i) {
    Entry entry;
    entry.offset = reader.ReadValue<uint64_t>();
    entry.sequence = reader.ReadValue<uint64_t>();
    const auto size = reader.ReadValue<uint32_t>();
    if (size > reader.remaining_bytes() || (i > 0 && entry.offset <= last_offset)) {
      return absl::DataLossError("the saved table of producers is malformed");
    }
    std::string producer_id(size, '\0');
    reader.Read(std::as_writable_bytes(std::span(producer_id)));
    last_offset = entry.offset;
    Set(producer_id, entry);
  }
  return reader.status();
}

}  // namespace freshet
