#include "core/feature/new_names.h"

#include <utility>

#include "core/base/utf8.h"

namespace freshet {

void NewNames::SetLimit(size_t limit) {
  limit_ = limit;
  if (limit > 0) return;
  names_ = {};
  ids_ = {};
  shift_ = 32;
  seen_count_ = 0;
  zero_seen_ = false;
}

bool NewNames::AddZero() {
  if (std::exchange(zero_seen_, true)) return false;
  ++seen_count_;
  return true;
}

void NewNames::Grow() {
  constexpr int kFirstBits = 10;
  const std::vector<uint32_t> old = std::move(ids_);
  shift_ = old.empty() ? 32 - kFirstBits : shift_ - 1;
  ids_.assign(size_t{1} << (32 - shift_), 0);
  for (const uint32_t id : old) {
    if (id != 0) *FindEntry(id) = id;
  }
}

void NewNames::Keep(std::string_view name_space, std::string_view name, uint32_t id) {
  if (name.empty() || !IsUtf8(name) || !IsUtf8(name_space)) return;
  names_.push_back({id, std::string(name_space), std::string(Utf8Prefix(name, kMaxNameBytes))});
}

}  // namespace freshet
