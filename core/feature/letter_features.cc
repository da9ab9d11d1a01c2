#include "core/feature/letter_features.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "core/feature/hash.h"
#include "core/feature/ngrams.h"

namespace freshet {
namespace {

constexpr char kWildcard = ':';
constexpr size_t kLetters = 256;
constexpr unsigned char kFirstWild = ' ';
constexpr unsigned char kLastWild = '~';
constexpr uint32_t kInteractionPrime = 16777619;  // As in interactions.cc.

std::string Sorted(std::string letters) {
  std::sort(letters.begin(), letters.end(), [](char a, char b) {
    return static_cast<unsigned char>(a) < static_cast<unsigned char>(b);
  });
  return letters;
}

// Whether a letter repeats and another one occurs too.
bool MustBeSorted(const std::string& sorted) {
  const bool repeats = std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  return repeats && sorted.front() != sorted.back();
}

// Appends the combinations of one feature each of the lists `lists[0]` to `lists[size - 1]`. `hash`
// and `value` are those of the features already chosen. Features of lists[0] before `first` are
// skipped, so that combinations of a list with itself come once.
struct Product {
  bool permutations;
  FeatureColumns& columns;

  void Append(const FeatureSegment* const* lists, size_t size, size_t first, uint32_t hash,
              float value) {
    const FeatureSegment& list = *lists[0];
    if (size == 1) {
      const size_t made = columns.size();
      const size_t count = columns.Grow(list.end - first);
      for (size_t i = 0; i < count; ++i) {
        columns.ids()[made + i] = hash ^ columns.ids()[first + i];
        columns.values()[made + i] = value * columns.values()[first + i];
      }
      return;
    }
    const bool once = lists[1] == lists[0] && !permutations;
    for (size_t i = first; i < list.end && !columns.is_cut(); ++i) {
      Append(lists + 1, size - 1, once ? i : lists[1]->begin,
             (hash ^ columns.ids()[i]) * kInteractionPrime, value * columns.values()[i]);
    }
  }
};

}  // namespace

LetterFeatures::LetterFeatures(const LetterOptions& options)
    : options_(options),
      mask_(static_cast<uint32_t>((uint64_t{1} << options.bits) - 1)),
      offset_hash_(HashNamespace(kOffsetNamespace)),
      has_nonlinear_(!options.ignore_linear.empty()),
      ngrams_(ForEach(options.ngrams, 0)),
      skips_(ForEach(options.skips, 0)),
      limits_(ForEach(options.limits, std::numeric_limits<uint32_t>::max())),
      has_limits_(!options.limits.empty()),
      interactions_(options.interactions) {
  is_kept_.fill(options.keep.empty());
  for (const char letter : options.keep) is_kept_[static_cast<unsigned char>(letter)] = true;
  for (const char letter : options.ignore) is_kept_[static_cast<unsigned char>(letter)] = false;
  is_linear_.fill(true);
  for (const char letter : options.ignore_linear) {
    is_linear_[static_cast<unsigned char>(letter)] = false;
  }
  for (const std::string& letters : interactions_) {
    has_wildcards_ |= letters.find(kWildcard) != std::string::npos;
  }
  if (!has_wildcards_) SortAndFilter(options_.leave_duplicates, interactions_);
}

LetterFeatures::PerLetter LetterFeatures::ForEach(std::span<const LetterOptions::Number> numbers,
                                                  uint32_t otherwise) {
  PerLetter all;
  all.fill(otherwise);
  for (const auto& [letter, number] : numbers) {
    if (letter == LetterOptions::kEveryLetter) {
      all.fill(number);
    } else {
      all[static_cast<size_t>(letter)] = number;
    }
  }
  return all;
}

void LetterFeatures::SortAndFilter(bool leave_duplicates, std::vector<std::string>& interactions) {
  std::stable_sort(interactions.begin(), interactions.end(),
                   [](const std::string& a, const std::string& b) {
                     return a.size() != b.size() ? a.size() < b.size() : a < b;
                   });
  std::vector<std::string> seen;
  size_t kept = 0;
  for (std::string& letters : interactions) {
    std::string sorted = Sorted(letters);
    if (!leave_duplicates && std::find(seen.begin(), seen.end(), sorted) != seen.end()) continue;
    seen.push_back(sorted);
    std::string& place = interactions[kept++];
    std::string next = MustBeSorted(sorted) ? std::move(sorted) : letters;
    place = std::move(next);
  }
  interactions.resize(kept);
}

void LetterFeatures::Expand(const std::string& pattern, const std::string& letters,
                            WildcardOrder order, std::vector<std::string>& expanded) {
  const size_t at = pattern.find(kWildcard);
  if (at == std::string::npos) {
    expanded.push_back(pattern);
    return;
  }
  for (size_t i = 0; i < letters.size(); ++i) {
    std::string next = pattern;
    next[at] = letters[i];
    switch (order) {
      case WildcardOrder::kAny:
        Expand(next, letters, order, expanded);
        break;
      case WildcardOrder::kAscending:
        Expand(next, letters.substr(i), order, expanded);
        break;
      case WildcardOrder::kDescending:
        Expand(next, letters.substr(0, i + 1), order, expanded);
        break;
    }
  }
}

std::span<const std::string> LetterFeatures::InteractionsOf(Scratch& scratch) const {
  if (!has_wildcards_) return interactions_;
  std::string letters;
  for (const unsigned char letter : scratch.letters_) {
    if (letter >= kFirstWild && letter <= kLastWild) letters += static_cast<char>(letter);
  }
  letters = Sorted(letters);
  std::vector<std::string>& expanded = scratch.interactions_;
  expanded.clear();
  for (const std::string& pattern : interactions_) {
    const auto wildcards = std::count(pattern.begin(), pattern.end(), kWildcard);
    const WildcardOrder order = options_.leave_duplicates ? WildcardOrder::kAny
                                : wildcards == 2          ? WildcardOrder::kAscending
                                                          : WildcardOrder::kDescending;
    Expand(pattern, letters, order, expanded);
  }
  SortAndFilter(options_.leave_duplicates, expanded);
  return expanded;
}

void LetterFeatures::AppendLists(const ExampleBatch& batch, std::span<const size_t> offsets,
                                 std::span<const uint32_t> sizes, Scratch& scratch,
                                 FeatureColumns& columns) const {
  scratch.letters_.clear();
  scratch.lists_.resize(kLetters);
  for (size_t i = 0; i < sizes.size(); ++i) {
    const unsigned char letter = batch.namespace_letters.empty() ? ' ' : batch.namespace_letters[i];
    if (sizes[i] == 0 || !is_kept_[letter] || batch.namespace_hashes[i] == offset_hash_) continue;
    if (std::find(scratch.letters_.begin(), scratch.letters_.end(), letter) ==
        scratch.letters_.end()) {
      scratch.letters_.push_back(letter);
    }
  }
  for (const unsigned char letter : scratch.letters_) {
    FeatureSegment& list = scratch.lists_[letter];
    list.begin = columns.size();
    for (size_t i = 0; i < sizes.size(); ++i) {
      const unsigned char own = batch.namespace_letters.empty() ? ' ' : batch.namespace_letters[i];
      if (own != letter || batch.namespace_hashes[i] == offset_hash_) continue;
      const size_t begin = columns.size();
      const size_t count = columns.Grow(sizes[i]);
      for (size_t k = 0; k < count; ++k) {
        columns.ids()[begin + k] = batch.feature_ids[offsets[i] + k] & mask_;
        columns.values()[begin + k] = ValueAt(batch.values, offsets[i] + k);
      }
    }
    if (ngrams_[letter] > 1) {
      AppendNgrams(ngrams_[letter], skips_[letter], list.begin, columns.size(), columns);
    }
    list.end = columns.size();
    if (has_limits_) LimitList(letter, scratch, columns);
  }
}

// Of a list that is too long, only so many ids are kept: the lowest, each once, with the least of
// its values.
void LetterFeatures::LimitList(unsigned char letter, Scratch& scratch,
                               FeatureColumns& columns) const {
  FeatureSegment& list = scratch.lists_[letter];
  if (list.size() <= limits_[letter]) return;
  std::vector<std::pair<uint32_t, float>> features;
  for (size_t i = list.begin; i < list.end; ++i) {
    features.emplace_back(columns.ids()[i] & mask_, columns.values()[i]);
  }
  const auto same_id = [](const auto& a, const auto& b) { return a.first == b.first; };
  std::sort(features.begin(), features.end());
  features.erase(std::unique(features.begin(), features.end(), same_id), features.end());
  features.resize(std::min<size_t>(features.size(), limits_[letter]));
  columns.Remove(list.begin + features.size(), list.size() - features.size());
  for (size_t i = 0; i < features.size(); ++i) {
    columns.ids()[list.begin + i] = features[i].first;
    columns.values()[list.begin + i] = features[i].second;
  }
  list.end = list.begin + features.size();
}

void LetterFeatures::AppendRow(const ExampleBatch& batch, std::span<const size_t> offsets,
                               std::span<const uint32_t> sizes, Scratch& scratch,
                               FeatureColumns& columns) const {
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (batch.namespace_hashes[i] != offset_hash_) continue;
    for (size_t k = 0; k < sizes[i]; ++k) columns.AddOffset(ValueAt(batch.values, offsets[i] + k));
  }
  const size_t row_begin = columns.size();
  AppendLists(batch, offsets, sizes, scratch, columns);
  if (options_.constant) columns.Add(kConstantId & mask_, 1);
  if (!interactions_.empty()) {
    std::array<bool, 256> has{};
    for (const unsigned char letter : scratch.letters_) has[letter] = true;
    Product product{options_.permutations, columns};
    std::vector<const FeatureSegment*> lists;
    for (const std::string& letters : InteractionsOf(scratch)) {
      lists.clear();
      for (const char letter : letters) {
        const auto byte = static_cast<unsigned char>(letter);
        if (has[byte] && scratch.lists_[byte].size() > 0) lists.push_back(&scratch.lists_[byte]);
      }
      if (lists.size() != letters.size() || columns.is_cut()) continue;
      product.Append(lists.data(), lists.size(), lists[0]->begin, 0, 1);
    }
  }
  for (size_t i = row_begin; i < columns.size(); ++i) columns.ids()[i] &= mask_;
  if (!has_nonlinear_) return;
  // From the last list to the first, so that the places of those before it stay.
  for (size_t i = scratch.letters_.size(); i-- > 0;) {
    const unsigned char letter = scratch.letters_[i];
    if (!is_linear_[letter]) {
      columns.Remove(scratch.lists_[letter].begin, scratch.lists_[letter].size());
    }
  }
}

uint64_t LetterFeatures::CountRow(const ExampleBatch& batch, std::span<const uint32_t> sizes,
                                  uint64_t enough, Scratch& scratch) const {
  scratch.letters_.clear();
  scratch.lists_.resize(kLetters);
  uint64_t total = 1;
  for (size_t i = 0; i < sizes.size(); ++i) {
    const unsigned char letter = batch.namespace_letters.empty() ? ' ' : batch.namespace_letters[i];
    if (sizes[i] == 0 || !is_kept_[letter] || batch.namespace_hashes[i] == offset_hash_) continue;
    FeatureSegment& list = scratch.lists_[letter];
    if (std::find(scratch.letters_.begin(), scratch.letters_.end(), letter) ==
        scratch.letters_.end()) {
      scratch.letters_.push_back(letter);
      list = {};
    }
    list.end += sizes[i];
  }
  for (const unsigned char letter : scratch.letters_) {
    FeatureSegment& list = scratch.lists_[letter];
    if (ngrams_[letter] > 1) list.end += CountNgrams(ngrams_[letter], skips_[letter], list.end);
    list.end = std::min<size_t>(list.end, limits_[letter]);
    total += list.end;
  }
  if (interactions_.empty() || total > enough) return total;
  std::array<uint64_t, 256> counts{};
  for (const unsigned char letter : scratch.letters_) counts[letter] = scratch.lists_[letter].end;
  for (const std::string& letters : InteractionsOf(scratch)) {
    double count = 1;
    size_t same = 0;
    for (size_t i = 0; i < letters.size(); ++i) {
      const auto n = static_cast<double>(counts[static_cast<unsigned char>(letters[i])]);
      same = i > 0 && letters[i] == letters[i - 1] && !options_.permutations ? same + 1 : 0;
      // The i-th factor of the number of combinations with repetition.
      count *= n == 0 ? 0 : (n + static_cast<double>(same)) / static_cast<double>(same + 1);
    }
    total += count < 1e18 ? static_cast<uint64_t>(std::llround(count)) : uint64_t{1} << 60;
    if (total > enough) break;
  }
  return total;
}

}  // namespace freshet
