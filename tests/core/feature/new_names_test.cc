#include "core/feature/new_names.h"

#include <random>
#include <set>
#include <string>

#include "core/feature/example_batch.h"
#include "gtest/gtest.h"

namespace freshet {
namespace {

TEST(NewNamesTest, KeepEachIdOnce) {
  NewNames names;
  std::mt19937 random(1);
  std::set<uint32_t> ids;
  for (int i = 0; i < 100'000; ++i) {
    // Hashes, indices, and the id that marks free entries of a table.
    const uint32_t id = i % 2 == 0 ? random() % 5000 : random() % 5000 * 2654435761U;
    ids.insert(id);
    names.Note("ns", std::to_string(id), id);
  }
  std::set<uint32_t> kept;
  for (const NewNames::Name& name : names.names()) {
    EXPECT_TRUE(kept.insert(name.id).second);
    EXPECT_EQ(name.name, std::to_string(name.id));
    EXPECT_EQ(name.name_space, "ns");
  }
  EXPECT_EQ(kept, ids);
}

TEST(NewNamesTest, StopAtTheirLimit) {
  NewNames names(3);
  for (const uint32_t id : {0U, 7U, 0U, 7U, 8U, 9U, 10U}) names.Note("", "x", id);
  ASSERT_EQ(names.names().size(), 3U);
  EXPECT_EQ(names.names()[0].id, 0U);
  EXPECT_EQ(names.names()[1].id, 7U);
  EXPECT_EQ(names.names()[2].id, 8U);
}

TEST(NewNamesTest, ForgetWhatNobodyKeeps) {
  NewNames names;
  names.Note("", "x", 1);
  names.SetLimit(0);
  EXPECT_TRUE(names.names().empty());
  names.Note("", "y", 2);
  EXPECT_TRUE(names.names().empty());
}

TEST(NewNamesTest, KeepOnlyWhatCanBeSentAsText) {
  NewNames names;
  names.Note("", "caf\xe9", 1);
  names.Note("caf\xe9", "x", 2);
  names.Note("", "", 3);
  names.Note("", std::string(255, 'a') + "é", 4);
  ASSERT_EQ(names.names().size(), 1U);
  EXPECT_EQ(names.names()[0].name, std::string(255, 'a'));
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
  ASSERT_EQ(names.names().size(), 1U);
  EXPECT_EQ(names.names()[0].name_space, "user");
  EXPECT_EQ(names.names()[0].name, "ann");
  EXPECT_EQ(names.names()[0].id, 17U);
  EXPECT_EQ(batch.feature_count(), 2U);
}

}  // namespace
}  // namespace freshet
