#include "server/file/model_folder.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace freshet {
namespace {

TEST(ModelFolderTest, NamesComeBackAsTheyWentIn) {
  for (const ModelFolder& folder :
       {ModelFolder{"ctr", 0x0123456789abcdef}, ModelFolder{"ctr", 1}, ModelFolder{"a-b-1", 2},
        ModelFolder{"ctr", 0}, ModelFolder{std::string(63, 'a'), ~uint64_t{0}},
        // An id that ends like a uid.
        ModelFolder{"ctr-0123456789abcdef", 3}}) {
    EXPECT_EQ(ParseModelFolderName(ModelFolderName(folder)), folder) << ModelFolderName(folder);
  }
  EXPECT_EQ(ModelFolderName({"ctr", 0xab}), "ctr-00000000000000ab");
}

TEST(ModelFolderTest, WhatIsNoNameIsNone) {
  for (const char* name : {"", "CTR", "ctr_1", "-0123456789abcdef", "1", "a.b", ".trash-ctr-1",
                           "lost+found", "ctr-", "ctr-0123456789abcdeF"}) {
    EXPECT_EQ(ParseModelFolderName(name), std::nullopt) << name;
  }
  EXPECT_EQ(ParseModelFolderName(std::string(64, 'a')), std::nullopt);
  // A uid is never 0 and always 16 digits long, so these are ids.
  for (const char* id : {"ctr-0000000000000000", "ctr-123456789abcdef", "ctr-00123456789abcdef"}) {
    EXPECT_EQ(ParseModelFolderName(id), (ModelFolder{id, 0}));
  }
}

TEST(ModelFolderTest, UidsAreSixteenDigitsAndNeverTheSame) {
  EXPECT_EQ(FormatUid(0), "");
  EXPECT_EQ(ParseUid(""), 0U);
  EXPECT_EQ(ParseUid(FormatUid(42)), 42U);
  for (const char* bad :
       {"2a", "0000000000000000", "000000000000002A", "00000000000000002a", "x"}) {
    EXPECT_EQ(ParseUid(bad), std::nullopt) << bad;
  }
  EXPECT_NE(RandomUid(), RandomUid());
}

}  // namespace
}  // namespace freshet
