// Groups and combines features as Vowpal Wabbit does.

#ifndef FRESHET_CORE_FEATURE_LETTER_FEATURES_H_
#define FRESHET_CORE_FEATURE_LETTER_FEATURES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/feature/example_batch.h"
#include "core/feature/feature_columns.h"
#include "core/feature/feature_options.h"

namespace freshet {

// Applies LetterOptions to examples: leaves out what is ignored, then makes n-grams, adds the
// constant feature, limits lists, and makes interactions.
//
// All namespaces whose names begin with the same byte, the letter, are one list. An interaction
// combines one feature from each of its lists; ids and values are as in interactions.h. A list that
// is combined with itself gives each unordered combination once, unless `permutations`. If an
// interaction repeats a letter, its letters are sorted; otherwise they are in the order given. Of
// several interactions of the same letters, the first in the order of length and bytes is made,
// unless `leave_duplicates`. A wildcard stands for each letter from ' ' to '~' that the example
// has; the letters of two wildcards are in ascending order, those of three or more in descending
// order.
//
// Sources: found by comparing numbers with version 9.11.2. Constant after construction;
// thread-safe.
class LetterFeatures {
 public:
  // The id of the constant feature, modulo the size of the table.
  static constexpr uint32_t kConstantId = 11650396;

  // Scratch memory of a caller.
  class Scratch {
    friend class LetterFeatures;

    std::vector<size_t> offsets_;         // Where the row's segments begin in the batch.
    std::vector<unsigned char> letters_;  // Of the row's lists, in order.
    std::vector<FeatureSegment> lists_;   // By letter; no memory before the first use.
    std::vector<uint32_t> ids_;
    std::vector<float> values_;
    std::vector<std::string> interactions_;
  };

  explicit LetterFeatures(const LetterOptions& options);

  // Appends the features of a row to the open row of `columns`, and sets its offset. `offsets` says
  // where the row's segments begin in the batch, and `sizes` their sizes.
  void AppendRow(const ExampleBatch& batch, std::span<const size_t> offsets,
                 std::span<const uint32_t> sizes, Scratch& scratch, FeatureColumns& columns) const;

  // An upper bound on the number of features that AppendRow() adds, if there were no limit. Stops
  // counting above `enough`.
  uint64_t CountRow(const ExampleBatch& batch, std::span<const uint32_t> sizes, uint64_t enough,
                    Scratch& scratch) const;

 private:
  using PerLetter = std::array<uint32_t, 256>;

  static PerLetter ForEach(std::span<const LetterOptions::Number> numbers, uint32_t otherwise);

  void AppendLists(const ExampleBatch& batch, std::span<const size_t> offsets,
                   std::span<const uint32_t> sizes, Scratch& scratch,
                   FeatureColumns& columns) const;
  void LimitList(unsigned char letter, Scratch& scratch, FeatureColumns& columns) const;
  // The interactions of a row with these letters.
  std::span<const std::string> InteractionsOf(Scratch& scratch) const;
  // The order of the letters that several wildcards of an interaction match.
  enum class WildcardOrder { kAny, kAscending, kDescending };
  static void Expand(const std::string& pattern, const std::string& letters, WildcardOrder order,
                     std::vector<std::string>& expanded);
  static void SortAndFilter(bool leave_duplicates, std::vector<std::string>& interactions);

  // Constant after construction.
  LetterOptions options_;
  uint32_t mask_;
  uint32_t offset_hash_;  // Of kOffsetNamespace.
  std::array<bool, 256> is_kept_;
  std::array<bool, 256> is_linear_;  // Whether features are learned by themselves.
  bool has_nonlinear_;
  PerLetter ngrams_;
  PerLetter skips_;
  PerLetter limits_;
  bool has_limits_;
  bool has_wildcards_ = false;
  std::vector<std::string> interactions_;
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_LETTER_FEATURES_H_
