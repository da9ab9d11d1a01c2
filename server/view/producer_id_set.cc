#include "server/view/producer_id_set.h"

#include <xxhash.h>

#include <span>

namespace freshet {
namespace {

uint64_t HashOf(std::string_view producer_id) {
  return XXH3_64bits(producer_id.data(), producer_id.size());
}

}  // namespace

void ProducerIdSet::Add(std::string_view producer_id, size_t generation_size) {
  if (newer_.ids.size() >= generation_size) older_ = std::exchange(newer_, Generation());
  newer_.Add(HashOf(producer_id));
}

bool ProducerIdSet::Contains(std::string_view producer_id) const {
  const uint64_t id = HashOf(producer_id);
  return newer_.ids.contains(id) || older_.ids.contains(id);
}

void ProducerIdSet::SaveState(StateWriter& writer) const {
  for (const Generation* generation : {&newer_, &older_}) {
    writer.WriteValue<uint64_t>(generation->ordered.size());
    writer.Write(std::as_bytes(std::span(generation->ordered)));
  }
}

absl::Status ProducerIdSet::LoadState(StateReader& reader) {
  for (Generation* generation : {&newer_, &older_}) {
    *generation = Generation();
    const auto count = reader.ReadValue<uint64_t>();
    if (count > reader.remaining_bytes() / sizeof(uint64_t)) {
      return absl::DataLossError("the saved ids of producers are more than there are bytes");
    }
    std::vector<uint64_t> ids(count);
    reader.Read(std::as_writable_bytes(std::span(ids)));
    for (const uint64_t id : ids) generation->Add(id);
  }
  return reader.status();
}

}  // namespace freshet
