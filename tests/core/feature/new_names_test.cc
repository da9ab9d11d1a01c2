#include "core/feature/new_names.h"

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "core/feature/example_batch.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct OwnedName {
  uint32_t id;
  std::string name_space;
  std::string name;

  friend bool operator==(const OwnedName&, const OwnedName&) = default;
};

std::vector<OwnedName> TakeAll(NewNames* names) {
  std::vector<OwnedName> all;
  names->TakeIf([&all](const NewNames::Name& name) {
    all.push_back({name.id, std::string(name.name_space), std::string(name.name)});
    return true;
  });
  return all;
}

// Looks at every `distance`th row, and returns how many of the next `count` of these are wanted.
int WantedRows(NewNames* names, int count, int distance) {
  int wanted = 0;
  for (int row = 0; row < count * distance; ++row) {
    if (names->BeginRow() && row % distance == 0) ++wanted;
  }
  return wanted;
}

TEST(NewNamesTest, KeepEachIdOnce) {
  NewNames names;
  std::mt19937 random(1);
  std::set<uint32_t> ids;
  for (int i = 0; i < 100'000; ++i) {
    // Hashes, small indices, and 0, which marks free entries of the table.
    const uint32_t id = i % 2 == 0 ? random() % 5000 : random() % 5000 * 2654435761U;
    ids.insert(id);
    names.Note("ns", std::to_string(id), id);
  }
  EXPECT_EQ(names.size(), ids.size());
  std::set<uint32_t> kept;
  for (const OwnedName& name : TakeAll(&names)) {
    EXPECT_TRUE(kept.insert(name.id).second);
    EXPECT_EQ(name.name, std::to_string(name.id));
    EXPECT_EQ(name.name_space, "ns");
  }
  EXPECT_EQ(kept, ids);
}

TEST(NewNamesTest, StopAtTheirLimit) {
  NewNames names(3);
  for (const uint32_t id : {7U, 7U, 8U, 0U, 0U, 9U, 10U}) names.Note("", "x", id);
  EXPECT_THAT(TakeAll(&names),
              ElementsAre(OwnedName{7, "", "x"}, OwnedName{8, "", "x"}, OwnedName{0, "", "x"}));
  NewNames others(1);
  for (const uint32_t id : {7U, 0U}) others.Note("", "x", id);
  EXPECT_THAT(TakeAll(&others), ElementsAre(OwnedName{7, "", "x"}));
}

TEST(NewNamesTest, WantEveryOneOfTheFirstRowsAndOneInEightOfFurtherOnes) {
  NewNames names;
  const int first = NewNames::kFirstRows;
  EXPECT_EQ(WantedRows(&names, first, 1), first);
  // Rows that come at a fixed distance in a stream all have the same chance.
  for (const int distance : {1, 2, 3, 4, 8, 13, 64}) {
    const int wanted = WantedRows(&names, 4000, distance);
    EXPECT_GT(wanted, 400) << distance;
    EXPECT_LT(wanted, 600) << distance;
  }
}

TEST(NewNamesTest, WantNoRowOnceTheyAreAtTheirLimit) {
  NewNames names(2);
  names.Note("", "x", 1);
  EXPECT_TRUE(names.BeginRow());
  names.Note("", "y", 2);
  EXPECT_FALSE(names.BeginRow());
  EXPECT_EQ(names.size(), 2U);
  NewNames none(0);
  EXPECT_FALSE(none.BeginRow());
}

TEST(NewNamesTest, StayUntilTheyAreTaken) {
  NewNames names;
  names.Note("a", "one", 1);
  names.Note("b", "two", 2);
  names.Note("a", "three", 3);
  names.Note("bc", "four", 4);
  std::vector<uint32_t> shown;
  names.TakeIf([&shown](const NewNames::Name& name) {
    shown.push_back(name.id);
    return name.name_space == "a";
  });
  EXPECT_THAT(shown, ElementsAre(1, 2, 3, 4));
  EXPECT_EQ(names.size(), 2U);
  names.Note("a", "five", 5);
  names.Note("a", "one", 1);
  EXPECT_THAT(TakeAll(&names), ElementsAre(OwnedName{2, "b", "two"}, OwnedName{4, "bc", "four"},
                                           OwnedName{5, "a", "five"}));
  EXPECT_THAT(TakeAll(&names), IsEmpty());
}

TEST(NewNamesTest, ForgetWhatNobodyKeeps) {
  NewNames names;
  names.Note("", "x", 1);
  names.SetLimit(0);
  EXPECT_EQ(names.size(), 0U);
  names.Note("", "y", 2);
  EXPECT_THAT(TakeAll(&names), IsEmpty());
}

TEST(NewNamesTest, KeepOnlyWhatCanBeSentAsText) {
  NewNames names;
  names.Note("", "caf\xe9", 1);
  names.Note("caf\xe9", "x", 2);
  names.Note("", "", 3);
  names.Note("", std::string(255, 'a') + "é", 4);
  EXPECT_THAT(TakeAll(&names), ElementsAre(OwnedName{4, "", std::string(255, 'a')}));
}

TEST(NewNamesTest, AreGatheredByABuilderThatIsToldTo) {
  ExampleBatchBuilder batch;
  NewNames names;
  const auto add_row = [&batch] {
    batch.BeginRow(1, 1);
    const size_t user = batch.Namespace("user");
    batch.AddFeature(user, "ann", 17, 1);
    batch.AddFeature(user, "absent", 18, 0);
    batch.AddFeature(user, 19, 1);
    batch.EndRow();
  };
  add_row();
  batch.KeepNames(&names);
  add_row();
  batch.Clear();
  add_row();
  EXPECT_THAT(TakeAll(&names), ElementsAre(OwnedName{17, "user", "ann"}));
  EXPECT_EQ(batch.feature_count(), 2U);
}

TEST(NewNamesTest, AreNotGatheredFromRowsThatAreNotWanted) {
  ExampleBatchBuilder batch;
  NewNames names;
  batch.KeepNames(&names);
  const auto add_rows = [&batch](uint32_t first_id, size_t count) {
    for (uint32_t id = first_id; id < first_id + count; ++id) {
      batch.BeginRow(1, 1);
      const size_t user = batch.Namespace("user");
      batch.AddFeature(user, "one of a kind", id, 1);
      batch.AddFeature(user, "of all", first_id + 500'000, 1);
      batch.EndRow();
      batch.Clear();
    }
  };
  add_rows(1, NewNames::kFirstRows);
  EXPECT_EQ(TakeAll(&names).size(), NewNames::kFirstRows + 1);
  add_rows(1'000'000, 4000);
  const std::vector<OwnedName> later = TakeAll(&names);
  EXPECT_GT(later.size(), 400U);
  EXPECT_LT(later.size(), 600U);
  EXPECT_NE(std::find(later.begin(), later.end(), OwnedName{1'500'000, "user", "of all"}),
            later.end());
}

}  // namespace
}  // namespace freshet
