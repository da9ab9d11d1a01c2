#include "server/view/feature_names.h"

#include <string>
#include <vector>

#include "core/base/str_cat.h"
#include "core/feature/hash.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::byte> Saved(const FeatureNames& names) {
  StateWriter writer;
  names.SaveState(writer);
  std::vector<std::byte> bytes;
  for (const auto chunk : writer.Chunks()) bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return bytes;
}

absl::Status Load(const std::vector<std::byte>& bytes, FeatureNames& names) {
  StateReader reader(bytes);
  return names.LoadState(reader);
}

std::vector<std::string> NamesOf(const FeatureNames& names, uint32_t slot,
                                 uint64_t slot_count = uint64_t{1} << 32) {
  return names.Find({{slot}}, slot_count).front();
}

TEST(FeatureNamesTest, KeepsEveryNameOfASlotOldestFirst) {
  FeatureNames names;
  names.Add(1024 + 5, "user", "bob");
  names.Add(5, "user", "ann");
  names.Add(6, "", "plain");
  names.Add(5, "user", "ann");
  names.Add(5, "ad", "same hash");
  EXPECT_EQ(names.size(), 4U);
  EXPECT_THAT(NamesOf(names, 5), ElementsAre("user^ann", "ad^same hash"));
  EXPECT_THAT(NamesOf(names, 5, 1024), ElementsAre("user^bob", "user^ann", "ad^same hash"));
  EXPECT_THAT(NamesOf(names, 6, 1024), ElementsAre("plain"));
  EXPECT_THAT(NamesOf(names, 7, 1024), IsEmpty());
  const std::vector<uint32_t> slots = {6, 7, 6};
  EXPECT_THAT(names.Find(slots, 1024),
              ElementsAre(ElementsAre("plain"), IsEmpty(), ElementsAre("plain")));
}

TEST(FeatureNamesTest, LearnsReadableExamplesWhole) {
  v1::ExampleList list;
  v1::Namespace& user = *list.add_examples()->add_namespaces();
  user.set_name("user");
  user.add_features()->set_name("ann");
  v1::Feature& absent = *user.add_features();
  absent.set_name("absent");
  absent.set_value(0);
  list.add_examples()->add_namespaces()->add_features()->set_name("plain");
  FeatureNames names;
  names.Learn(list);
  EXPECT_EQ(names.size(), 2U);
  EXPECT_THAT(NamesOf(names, HashFeature("ann", HashNamespace("user"))), ElementsAre("user^ann"));
  EXPECT_THAT(NamesOf(names, HashFeature("plain", 0)), ElementsAre("plain"));
}

TEST(FeatureNamesTest, LearnsNamesThatAreSentWithColumns) {
  v1::PackedBatch batch;
  batch.add_namespaces("user");
  batch.add_namespaces("ad");
  v1::FeatureName& name = *batch.add_names();
  name.set_id(77);
  name.set_namespace_index(1);
  name.set_name("a7");
  FeatureNames names;
  names.Learn(batch);
  EXPECT_THAT(NamesOf(names, 77), ElementsAre("ad^a7"));
}

TEST(FeatureNamesTest, IsBounded) {
  FeatureNames names;
  names.SetCapacity(100);
  for (uint32_t id = 0; id < 1000; ++id) names.Add(id, "n", std::to_string(id));
  EXPECT_EQ(names.size(), 100U);
  EXPECT_THAT(NamesOf(names, 99), ElementsAre("n^99"));
  EXPECT_THAT(NamesOf(names, 100), IsEmpty());
  names.SetCapacity(10);  // The oldest stay.
  EXPECT_EQ(names.size(), 10U);
  EXPECT_THAT(NamesOf(names, 9), ElementsAre("n^9"));
  EXPECT_THAT(NamesOf(names, 10), IsEmpty());
  names.SetCapacity(0);
  names.Add(1, "", "x");
  EXPECT_EQ(names.size(), 0U);
}

TEST(FeatureNamesTest, KeepsAFewNamesOfOneIdAndTheBeginningOfLongOnes) {
  FeatureNames names;
  for (int i = 0; i < 100; ++i) names.Add(1, "", std::to_string(i));
  EXPECT_EQ(names.size(), static_cast<size_t>(FeatureNames::kMaxNamesOfId));
  names.Add(2, std::string(300, 'n'), std::string(255, 'a') + "é");
  EXPECT_THAT(NamesOf(names, 2),
              ElementsAre(StrCat(std::string(256, 'n'), "^", std::string(255, 'a'))));
}

TEST(FeatureNamesTest, AreTheSameWhenTheyAreLoaded) {
  FeatureNames names;
  for (uint32_t i = 0; i < 500; ++i) names.Add(i / 2 * 7919, "n", std::to_string(i));
  FeatureNames loaded;
  loaded.Add(3, "", "is replaced");
  ASSERT_TRUE(Load(Saved(names), loaded).ok());
  EXPECT_EQ(Saved(loaded), Saved(names));
  names.Add(4, "", "more");
  loaded.Add(4, "", "more");
  EXPECT_EQ(Saved(loaded), Saved(names));
}

TEST(FeatureNamesTest, MergeAddsWhatIsNew) {
  FeatureNames names;
  names.Add(1, "", "one");
  FeatureNames others;
  others.Add(2, "n", "two");
  others.Add(1, "", "one");
  others.Add(1, "", "uno");
  names.Merge(others);
  EXPECT_EQ(names.size(), 3U);
  EXPECT_THAT(NamesOf(names, 1), ElementsAre("one", "uno"));
  EXPECT_THAT(NamesOf(names, 2), ElementsAre("n^two"));
  names.Merge(names);
  EXPECT_EQ(names.size(), 3U);
}

TEST(FeatureNamesTest, RefusesBytesThatItDidNotSave) {
  FeatureNames names;
  names.Add(1, "", "one");
  const std::vector<std::byte> saved = Saved(names);
  for (size_t size = 0; size < saved.size(); ++size) {
    EXPECT_EQ(Load({saved.begin(), saved.begin() + static_cast<long>(size)}, names).code(),
              absl::StatusCode::kDataLoss);
  }
  std::vector<std::byte> not_text = saved;
  not_text.back() = std::byte{0xff};
  EXPECT_EQ(Load(not_text, names).code(), absl::StatusCode::kDataLoss);
  std::vector<std::byte> too_long = saved;
  too_long[14] = std::byte{1};  // The size of the name: 65,539 bytes.
  EXPECT_EQ(Load(too_long, names).code(), absl::StatusCode::kDataLoss);
  std::vector<std::byte> too_many = saved;
  too_many[7] = std::byte{1};
  EXPECT_EQ(Load(too_many, names).code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace freshet
