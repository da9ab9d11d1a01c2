#include "core/feature/new_names.h"

#include <utility>

#include "core/base/utf8.h"

namespace freshet {

void NewNames::SetLimit(size_t limit) {
  if (limit == 0) *this = NewNames();
  limit_ = limit;
}

bool NewNames::AddZero() {
  if (std::exchange(zero_seen_, true)) return false;
  ++seen_count_;
  return true;
}

bool NewNames::Insert(uint32_t id, uint32_t* entry) {
  *entry = id;
  if (2 * ++seen_count_ < ids_.size()) return true;
  const std::vector<uint32_t> old = std::move(ids_);
  --shift_;
  ids_.assign(2 * old.size(), 0);
  for (const uint32_t moved : old) {
    if (moved != 0) *FindEntry(moved) = moved;
  }
  return true;
}

void NewNames::Keep(std::string_view name_space, std::string_view name, uint32_t id) {
  if (name.empty() || !IsUtf8(name) || !IsUtf8(name_space)) return;
  names_.push_back({id, std::string(name_space), std::string(Utf8Prefix(name, kMaxNameBytes))});
}

}  // namespace freshet
