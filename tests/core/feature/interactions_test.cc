#include "core/feature/interactions.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/feature/hash.h"
#include "gtest/gtest.h"
#include "tests/core/feature/feature_rows.h"

namespace freshet {
namespace {

constexpr uint32_t kPrime = 16777619;

using Row = std::map<std::string, std::vector<IdValue>>;

// The features that interactions create for a row.
std::vector<IdValue> Made(const std::vector<InteractionOptions>& options, const Row& row,
                          uint64_t* count = nullptr) {
  FeatureColumns columns;
  std::vector<FeatureSegment> segments;
  for (const auto& [name, features] : row) {
    if (features.empty()) continue;
    const size_t begin = columns.size();
    for (const auto& [id, value] : features) columns.Add(id, value);
    segments.push_back({HashNamespace(name), begin, columns.size()});
  }
  std::sort(segments.begin(), segments.end(),
            [](const auto& a, const auto& b) { return a.namespace_hash < b.namespace_hash; });
  const size_t given = columns.size();
  const Interactions interactions(options);
  interactions.Append(segments, columns);
  if (count != nullptr) *count = interactions.Count(segments, UINT64_MAX / 2);
  std::vector<IdValue> made = FeaturesOf(columns);
  made.erase(made.begin(), made.begin() + static_cast<ptrdiff_t>(given));
  return made;
}

// A slow and obvious reference: tries every assignment of namespaces to places and of features to
// namespaces, and keeps the first of those that differ only in order.
std::vector<IdValue> Reference(const std::vector<InteractionOptions>& options, const Row& row) {
  std::vector<std::pair<uint32_t, std::string>> by_hash;
  for (const auto& [name, features] : row) by_hash.emplace_back(HashNamespace(name), name);
  std::sort(by_hash.begin(), by_hash.end());
  std::vector<IdValue> made;
  std::set<std::multiset<std::string>> seen;
  for (const InteractionOptions& option : options) {
    const size_t size = option.namespaces.size();
    size_t assignments = 1;
    for (size_t i = 0; i < size; ++i) assignments *= by_hash.size();
    for (size_t code = 0; code < assignments; ++code) {
      std::vector<std::string> names(size);
      bool fits = true;
      bool wild = false;
      size_t rest = code;
      for (size_t i = size; i-- > 0; rest /= by_hash.size()) {
        names[i] = by_hash[rest % by_hash.size()].second;
        wild |= option.namespaces[i] == "*";
        fits &= option.namespaces[i] == "*" || option.namespaces[i] == names[i];
      }
      if (!fits || !seen.insert({names.begin(), names.end()}).second) continue;
      if (std::set<std::string>(names.begin(), names.end()).size() < size) {
        std::sort(names.begin(), names.end(), [&](const auto& a, const auto& b) {
          return wild ? HashNamespace(a) < HashNamespace(b) : a < b;
        });
      }
      std::set<std::multiset<std::pair<std::string, size_t>>> chosen;
      size_t choices = 1;
      for (const std::string& name : names) choices *= row.at(name).size();
      for (size_t choice = 0; choice < choices; ++choice) {
        std::multiset<std::pair<std::string, size_t>> features;
        std::vector<IdValue> product(size);
        size_t left = choice;
        for (size_t i = size; i-- > 0;) {
          const std::vector<IdValue>& segment = row.at(names[i]);
          features.emplace(names[i], left % segment.size());
          product[i] = segment[left % segment.size()];
          left /= segment.size();
        }
        if (!chosen.insert(features).second) continue;
        uint32_t id = product[0].first;
        float value = product[0].second;
        for (size_t i = 1; i < size; ++i) {
          id = (id * kPrime) ^ product[i].first;
          value *= product[i].second;
        }
        made.emplace_back(id, value);
      }
    }
  }
  return made;
}

TEST(InteractionsTest, AreWhatVowpalWabbitMakes) {
  const Row row = {{"a", {{5, 2}, {6, 1}}}, {"b", {{9, 3}}}};
  EXPECT_EQ(Made({{{"a", "b"}}}, row),
            (std::vector<IdValue>{{(5 * kPrime) ^ 9, 6}, {(6 * kPrime) ^ 9, 3}}));
  EXPECT_EQ(Made({{{"b", "a"}}}, row),
            (std::vector<IdValue>{{(9 * kPrime) ^ 5, 6}, {(9 * kPrime) ^ 6, 3}}));
  // Combinations with repetition: a feature is also combined with itself.
  EXPECT_EQ(
      Made({{{"a", "a"}}}, row),
      (std::vector<IdValue>{{(5 * kPrime) ^ 5, 4}, {(5 * kPrime) ^ 6, 2}, {(6 * kPrime) ^ 6, 1}}));
  EXPECT_EQ(Made({{{"b", "a", "b"}}}, row),
            (std::vector<IdValue>{{(((5 * kPrime) ^ 9) * kPrime) ^ 9, 18},
                                  {(((6 * kPrime) ^ 9) * kPrime) ^ 9, 9}}));
}

TEST(InteractionsTest, OfNamespacesThatARowHasNotAreNone) {
  EXPECT_TRUE(Made({{{"a", "c"}}, {{"c", "*"}}}, {{"a", {{1, 1}}}, {"c", {}}}).empty());
}

TEST(InteractionsTest, ThatAreAskedForTwiceComeOnce) {
  const Row row = {{"a", {{5, 2}}}, {"b", {{9, 3}}}};
  EXPECT_EQ(Made({{{"a", "b"}}, {{"b", "a"}}, {{"a", "b"}}}, row).size(), 1u);
  EXPECT_EQ(Made({{{"b", "a"}}, {{"*", "*"}}}, row).size(), 3u);  // ba, and aa, bb.
  EXPECT_EQ(Made({{{"*", "*"}}, {{"b", "a"}}}, row).size(), 3u);
}

TEST(InteractionsTest, AreThoseOfTheReferenceOnRandomRows) {
  std::mt19937 random(3);
  const std::vector<std::string> names = {"a", "b", "user", "*", "*"};
  for (int round = 0; round < 500; ++round) {
    Row row;
    for (const char* name : {"a", "b", "user", "other"}) {
      const size_t count = random() % 4;
      for (size_t i = 0; i < count; ++i) {
        row[name].emplace_back(random(), static_cast<float>(random() % 5));
      }
    }
    std::vector<InteractionOptions> options(1 + random() % 3);
    for (InteractionOptions& option : options) {
      const size_t size = 2 + random() % 3;
      while (option.namespaces.size() < size) option.namespaces.push_back(names[random() % 5]);
    }
    uint64_t count = 0;
    std::vector<IdValue> made = Made(options, row, &count);
    std::vector<IdValue> expected = Reference(options, row);
    EXPECT_EQ(count, expected.size());
    // The order in which combinations of namespaces come is not specified.
    std::sort(made.begin(), made.end());
    std::sort(expected.begin(), expected.end());
    ASSERT_EQ(made, expected) << round;
  }
}

TEST(InteractionsTest, AreCutAtTheLimitOfARow) {
  Row row;
  for (uint32_t i = 0; i < 400; ++i) row["a"].emplace_back(i, 1);
  uint64_t count = 0;
  const std::vector<IdValue> made = Made({{{"a", "a"}}, {{"*", "a", "a", "*"}}}, row, &count);
  EXPECT_EQ(made.size() + 400, FeatureColumns::kMaxRowFeatures);
  EXPECT_EQ(count, 80200u + 400ull * 401 * 402 * 403 / 24);
}

}  // namespace
}  // namespace freshet
