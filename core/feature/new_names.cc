#include "core/feature/new_names.h"

#include <cstring>
#include <utility>

#include "core/base/utf8.h"

namespace freshet {

void NewNames::SetLimit(size_t limit) {
  if (limit == 0) *this = NewNames();
  limit_ = limit;
}

bool NewNames::AddZero() {
  if (seen_count_ >= limit_) return false;
  if (std::exchange(zero_seen_, true)) return false;
  ++seen_count_;
  return true;
}

bool NewNames::Insert(uint32_t id, uint32_t* entry) {
  if (seen_count_ >= limit_) return false;
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
  name = Utf8Prefix(name, kMaxNameBytes);
  kept_.push_back(
      {id, static_cast<uint32_t>(name_space.size()), static_cast<uint32_t>(name.size())});
  text_.append(name_space).append(name);
}

void NewNames::TakeIf(absl::FunctionRef<bool(const Name&)> take) {
  char* const text = text_.data();
  size_t begin = 0;
  size_t left_count = 0;
  size_t left_end = 0;
  for (const Kept& kept : kept_) {
    const size_t size = kept.name_space_size + kept.name_size;
    const std::string_view both(text + begin, size);
    if (!take({kept.id, both.substr(0, kept.name_space_size), both.substr(kept.name_space_size)})) {
      kept_[left_count++] = kept;
      std::memmove(text + left_end, text + begin, size);
      left_end += size;
    }
    begin += size;
  }
  kept_.resize(left_count);
  text_.resize(left_end);
}

}  // namespace freshet
