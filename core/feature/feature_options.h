// How the features of an example are transformed before a learner sees them. v1.FeatureSpec
// documents the ranges of the options; the code that fills these structs has checked them.

#ifndef FRESHET_CORE_FEATURE_FEATURE_OPTIONS_H_
#define FRESHET_CORE_FEATURE_FEATURE_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freshet {

// Stands for every namespace.
inline constexpr std::string_view kEveryNamespace = "*";

struct InteractionOptions {
  std::vector<std::string> namespaces;  // 2 to 4; may repeat.
};

enum class NumericKind : uint8_t { kRaw, kLogBins, kQuantileBins, kStandardize };

struct NumericOptions {
  std::string name_space;  // kEveryNamespace: all that no other transform names.
  NumericKind kind = NumericKind::kRaw;
  uint32_t bins = 16;  // 2 to 256; only for kQuantileBins.
};

struct NgramOptions {
  std::string name_space;  // kEveryNamespace: all that no other NgramOptions names.
  uint32_t length = 2;     // 2 to 8: length of the longest n-gram.
  uint32_t skips = 0;      // 0 to 8: how many features an n-gram may skip in total.
};

// How Vowpal Wabbit groups and combines features: by the first byte, the letter, of their
// namespace's name. All namespaces of one letter are one list. See letter_features.h.
struct LetterOptions {
  static constexpr int kEveryLetter = -1;

  struct Number {
    int letter = kEveryLetter;  // 0 to 255, or kEveryLetter.
    uint32_t number = 0;
  };

  int bits = 18;              // 1 to 30: ids are taken modulo 2^bits.
  bool constant = true;       // Whether every example has the constant feature.
  bool permutations = false;  // Combinations of a list with itself in every order, not just one.
  bool leave_duplicates = false;  // Whether several interactions may combine the same lists.
  // The letters of each interaction, at least 2; ':' is every letter.
  std::vector<std::string> interactions = {};
  std::string keep = {};            // Letters; the features of others are left out. Empty: all.
  std::string ignore = {};          // Letters whose features are left out.
  std::string ignore_linear = {};   // Letters whose features only take part in interactions.
  std::vector<Number> ngrams = {};  // The longest n-grams, from 2.
  std::vector<Number> skips = {};   // How many features an n-gram may skip in total.
  std::vector<Number> limits = {};  // The most features of a list.
};

// A namespace whose features are no features: their values are added to the score as they are. No
// namespace of Vowpal Wabbit's text has this name. Only for models with LetterOptions.
inline constexpr std::string_view kOffsetNamespace = "|offset";

struct FeatureOptions {
  // Whether the options create features in addition to those that were sent.
  bool adds_features() const {
    return !interactions.empty() || !ngrams.empty() || letters.has_value();
  }
  // Whether features are learned exactly as they were sent.
  bool empty() const {
    return !adds_features() && numerics.empty() && admit_after <= 1 && expire_after_examples == 0;
  }

  std::vector<InteractionOptions> interactions;
  std::vector<NumericOptions> numerics;  // At most one per namespace.
  std::vector<NgramOptions> ngrams;      // At most one per namespace.
  uint32_t admit_after = 0;  // 0 to 127: a feature is learned from this sighting on; 0, 1: always.
  uint64_t expire_after_examples = 0;  // A weight not seen for this long is forgotten; 0: never.
  // Set: the three lists above are empty, and features are grouped and combined by letters.
  std::optional<LetterOptions> letters = {};
};

}  // namespace freshet

#endif  // FRESHET_CORE_FEATURE_FEATURE_OPTIONS_H_
