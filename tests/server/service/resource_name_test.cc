#include "server/service/resource_name.h"

#include <gtest/gtest.h>

#include <string>

namespace freshet {
namespace {

TEST(ResourceNameTest, TakesIdsOfThePatternOnly) {
  for (const char* good : {"a", "ctr", "a1", "click-2-x"}) {
    EXPECT_TRUE(CheckResourceId("model_id", good).ok()) << good;
  }
  EXPECT_TRUE(CheckResourceId("model_id", std::string(63, 'a')).ok());
  for (const char* bad : {"", "A", "1a", "-a", "a-", "a_b", "a/b", "a.b", "../a", "ä"}) {
    EXPECT_FALSE(CheckResourceId("model_id", bad).ok()) << bad;
  }
  EXPECT_FALSE(CheckResourceId("model_id", std::string(64, 'a')).ok());
}

TEST(ResourceNameTest, ParsesNames) {
  EXPECT_EQ(ParseModelName("models/ctr").value(), "ctr");
  const SnapshotName name = ParseSnapshotName("models/ctr/snapshots/s000001").value();
  EXPECT_EQ(name.model_id, "ctr");
  EXPECT_EQ(name.snapshot_id, "s000001");
  const VariantName champion = ParseVariantName("models/ctr").value();
  EXPECT_EQ(champion.model_id, "ctr");
  EXPECT_EQ(champion.variant_id, "");
  const VariantName variant = ParseVariantName("models/ctr/variants/main").value();
  EXPECT_EQ(variant.model_id, "ctr");
  EXPECT_EQ(variant.variant_id, "main");
}

TEST(ResourceNameTest, RejectsOtherNames) {
  for (const char* bad : {"", "ctr", "models/", "model/ctr", "models/ctr/", "models/a/b"}) {
    EXPECT_FALSE(ParseModelName(bad).ok()) << bad;
  }
  for (const char* bad : {"models/ctr", "models/ctr/snapshots/", "models/ctr/snapshots/../x",
                          "models//snapshots/s1", "snapshots/s1"}) {
    EXPECT_FALSE(ParseSnapshotName(bad).ok()) << bad;
  }
  for (const char* bad : {"ctr", "models/ctr/variants/", "models/ctr/variants/a/b",
                          "models/ctr/snapshots/s1", "models//variants/main"}) {
    EXPECT_FALSE(ParseVariantName(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace freshet
