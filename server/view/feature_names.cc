#include "server/view/feature_names.h"

#include <algorithm>
#include <utility>

#include "core/base/utf8.h"
#include "core/feature/hash.h"
#include "core/feature/new_names.h"

namespace freshet {
namespace {

constexpr std::string_view kSeparator = "^";
constexpr size_t kMaxPieceBytes = NewNames::kMaxNameBytes;

// What a look-up goes over without letting the writer in: some tens of microseconds.
constexpr size_t kNamesAtATime = 1024;

// What a saved state has of a name beside its text.
struct SavedName {
  uint32_t id;
  uint32_t size;
};

// Whether `text` is the three pieces, one after the other.
bool IsMadeOf(std::string_view text, std::string_view a, std::string_view b, std::string_view c) {
  return text.size() == a.size() + b.size() + c.size() && text.substr(0, a.size()) == a &&
         text.substr(a.size(), b.size()) == b && text.substr(a.size() + b.size()) == c;
}

}  // namespace

void FeatureNames::SetCapacity(uint32_t capacity) {
  absl::MutexLock lock(&mu_);
  capacity_ = capacity;
  if (entries_.size() <= capacity) return;
  const std::vector<Entry> entries = std::move(entries_);
  const std::string text = std::move(text_);
  Clear();
  size_t begin = 0;
  for (size_t i = 0; i < capacity; ++i) {
    const size_t end = entries[i].text_end;
    AddLocked(entries[i].id, "", "", std::string_view(text).substr(begin, end - begin));
    begin = end;
  }
}

void FeatureNames::Learn(const v1::PackedBatch& batch) {
  if (batch.names().empty()) return;
  absl::MutexLock lock(&mu_);
  for (const v1::FeatureName& name : batch.names()) {
    if (full()) return;
    AddNamed(name.id(), batch.namespaces(static_cast<int>(name.namespace_index())), name.name());
  }
}

void FeatureNames::Learn(const v1::ExampleList& batch) {
  absl::MutexLock lock(&mu_);
  for (const v1::Example& example : batch.examples()) {
    for (const v1::Namespace& group : example.namespaces()) {
      const uint32_t seed = HashNamespace(group.name());
      for (const v1::Feature& feature : group.features()) {
        if (full()) return;
        if (feature.has_value() && feature.value() == 0) continue;
        AddNamed(HashFeature(feature.name(), seed), group.name(), feature.name());
      }
    }
  }
}

void FeatureNames::Add(uint32_t id, std::string_view name_space, std::string_view name) {
  absl::MutexLock lock(&mu_);
  AddNamed(id, name_space, name);
}

void FeatureNames::AddNamed(uint32_t id, std::string_view name_space, std::string_view name) {
  AddLocked(id, Utf8Prefix(name_space, kMaxPieceBytes), name_space.empty() ? "" : kSeparator,
            Utf8Prefix(name, kMaxPieceBytes));
}

void FeatureNames::AddLocked(uint32_t id, std::string_view name_space, std::string_view separator,
                             std::string_view name) {
  if (full()) return;
  uint32_t& newest = newest_[id];
  int count = 0;
  for (uint32_t entry = newest; entry != 0; entry = entries_[entry - 1].older) {
    if (++count == kMaxNamesOfId || IsMadeOf(TextOf(entry - 1), name_space, separator, name)) {
      return;
    }
  }
  text_.append(name_space).append(separator).append(name);
  entries_.push_back({id, static_cast<uint32_t>(text_.size()), newest});
  newest = static_cast<uint32_t>(entries_.size());
}

void FeatureNames::Merge(const FeatureNames& other) {
  if (&other == this) return;
  std::vector<Entry> entries;
  std::string text;
  {
    absl::ReaderMutexLock lock(&other.mu_);
    entries = other.entries_;
    text = other.text_;
  }
  absl::MutexLock lock(&mu_);
  size_t begin = 0;
  for (const Entry& entry : entries) {
    AddLocked(entry.id, "", "", std::string_view(text).substr(begin, entry.text_end - begin));
    begin = entry.text_end;
  }
}

std::string_view FeatureNames::TextOf(size_t entry) const {
  const size_t begin = entry == 0 ? 0 : entries_[entry - 1].text_end;
  return std::string_view(text_).substr(begin, entries_[entry].text_end - begin);
}

std::vector<std::vector<std::string>> FeatureNames::Find(std::span<const uint32_t> slots,
                                                         uint64_t slot_count) const {
  // A slot may be asked for several times.
  absl::flat_hash_map<uint32_t, std::vector<std::string>> names;
  for (const uint32_t slot : slots) names[slot];
  bool has_more = true;
  for (size_t begin = 0; has_more; begin += kNamesAtATime) {
    absl::ReaderMutexLock lock(&mu_);
    const size_t end = std::min(begin + kNamesAtATime, entries_.size());
    has_more = end < entries_.size();
    for (size_t i = begin; i < end; ++i) {
      const auto found = names.find(static_cast<uint32_t>(entries_[i].id % slot_count));
      if (found != names.end()) found->second.emplace_back(TextOf(i));
    }
  }
  std::vector<std::vector<std::string>> found;
  found.reserve(slots.size());
  for (const uint32_t slot : slots) found.push_back(names[slot]);
  return found;
}

size_t FeatureNames::size() const {
  absl::ReaderMutexLock lock(&mu_);
  return entries_.size();
}

// The number of names (uint64); of each its id and its size (uint32); their texts in one piece. Few
// writes, since learning waits for them.
void FeatureNames::SaveState(StateWriter& writer) const {
  absl::ReaderMutexLock lock(&mu_);
  std::vector<SavedName> saved;
  saved.reserve(entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    saved.push_back({entries_[i].id, static_cast<uint32_t>(TextOf(i).size())});
  }
  writer.WriteValue<uint64_t>(saved.size());
  writer.Write(std::as_bytes(std::span(saved)));
  writer.Write(std::as_bytes(std::span(text_)));
}

absl::Status FeatureNames::LoadState(StateReader& reader) {
  absl::MutexLock lock(&mu_);
  Clear();
  const auto count = reader.ReadValue<uint64_t>();
  if (count > reader.remaining_bytes() / sizeof(SavedName)) {
    return absl::DataLossError("the saved names of features are more than there are bytes");
  }
  std::vector<SavedName> saved(count);
  reader.Read(std::as_writable_bytes(std::span(saved)));
  std::string text;
  for (const auto& [id, size] : saved) {
    if (size > 2 * kMaxPieceBytes + kSeparator.size()) {
      return absl::DataLossError("the saved names of features are malformed");
    }
    text.resize(size);
    reader.Read(std::as_writable_bytes(std::span(text)));
    if (!reader.status().ok()) return reader.status();
    if (!IsUtf8(text)) return absl::DataLossError("a saved name of a feature is not UTF-8");
    AddLocked(id, "", "", text);
  }
  return reader.status();
}

void FeatureNames::Clear() {
  entries_.clear();
  text_.clear();
  newest_.clear();
}

}  // namespace freshet
